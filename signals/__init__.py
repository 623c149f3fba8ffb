"""The strategies and the facts they rest on: pure functions of market history.

Nothing here reads a file, a clock, a database or the network. Importing this package loads nothing but the
standard library; numpy and exchange_calendars come with the modules that need them.
"""
