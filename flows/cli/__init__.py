"""The command line. Commands that only read import neither Prefect nor pandas nor numpy."""
