from __future__ import annotations

import asyncio
import datetime as dt
import email
import email.policy
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from reports.charts.chart import Chart, Line, Panel
from reports.html import render_html
from reports.text import render_text
from reports.view import ReportView, pushed, report_view
from signals.veqtor.signal import VeqtorSignals, signal_report
from tasks.notify.channel import AcceptanceUnknown, Refused
from tasks.notify.email import EmailChannel, SmtpServer, compose
from tests.conftest import NOW, now

pytestmark = pytest.mark.server

DESK, SENDER, KEY = "desk@example.com", "tailguard@example.org", "tailguard.2006-03-15.d1.r1.abc"
HANG_UP = "hang up"
TIMEOUT = 5.0


@dataclass
class Mailbox:
    """What a mail server does, and what it was given."""

    on_mail: str = "250 OK"
    on_recipient: str = "250 OK"
    on_data: str = ""
    on_body: str = "250 OK"
    delay: float = 0.0
    tried: list[str] = field(default_factory=list)
    accepted: list[Envelope] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - its name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.on_mail.startswith("250"):
            envelope.mail_from = address
        return self.on_mail

    async def handle_RCPT(  # noqa: N802 - its name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tried.append(address)
        if self.on_recipient == HANG_UP:
            hang_up(server)
        if self.on_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.on_recipient

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        await asyncio.sleep(self.delay)
        if self.on_body.startswith("250") or self.on_body == HANG_UP:
            self.accepted.append(envelope)
        if self.on_body == HANG_UP:
            hang_up(server)
        return self.on_body

    def message(self) -> EmailMessage:
        """The one mail it took."""
        (envelope,) = self.accepted
        assert isinstance(envelope.content, bytes)
        return email.message_from_bytes(envelope.content, policy=email.policy.default)


def hang_up(server: SMTP) -> None:
    """End the connection without another word."""
    assert server.transport is not None
    server.transport.close()


class Server(SMTP):
    """A mail server that may hang up when a body is announced."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - its name
        if getattr(self.event_handler, "on_data", "") == HANG_UP:
            hang_up(self)
        else:
            await super().smtp_DATA(arg)


class AnyPort(Controller):
    """A mail server on a free port."""

    def factory(self) -> SMTP:
        return Server(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types


Serve = Callable[..., SmtpServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a mail server for a mailbox and say how to reach it."""
    started: list[Controller] = []

    def start(mailbox: Mailbox, security: str = "none", timeout: float = TIMEOUT, **options: Any) -> SmtpServer:
        controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
        controller.start()
        started.append(controller)
        return SmtpServer("127.0.0.1", controller.port, security, "", "", SENDER, timeout)

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client trusts the server's certificate."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture(scope="module")
def view(made_up_signals: VeqtorSignals) -> ReportView:
    return report_view(signal_report(made_up_signals, dt.date(2006, 3, 15), 1e6), revision=1, emitted_at=NOW)


def send(server: SmtpServer, view: ReportView, recipient: str = DESK) -> None:
    EmailChannel(server, now).send(recipient, view, KEY)


def refusal(server: SmtpServer, view: ReportView, recipient: str = DESK) -> Refused:
    with pytest.raises(Refused) as caught:
        send(server, view, recipient)
    return caught.value


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content.replace("\r\n", "\n")


def test_a_mail_arrives_with_its_addresses_date_and_id(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    send(serve(mailbox), view)

    message, (envelope,) = mailbox.message(), mailbox.accepted
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, [DESK])
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, DESK, view.subject)
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == f"<{KEY}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_the_text_and_the_html_part_are_the_two_renderings(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    send(serve(mailbox), view)

    message = mailbox.message()
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert body(message, "plain") == render_text(view)
    assert body(message, "html").rstrip("\n") == render_html(view).rstrip("\n")


CHART = Chart(
    "cell",
    "veqtor",
    title="The cell",
    subtitle="60 sessions",
    alt="VEQTOR is in the cell of 10-20% and no trend.",
    note="2006-03-15",
    panels=(Panel("%", (Line("a", ((1.0, 2.0), (2.0, 3.0))),)),),
)


def test_charts_are_pictures_in_the_page_and_sentences_in_the_text(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    broken = replace(CHART, name="curve", alt="The curve rises.", panels=(), grid=None)
    send(serve(mailbox), replace(view, charts=(CHART, replace(broken, panels=(Panel("x", stacks=None),)))))  # type: ignore[arg-type]  # a chart that cannot be drawn

    message = mailbox.message()
    assert message.get_content_type() == "multipart/alternative"
    plain, related = message.iter_parts()
    assert [plain.get_content_type(), related.get_content_type()] == ["text/plain", "multipart/related"]
    assert "Chart: VEQTOR is in the cell of 10-20% and no trend." in body(message, "plain")
    # What cannot be drawn holds nothing up, and is told in words.
    assert "Chart: The curve rises." in body(message, "plain")
    html, picture = related.iter_parts()
    assert picture["Content-ID"] == f"<cell.{KEY}@charts>"
    assert picture["Content-Disposition"] == 'inline; filename="cell.png"'
    assert picture.get_content().startswith(b"\x89PNG")
    page = html.get_content()
    assert f'src="cid:cell.{KEY}@charts"' in page
    assert f'alt="{CHART.alt}"' in page
    assert page.count("<img") == 1


def test_a_quiet_day_is_sent_short_with_the_way_to_the_rest(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    quiet = replace(view, quiet=True, charts=(CHART,), key_charts=("trend",))
    EmailChannel(serve(mailbox), now, "https://tailguard.example.com").send(DESK, quiet, KEY)

    message = mailbox.message()
    assert body(message, "plain") == render_text(pushed(quiet, "https://tailguard.example.com"))
    assert "A day without changes" in body(message, "html")
    assert 'href="https://tailguard.example.com/reports/2006-03-15"' in body(message, "html")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_a_mail_beyond_ascii_and_with_lines_of_a_single_dot_arrives_unharmed(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    hostile = replace(view, subject="Märkte: 90 % in Aktien", verdict="Ω " * 700, footer=(".", "..", "From me"))
    send(serve(mailbox), hostile)

    message = mailbox.message()
    assert message["Subject"] == "Märkte: 90 % in Aktien"
    assert body(message, "plain") == render_text(hostile)
    assert body(message, "html").rstrip("\n") == render_html(hostile).rstrip("\n")
    assert isinstance(mailbox.accepted[0].content, bytes)
    assert max(len(line) for line in mailbox.accepted[0].content.splitlines()) <= 998


def test_every_attempt_at_a_message_has_the_same_id(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    server = serve(mailbox)
    EmailChannel(server, now).send(DESK, view, KEY)
    EmailChannel(server, lambda: NOW + dt.timedelta(minutes=30)).send(DESK, view, KEY)

    contents = [envelope.content for envelope in mailbox.accepted]
    messages = [email.message_from_bytes(content) for content in contents if isinstance(content, bytes)]
    assert len({message["Date"] for message in messages}) == 2
    assert {message["Message-ID"] for message in messages} == {f"<{KEY}@example.org>"}


def test_a_sender_with_a_name_keeps_its_domain_in_the_id(view: ReportView) -> None:
    message = compose(view, "Tail Guard <tailguard@example.org>", DESK, KEY, NOW)

    assert message["Message-ID"] == f"<{KEY}@example.org>"


@pytest.mark.parametrize("recipient", ["desk@example.com\r\nBcc: thief@example.com", "desk@example.com\nX: y"])
def test_no_address_can_smuggle_in_a_header(serve: Serve, view: ReportView, recipient: str) -> None:
    mailbox = Mailbox()
    error = refusal(serve(mailbox), view, recipient)

    assert (str(error), error.final) == ("an address has a line break in it", True)
    assert (mailbox.tried, mailbox.accepted) == ([], [])


@pytest.mark.parametrize(
    "recipient", ["desk@example.com, thief@example.com", "<desk@example.com>, <thief@example.com>"]
)
def test_a_second_address_behind_the_first_gets_nothing(serve: Serve, view: ReportView, recipient: str) -> None:
    mailbox = Mailbox()
    with suppress(Refused):
        send(serve(mailbox), view, recipient)

    assert all(envelope.rcpt_tos == [DESK] for envelope in mailbox.accepted)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1e", "\x85", "\u2028", "\n\n"])
def test_a_subject_is_one_header_whatever_it_holds(serve: Serve, view: ReportView, line_break: str) -> None:
    mailbox = Mailbox()
    send(serve(mailbox), replace(view, subject=f"VEQTOR{line_break}Bcc: thief@example.com"))

    message = mailbox.message()
    assert message["Subject"] == "VEQTOR Bcc: thief@example.com"
    assert message["Bcc"] is None
    assert mailbox.accepted[0].rcpt_tos == [DESK]
    assert body(message, "plain") == render_text(replace(view, subject=message["Subject"]))


def test_an_address_beyond_ascii_is_refused_for_good(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    error = refusal(serve(mailbox), view, "börse@example.com")

    assert error.final
    assert mailbox.accepted == []


@pytest.mark.usefixtures("trusted")
def test_starttls_encrypts_the_mail(serve: Serve, view: ReportView, certificate: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    send(serve(mailbox, "starttls", tls_context=certificate, require_starttls=True), view)

    assert mailbox.message()["Subject"] == view.subject


@pytest.mark.usefixtures("trusted")
def test_tls_from_the_first_byte(serve: Serve, view: ReportView, certificate: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    send(serve(mailbox, "ssl", ssl_context=certificate), view)

    assert mailbox.message()["Subject"] == view.subject


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_a_certificate_nobody_vouches_for_is_refused(
    serve: Serve, view: ReportView, certificate: ssl.SSLContext, security: str
) -> None:
    mailbox = Mailbox()
    context = {"tls_context" if security == "starttls" else "ssl_context": certificate}
    error = refusal(serve(mailbox, security, **context), view)

    assert "certificate verify failed" in str(error)
    assert not error.final
    assert (mailbox.tried, mailbox.accepted) == ([], [])


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_is_refused(serve: Serve, view: ReportView, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mail.example.com").configure_cert(context)
    mailbox = Mailbox()
    error = refusal(serve(mailbox, "ssl", ssl_context=context), view)

    assert "certificate verify failed" in str(error)
    assert mailbox.accepted == []


def test_a_server_without_starttls_gets_no_mail_in_the_clear(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox()
    error = refusal(serve(mailbox, "starttls"), view)

    assert "STARTTLS" in str(error)
    assert (mailbox.tried, mailbox.accepted) == ([], [])


@pytest.mark.usefixtures("trusted")
@pytest.mark.filterwarnings("ignore:.*AUTH_MECHANISM.*:DeprecationWarning")
@pytest.mark.parametrize(("password", "code"), [("hunter2", None), ("wrong-hunter3", "535")])
def test_a_login_is_accepted_or_refused_without_repeating_the_password(
    serve: Serve, view: ReportView, certificate: ssl.SSLContext, password: str, code: str | None
) -> None:
    def check(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me", b"hunter2")
        return AuthResult(success=known, handled=False)

    mailbox = Mailbox()
    server = serve(mailbox, "starttls", tls_context=certificate, auth_required=True, authenticator=check)
    server = replace(server, user="me", password=password)
    assert password not in repr(server)

    if code is None:
        send(server, view)
        assert len(mailbox.accepted) == 1
    else:
        error = refusal(server, view)
        assert str(error).startswith(code)
        assert password not in str(error)
        assert mailbox.accepted == []


def test_a_port_where_nobody_listens_is_worth_another_try(view: ReportView) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        error = refusal(SmtpServer("127.0.0.1", port, "none", "", "", SENDER, TIMEOUT), view)

    assert not error.final
    assert str(error).startswith(f"127.0.0.1:{port}: ")


def test_a_server_that_never_greets_is_worth_another_try(view: ReportView) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        error = refusal(SmtpServer("127.0.0.1", port, "none", "", "", SENDER, 0.2), view)

    assert not error.final


@pytest.mark.parametrize(
    ("answers", "final"),
    [
        ({"on_mail": "550 5.7.1 sender rejected"}, True),
        ({"on_mail": "451 4.3.0 try later"}, False),
        ({"on_recipient": "550 5.1.1 no such user"}, True),
        ({"on_recipient": "450 4.2.1 mailbox busy"}, False),
        ({"on_recipient": "451 4.7.1 greylisted"}, False),
        ({"on_body": "552 5.3.4 too large"}, True),
        ({"on_body": "554 5.7.1 spam"}, True),
        ({"on_body": "451 4.3.0 out of disk"}, False),
    ],
)
def test_a_refusal_is_final_exactly_if_the_server_says_so(
    serve: Serve, view: ReportView, answers: dict[str, str], final: bool
) -> None:
    mailbox = Mailbox(**answers)  # type: ignore[arg-type]  # answers by keyword
    error = refusal(serve(mailbox), view)

    (answer,) = answers.values()
    assert (str(error), error.final) == (answer, final)
    assert mailbox.accepted == []


def test_a_connection_lost_before_the_body_is_worth_another_try(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox(on_recipient=HANG_UP)
    error = refusal(serve(mailbox), view)

    assert not error.final
    assert mailbox.tried == [DESK]


def test_a_connection_lost_when_the_body_was_announced_is_worth_another_try(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox(on_data=HANG_UP)
    error = refusal(serve(mailbox), view)

    assert not error.final
    assert mailbox.accepted == []


def test_a_connection_lost_after_the_body_leaves_open_whether_it_arrived(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox(on_body=HANG_UP)
    server = serve(mailbox)
    with pytest.raises(AcceptanceUnknown, match="after the message was handed over"):
        send(server, view)

    assert len(mailbox.accepted) == 1


def test_an_answer_that_comes_too_late_leaves_open_whether_the_mail_arrived(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox(delay=1.0)
    server = serve(mailbox, timeout=0.3)
    with pytest.raises(AcceptanceUnknown, match="timed out"):
        send(server, view)


def test_an_answer_that_is_no_answer_leaves_open_whether_the_mail_arrived(serve: Serve, view: ReportView) -> None:
    mailbox = Mailbox(on_body="hello?")
    server = serve(mailbox)
    with pytest.raises(AcceptanceUnknown, match="no SMTP answer"):
        send(server, view)
