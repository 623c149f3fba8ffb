"""Sentences on the terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap

import click


def say(text: str, *, err: bool = False) -> None:
    """Print a line; on a terminal, broken between words, later lines indented."""
    stream = sys.stderr if err else sys.stdout
    if stream.isatty():
        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
    click.echo(text, err=err)
