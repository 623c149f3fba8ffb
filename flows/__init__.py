"""The Prefect flows and the command line: they compose tasks and hold no logic of their own."""
