"""``data``: what the database holds, what it lacks, what changed, what could not be read, and making room."""

from __future__ import annotations

import click

from flows.cli.data.gaps import gaps
from flows.cli.data.payloads import prune, refused
from flows.cli.data.revisions import revisions
from flows.cli.data.show import show


@click.group()
def data() -> None:
    """Look at the stored data, and make room.

    A payload is the body of a published file as it was fetched, an observation one value read from it. Neither is ever
    replaced: a value that its publisher corrects is stored beside the earlier one, and the newest counts.
    """


for _command in (show, gaps, revisions, refused, prune):
    data.add_command(_command)
