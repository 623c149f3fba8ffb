"""Checks of everything a run depends on: each looks at one thing, changes nothing, and sends nothing."""
