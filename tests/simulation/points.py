"""The points of a run: moments at which it may be killed, in the order in which it passes them."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

BEFORE_COMMIT, AFTER_COMMIT, CONNECT, OPEN = "before commit", "after commit", "connect", "open"

_WHAT = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|CREATE INDEX|DROP TABLE|ALTER TABLE|FROM)\s+(\w+)")


class Points:
    """Counts the points that this process passes, and kills it at one of them.

    A point is before and after each statement and each commit of SQLAlchemy, a file that is opened in a directory that
    is watched, and a connection that is made.

    Parameters
    ----------
    die_at : int, optional
        Number of the point at which the process ends, by SIGKILL, from 0.
    watched : str
        A directory.
    """

    def __init__(self, die_at: int | None, watched: str) -> None:
        self.passed: list[str] = []
        self._die_at = die_at
        self._watched = watched

    def install(self) -> None:
        """Watch this process from now on."""
        event.listen(Engine, "begin", lambda _connection: self._reached("begin"))
        event.listen(Engine, "before_cursor_execute", lambda *about: self._reached(f"before {_told(about[2])}"))
        event.listen(Engine, "after_cursor_execute", lambda *about: self._reached(f"after {_told(about[2])}"))
        event.listen(Engine, "commit", lambda _connection: self._reached(BEFORE_COMMIT))
        event.listen(Pool, "checkin", lambda *_about: self._reached(self._end_of_transaction()))
        sys.addaudithook(self._audit)

    def _audit(self, name: str, about: tuple[Any, ...]) -> None:
        if name == "open" and self._watched and str(about[0]).startswith(self._watched):
            self._reached(f"{OPEN} {os.path.basename(str(about[0]))}")  # noqa: PTH119 - a hook that opens nothing
        elif name == "socket.connect" and isinstance(about[1], tuple):
            self._reached(CONNECT)

    def _end_of_transaction(self) -> str:
        committed = self.passed and self.passed[-1] == BEFORE_COMMIT
        return AFTER_COMMIT if committed else "after reading"

    def _reached(self, what: str) -> None:
        if len(self.passed) == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed.append(what)


def _told(statement: str) -> str:
    found = _WHAT.search(" ".join(statement.split()))
    if found is None:
        return " ".join(statement.split()[:2])
    verb = "SELECT" if found[1] == "FROM" else found[1]
    return f"{verb} {found[2]}"
