"""What every channel has in common: a send ends accepted, refused, or unknown."""

from __future__ import annotations

import datetime as dt
from typing import Protocol, runtime_checkable

from reports.view import ReportView

#: Names of the channels, as stored in the outbox.
EMAIL, SLACK = "email", "slack"


class Refused(Exception):
    """The message was certainly not accepted.

    Parameters
    ----------
    reason : str
    final : bool
        Whether trying again is pointless.
    retry_after : datetime.timedelta, optional
        How long the other side wants to be left alone, with this message and with any other.
    """

    def __init__(self, reason: str, *, final: bool, retry_after: dt.timedelta | None = None) -> None:
        super().__init__(reason)
        self.final = final
        self.retry_after = retry_after


class AcceptanceUnknown(Exception):
    """The connection ended before the answer came: the message may or may not have been accepted."""


class Channel(Protocol):
    """A way to reach recipients."""

    @property
    def name(self) -> str:
        """``email`` or ``slack``."""
        ...

    def send(self, recipient: str, view: ReportView, message_key: str) -> None:
        """Send one message; returning means accepted.

        Parameters
        ----------
        recipient : str
            Address on this channel, as stored in the outbox.
        message_key : str
            The same for every attempt at the same message, and for no other.

        Raises
        ------
        Refused, AcceptanceUnknown
        """
        ...


@runtime_checkable
class Prepares(Protocol):
    """A channel that has work to do before anything is handed over, which cannot have been accepted meanwhile."""

    def prepare(self, view: ReportView) -> None:
        """Do what takes long; sending does it where this was not called."""
        ...
