"""``python -m flows`` is ``tailguard``."""

from flows.cli.main import main

main()
