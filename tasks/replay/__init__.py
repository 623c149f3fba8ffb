"""Recorded files, served as their publishers would have served them at an instant, well or badly.

`tasks.replay.market.replay` starts the server; `tasks.replay.faults` says how it can be told to misbehave.
"""
