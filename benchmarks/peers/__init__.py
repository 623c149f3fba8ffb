"""VEQTOR in other engines, beside ours; `make bench-peers` measures them and writes the section of docs/benchmarks.md.

Each engine is a module with two functions: `inputs_of(market)` lays the market out as the engine wants it, outside the
measured time, and `levels_of(inputs)` is what is measured: from inputs in memory to one index level per session.
"""
