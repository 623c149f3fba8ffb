"""Who can read the files that hold secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.doctor.findings import FAIL, OK, Finding


def readers(path: Path) -> str:
    """Who can read a file beside those it is for; empty for nobody.

    A file of another owner is one that was mounted into a container, say: this account may read it as one of its group
    only.
    """
    found = path.stat()
    if found.st_mode & stat.S_IROTH:
        return "everybody on this machine"
    if found.st_mode & stat.S_IRGRP and found.st_uid == os.geteuid():
        return "its group"
    return ""


def exposed(files: Mapping[Path, Sequence[str]]) -> list[str]:
    """A sentence for each file with secrets that others can read.

    Parameters
    ----------
    files : mapping of path to names
        The settings in each that are secret.
    """
    return [
        f"{path} holds {' and '.join(names)}, and {who} can read it."
        for path, names in files.items()
        if (who := readers(path))
    ]


def secret_files(files: Mapping[Path, Sequence[str]]) -> Finding:
    """Whether nobody else can read the secrets in files."""
    if found := exposed(files):
        names = " ".join(str(path) for path in files if readers(path))
        return Finding("secrets", FAIL, " ".join(found), f"`chmod 600 {names}`; change them if others had access.")
    kept = ", ".join(map(str, files))
    return Finding("secrets", OK, f"nobody else can read {kept}" if kept else "none in a file")
