"""E-mail over SMTP: text and HTML, TLS, and a Message-ID that stays the same for every attempt."""

from __future__ import annotations

import datetime as dt
import logging
import re
import smtplib
import ssl
from collections.abc import Collection
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from reports.html import render_html
from reports.inert import inert_text
from reports.text import render_text
from reports.view import ReportView, pushed
from tasks.clock import Clock
from tasks.notify.channel import EMAIL, AcceptanceUnknown, Refused
from tasks.notify.content import message_id

if TYPE_CHECKING:
    from reports.charts.chart import Chart
    from reports.context import ReportContext
    from signals.calendar import TradingCalendar
    from signals.market import IgnoredValue
    from storage.reports import StoredReport
    from storage.unit_of_work import UnitOfWork

_LOG = logging.getLogger("tailguard.notify")

_TAKEN, _START_BODY, _PERMANENT = 250, 354, 500

#: A line of a single dot ends the body, so the protocol wants a second dot before each.
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)

#: Lines end in CRLF, and only ASCII goes over the wire: any server takes that.
_WIRE = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class SmtpServer:
    """How to reach the mail server.

    Attributes
    ----------
    security : str
        ``starttls``, ``ssl`` or ``none``.
    user, password : str
        Empty for a server that wants none.
    """

    host: str
    port: int
    security: str
    user: str
    password: str = field(repr=False)
    sender: str
    timeout_seconds: float


class EmailChannel:
    """Send reports by mail."""

    name = EMAIL

    def __init__(
        self,
        server: SmtpServer,
        clock: Clock,
        review_url: str | None = None,
        *,
        ignored: Collection[IgnoredValue] = (),
        calendar: TradingCalendar | None = None,
    ) -> None:
        self._server = server
        self._clock = clock
        self._review_url = review_url
        self._ignored = ignored
        self._calendar = calendar

    def charts(self, work: UnitOfWork, stored: StoredReport, context: ReportContext | None) -> tuple[Chart, ...]:
        """The charts of a report, without values that somebody has found wrong."""
        # Loads numpy.
        from reports.charts.load import report_charts

        return report_charts(work, stored, ignored=self._ignored, calendar=self._calendar, context=context)

    def prepare(self, view: ReportView) -> None:
        """Draw the charts, which are kept for `send`."""
        for chart in pushed(view, self._review_url).charts:
            _picture(chart)

    def send(self, recipient: str, view: ReportView, message_key: str) -> None:
        """Send one mail; see `Channel.send`.

        Anything that goes wrong before the body was handed over is a refusal; a connection lost after that leaves
        open whether the server took the mail.
        """
        try:
            shown = pushed(view, self._review_url)
            message = compose(shown, self._server.sender, recipient, message_key, self._clock())
        except ValueError as error:
            # The policy of the mail does not let a line break into a header.
            raise Refused("an address has a line break in it", final=True) from error
        try:
            smtp = connect(self._server)
        except smtplib.SMTPResponseException as error:
            # Whatever the server holds against us, another recipient or another day is not to blame for it.
            raise Refused(f"{error.smtp_code} {_text(error.smtp_error)}", final=False) from error
        except UnicodeEncodeError:
            # The cause is left out: it can hold the password.
            raise Refused("the user or password has characters beyond ASCII", final=False) from None
        except (smtplib.SMTPException, OSError) as error:
            raise Refused(f"{self._server.host}:{self._server.port}: {error}", final=False) from error
        try:
            _hand_over(smtp, self._server.sender, recipient, message)
        except smtplib.SMTPResponseException as error:
            final = error.smtp_code >= _PERMANENT
            raise Refused(f"{error.smtp_code} {_text(error.smtp_error)}", final=final) from error
        except UnicodeEncodeError as error:
            raise Refused("the address has characters beyond ASCII", final=True) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Refused(f"{self._server.host}:{self._server.port}: {error}", final=False) from error
        finally:
            # Not QUIT: its answer must not turn an accepted mail into an error.
            smtp.close()


def connect(server: SmtpServer) -> smtplib.SMTP:
    """A connection, secured and logged in as configured.

    Raises
    ------
    smtplib.SMTPException, OSError
    UnicodeEncodeError
        For a user or password beyond ASCII; its text can hold the password.
    """
    context = ssl.create_default_context()
    smtp: smtplib.SMTP
    if server.security == "ssl":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_seconds, context=context)
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
    try:
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
        smtp.ehlo_or_helo_if_needed()
    except BaseException:
        smtp.close()
        raise
    return smtp


def _hand_over(smtp: smtplib.SMTP, sender: str, recipient: str, message: EmailMessage) -> None:
    for code, answer in (smtp.mail(sender), smtp.rcpt(recipient)):
        if code not in (250, 251):
            raise smtplib.SMTPResponseException(code, answer)
    code, answer = smtp.docmd("DATA")
    if code != _START_BODY:
        # The server did not want a body: nothing was handed over.
        raise smtplib.SMTPResponseException(code, answer)
    try:
        smtp.send(_LEADING_DOT.sub(b"..", message.as_bytes(policy=_WIRE)) + b".\r\n")
        code, answer = smtp.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise AcceptanceUnknown(f"connection lost after the message was handed over: {error}") from error
    if code < 0:
        raise AcceptanceUnknown(f"no SMTP answer after the message was handed over: {_text(answer)!r}")
    if code != _TAKEN:
        raise smtplib.SMTPResponseException(code, answer)


def compose(view: ReportView, sender: str, recipient: str, message_key: str, date: dt.datetime) -> EmailMessage:
    """The mail: the text part says as much as the HTML part, charts included, which are pictures in the latter.

    Whatever a subject holds becomes one line. `EmailMessage` refuses line breaks in headers, so that no address can
    smuggle one in.

    Raises
    ------
    ValueError
        For an address with a line break.
    """
    message = EmailMessage()
    message["Subject"] = " ".join(inert_text(view.subject).split())
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = format_datetime(date)
    message["Message-ID"] = message_id(message_key, sender)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(render_text(view))
    drawn = {chart.name: picture for chart in view.charts if (picture := _picture(chart)) is not None}
    addresses = {name: f"{name}.{message_key}@charts" for name in drawn}
    page = render_html(view, {name: f"cid:{address}" for name, address in addresses.items()})
    message.add_alternative(page, subtype="html")
    html = message.get_payload(1)
    if drawn and isinstance(html, EmailMessage):
        for name, picture in drawn.items():
            html.add_related(
                picture,
                maintype="image",
                subtype="png",
                cid=f"<{addresses[name]}>",
                disposition="inline",
                filename=f"{name}.png",
            )
        html.set_param("type", "text/html")
    return message


def _picture(chart: Chart) -> bytes | None:
    """A chart as a PNG; None where it cannot be drawn, as the signal must not wait for it."""
    try:
        return _drawn(chart)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the mail goes out without it
        _LOG.warning("a chart was not drawn", extra={"facts": {"chart": chart.name, "error": type(error).__name__}})
        return None


@lru_cache(maxsize=32)
def _drawn(chart: Chart) -> bytes:
    """The same for each recipient."""
    # Loads matplotlib.
    from reports.charts.draw import png

    return png(chart)


def _text(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer
