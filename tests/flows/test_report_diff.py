"""A revision, told by the ledger, by the mail of its correction, and by `report diff`."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from signals.calendar import TradingCalendar
from signals.inputs import resolve
from signals.market import market_history
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals
from storage.runs import SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.ingest import read_source
from tasks.notify.deliver import deliver
from tasks.notify.email import EmailChannel, SmtpServer
from tasks.persist import Recipient, emit
from tasks.runs import start_run
from tasks.sources.files import FilesSource
from tests.conftest import now
from tests.flows.conftest import Tailguard
from tests.market_files import SESSIONS, write_market
from tests.tasks.test_email import SENDER, AnyPort, Mailbox

pytestmark = pytest.mark.server

DAY = dt.date(2006, 3, 15)
DESK = Recipient("email", "desk@example.com")

Tell = Callable[[SignalReport], SessionOutcome]


@pytest.fixture(scope="module")
def before(made_up_signals: VeqtorSignals) -> SignalReport:
    return signal_report(made_up_signals, DAY, 1e6)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, calendar: TradingCalendar) -> SignalReport:
    """The report had the S&P 500 fallen by a tenth on its last day."""
    directory = write_market(tmp_path_factory.mktemp("corrected"), through=DAY)
    for path in (directory / "yahoo/GSPC.csv", directory / "cboe/index/SPX_History.csv"):
        *lines, last = path.read_text().splitlines()
        cells = [f"{float(cell) * 0.9:.6f}" if "." in cell else cell for cell in last.split(",")]
        path.write_text("\n".join([*lines, ",".join(cells)]) + "\n")
    data = read_source(FilesSource(directory, now))[0]
    return signal_report(veqtor_signals(resolve(market_history(data, calendar, DAY), calendar)), DAY, 1e6)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def tell(engine: Engine, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tell]:
    """Emit a report and deliver what is due."""
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", f"sqlite:///{tmp_path / 'test.db'}")
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    server = SmtpServer("127.0.0.1", controller.port, "none", "", "", SENDER, 5.0)

    def emit_and_deliver(report: SignalReport) -> SessionOutcome:
        (outcome,) = emit(engine, start_run(engine, "daily", "files", None, now), [report], [DESK], now)
        deliver(engine, {"email": EmailChannel(server, now)}, now)
        return outcome

    yield emit_and_deliver
    controller.stop()


def texts(mailbox: Mailbox) -> list[tuple[str, str]]:
    """Subject and text of each mail."""
    found = []
    for envelope in mailbox.accepted:
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = message.get_body(("plain",))
        assert part is not None
        found.append((str(message["Subject"]), " ".join(part.get_content().split())))
    return found


def test_ledger_mail_and_diff_tell_the_same_of_a_changed_target(
    tell: Tell, mailbox: Mailbox, tailguard: Tailguard, before: SignalReport, after: SignalReport
) -> None:
    tell(before)
    outcome = tell(after)
    assert before.target != after.target

    assert outcome.detail == f"target changed: {before.verdict} -> {after.verdict}"
    _, (subject, text) = texts(mailbox)
    assert "CORRECTION 2" in subject
    assert f"Revision 2: it supersedes revision 1, which said: {before.verdict}" in text
    diff = tailguard("report", "diff", str(DAY))
    assert diff.code == 1
    printed = " ".join(diff.out.split())
    assert f"verdict: {before.verdict} -> {after.verdict}" in printed
    document = json.loads(tailguard("report", "diff", f"{DAY}@1", f"{DAY}@2", "--json").out)
    target = next(part for part in document["parts"] if part["name"] == "Target")
    (change,) = (change for change in target["changes"] if change["key"] == "target")
    # What it asks for otherwise is the same sentence in the mail, in the diff and in the report.
    assert f"Changed since revision 1: target {change['first']} -> {change['second']}; " in text
    assert f"target: {change['first']} -> {change['second']}" in diff.out
    shown = " ".join(tailguard("report", "show", str(DAY)).out.split())
    assert f"Changed since revision 1: target {change['first']} -> {change['second']}; " in shown
    spx = next(item for item in after.inputs if item.series == "SPX" and item.day == DAY)
    was = next(item for item in before.inputs if (item.label, item.day) == (spx.label, spx.day))
    assert f"{spx.label} of {DAY}: {was.value:.8g} ({DAY}, " in printed
    assert f" -> {spx.value:.8g} ({DAY}, " in printed


def test_a_correction_that_changes_no_target_reaches_nobody_and_the_next_one_names_what_was_told(
    tell: Tell, mailbox: Mailbox, tailguard: Tailguard, before: SignalReport, after: SignalReport
) -> None:
    first, *others = before.inputs
    quiet = replace(before, inputs=(replace(first, value=1300.25), *others))
    tell(before)
    outcome = tell(quiet)

    assert outcome.detail == f"target unchanged; {first.label} of {first.day}: {first.value} -> 1300.25"
    assert len(mailbox.accepted) == 1
    diff = tailguard("report", "diff", str(DAY))
    assert diff.code == 1
    assert diff.out.splitlines()[3] == f"Inputs: 1 different, {len(others)} the same"
    assert diff.out.splitlines()[-1].startswith("The same: Target (")

    tell(after)
    _, (subject, text) = texts(mailbox)
    assert "CORRECTION 3" in subject
    assert f"it supersedes revision 1, which said: {before.verdict}" in text


def test_reports_are_named_by_session_and_revision(
    tell: Tell, tailguard: Tailguard, made_up_signals: VeqtorSignals, before: SignalReport, after: SignalReport
) -> None:
    earlier = SESSIONS[SESSIONS.index(DAY) - 1]
    for report in (signal_report(made_up_signals, earlier, 1e6), before, after, before):
        tell(report)

    assert tailguard("report", "diff", f"{DAY}@1", f"{DAY}@3").out.endswith("\nNo difference.\n")
    assert tailguard("report", "diff", f"{DAY}@1", f"{DAY}@3").code == 0
    newest, named = tailguard("report", "diff", str(DAY)), tailguard("report", "diff", f"{DAY}@2", f"{DAY}@3")
    assert (newest.out, newest.code) == (named.out, 1)
    assert tailguard("report", "diff", f"{DAY}@2").out.startswith(f"First   {DAY} revision 1, emitted")
    two = tailguard("report", "diff", str(earlier), str(DAY))
    assert two.out.splitlines()[0].startswith(f"First   {earlier} revision 1, emitted")
    assert f"acts at the close of: {DAY} -> " in two.out
    assert max(map(len, two.out.splitlines())) <= 80


def test_reports_that_are_not_there_are_refused(tell: Tell, tailguard: Tailguard, before: SignalReport) -> None:
    tell(before)

    for words, said in {
        (str(DAY),): "expected a revision before the one named, got revision 1, which is the first",
        (f"{DAY}@2", str(DAY)): "revision 2: expected a report in the database, got none",
        (str(DAY), "2006-07-03"): "report of session 2006-07-03: expected a report in the database, got none",
        (f"{DAY}@0", str(DAY)): "expected a session with the number of a revision, such as 2020-03-16@2",
        ("yesterday", str(DAY)): "expected a date as yyyy-mm-dd, got 'yesterday'",
    }.items():
        ended = tailguard("report", "diff", *words)
        assert ended.code == 2
        assert said in ended.err


def test_diff_opens_nothing_that_is_not_there(tailguard: Tailguard, engine: Engine, tmp_path: Path) -> None:
    assert tailguard("report", "diff", str(DAY), "--database", f"sqlite:///{tmp_path / 'none.db'}").code == 2
    with UnitOfWork(engine) as work:
        assert work.reports.recent(1) == []
