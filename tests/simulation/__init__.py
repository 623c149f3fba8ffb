"""Runs in processes of their own that are killed, starved and cut off: what docs/reliability.md tells of."""
