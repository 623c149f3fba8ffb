"""What every channel has in common: a send ends accepted, refused, or unknown."""

from __future__ import annotations

from typing import Protocol

from reports.view import ReportView


class Refused(Exception):
    """The message was certainly not accepted.

    Parameters
    ----------
    reason : str
    final : bool
        Whether trying again is pointless.
    """

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.final = final


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
