"""The command's way in, also as ``python -m flows``: light, so that Ctrl-C ends it with a sentence from the start."""

from __future__ import annotations

import sys


def main() -> None:
    """Load the command line and run it."""
    try:
        from flows.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. What was stored stays; run it again to go on.\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
