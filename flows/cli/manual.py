"""The end of a help page: examples and exit codes."""

from __future__ import annotations


def manual(*examples: str, exit_codes: str = "") -> str:
    """The epilog of a command, for click.

    Parameters
    ----------
    examples : str
        Lines as a user types them.
    exit_codes : str
        What each one means, "0 done, 2 no database"; left out for a command that cannot fail.
    """
    # A line of \b alone keeps click from filling the paragraph it opens.
    paragraphs = ["\n".join(["\b", "Examples:", *(f"  {example}" for example in examples)])]
    if exit_codes:
        paragraphs.append(f"Exit codes: {exit_codes}.")
    return "\n\n".join(paragraphs)
