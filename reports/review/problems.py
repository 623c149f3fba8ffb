"""What can be wrong with a request, as a page for people and as a problem document for programs (RFC 9457).

Nothing of the program's inside is told: no path, no statement, no trace.
"""

from __future__ import annotations

import datetime as dt
import http
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """Where a reader may go on."""

    text: str
    href: str


class Problem(Exception):
    """A request that cannot be answered as asked.

    Parameters
    ----------
    status : int
    title : str
        In a few words.
    detail : str
        What was expected, what came, and what to do.
    links : sequence of Link
        What may have been meant.
    onward : str
        Where a reader wanted to go who is asked for the token first.
    """

    def __init__(self, status: int, title: str, detail: str, links: Sequence[Link] = (), *, onward: str = "/") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.links = tuple(links)
        self.onward = onward

    def document(self) -> dict[str, object]:
        """As application/problem+json."""
        found: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.links:
            found["links"] = [{"title": link.text, "href": link.href} for link in self.links]
        return found


class Unavailable(Problem):
    """The database does not answer; it may later."""

    @classmethod
    def schema(cls, found: str | None, expected: str) -> Unavailable:
        """Another migration than this program knows; ours are numbers of four digits."""
        if found is not None and not found.isdecimal():
            return cls.foreign()
        title = "The database is of another version"
        detail = (
            f"This program reads schema {expected}; the database is at {found}. " if found else "It has no schema yet. "
        )
        if found is not None and int(found) > int(expected):
            return cls(503, title, f"{detail}A newer program upgraded it: upgrade this one, and start it again.")
        return cls(503, title, f"{detail}Run `tailguard db upgrade`, then reload.")

    @classmethod
    def foreign(cls) -> Unavailable:
        """One of another program."""
        return cls(
            503,
            "The database is another program's",
            "It has tables, and none of tailguard's. Start the app with the right one in --database, or in the setting "
            "database_url.",
        )

    @classmethod
    def held(cls) -> Unavailable:
        """Another program holds it."""
        return cls(503, "The database is busy", "Another program holds it at the moment. Reload in a few seconds.")

    @classmethod
    def absent(cls) -> Unavailable:
        """It is not there, or no database."""
        return cls(
            503,
            "The database cannot be read",
            "It is not there, is no database, or refuses the connection. `tailguard doctor` on the host of this app "
            "says which; then reload.",
        )


def status_problem(status: int, headers_allow: str = "") -> Problem:
    """The problem of a status that the web framework found."""
    if status == http.HTTPStatus.NOT_FOUND:
        return Problem(status, "No such page", "Nothing is at this address. The menu leads to everything there is.")
    if status == http.HTTPStatus.METHOD_NOT_ALLOWED:
        return Problem(status, "Only reading", f"This app answers GET and HEAD only. {headers_allow}".strip())
    phrase = http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else "Error"
    return Problem(status, phrase, "The request cannot be answered. Check the address.")


def no_report(session: dt.date, *, why: str, nearest: Sequence[dt.date], root: str = "") -> Problem:
    """No report of a session; the nearest ones are offered."""
    links = [Link(f"{day:%A} {day}", f"{root}/reports/{day}") for day in nearest]
    return Problem(404, f"No report of {session}", why, links)
