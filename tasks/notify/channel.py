"""What every channel has in common: a send ends accepted, refused, or unknown."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from reports.view import ReportView

if TYPE_CHECKING:
    from reports.charts.chart import Chart
    from reports.context import ReportContext
    from storage.reports import StoredReport
    from storage.unit_of_work import UnitOfWork

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
class Illustrated(Protocol):
    """A channel whose messages have pictures: described with the words, and drawn before anything is handed over."""

    def charts(self, work: UnitOfWork, stored: StoredReport, context: ReportContext | None) -> tuple[Chart, ...]:
        """The charts of a report."""
        ...

    def prepare(self, view: ReportView) -> None:
        """Draw them, which takes long; sending does it where this was not called."""
        ...
