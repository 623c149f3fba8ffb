"""Evenings on which something is late, wrong or revised, attempt after attempt, against the recorded market."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from signals.zones import NEW_YORK
from storage.engine import open_engine
from storage.models import Observation, Report
from tasks.replay.faults import Fault
from tasks.replay.market import Market, replay
from tests.flows.conftest import Ended, Mailbox, Tailguard

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

SHEET = "2020-03-16"
APRIL = "VX_2020-04-15"

At = Callable[[str], Market]


@pytest.fixture
def at(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    """Make it another instant, in New York, for the publishers and for the runs."""
    monkeypatch.setenv("TAILGUARD_SOURCE", "live")
    monkeypatch.setenv("TAILGUARD_SOURCE_ATTEMPTS", "1")
    monkeypatch.setenv("TAILGUARD_SOURCE_SPACING_SECONDS", "0")
    # No report waits for a hedge; a hedge that acts would be in the subjects.
    monkeypatch.setenv("TAILGUARD_HEDGES", "")
    with replay(data_dir, dt.datetime(2020, 3, 16, 18, 45, tzinfo=NEW_YORK)) as market:

        def move(instant: str) -> Market:
            whole = instant if len(instant) > len("16T18:45") else f"2020-03-{instant}"
            market.at(dt.datetime.fromisoformat(whole).replace(tzinfo=NEW_YORK))
            for name, value in market.settings.items():
                monkeypatch.setenv(name, value)
            return market

        yield move


def ran(ended: Ended) -> tuple[int, str, str]:
    found = json.loads(ended.out)
    return ended.code, found["session"], found["outcome"]


def subjects(mailbox: Mailbox) -> list[str]:
    """Of the mails to one of the two recipients, in the order they came."""
    mails = [email.message_from_bytes(body, policy=email.policy.default) for body in mailbox.bodies]
    return [str(mail["subject"]) for mail in mails if "desk@" in str(mail["to"])]


def count(directory: Path, table: type[Report | Observation]) -> int:
    engine = open_engine(f"sqlite:///{directory / 'tailguard.db'}", must_exist=True)
    with engine.connect() as connection:
        found = connection.scalar(select(func.count()).select_from(table))
    engine.dispose()
    return found or 0


def shown(text: str, contract: str) -> str:
    """The settlement of a contract in the instruction of a report."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"{contract}, contracts")]
    return line.split()[2]


def test_2020_03_16_a_sheet_two_attempts_late_and_a_settlement_revised_the_next_day(
    at: At, tailguard: Tailguard, mailbox: Mailbox, tmp_path: Path
) -> None:
    market = at("16T18:45")
    market.misbehave(Fault("late", "cboe-web", SHEET))
    for attempt, following in (("16T18:45", "Mon 2020-03-16 20:30"), ("16T20:30", "Tue 2020-03-17 00:20")):
        at(attempt)
        waiting = tailguard("run", "--json")
        assert ran(waiting) == (3, "2020-03-16", "AWAITING_DATA")
        detail = json.loads(waiting.out)["detail"]
        assert "settlement of VXH20 (Cboe's sheet of 2020-03-16 repeats that of 2020-03-13)" in detail
        assert f"Next attempt {following}, deadline Tue 2020-03-17 15:30 New York." in detail
        assert "2020-03-16  AWAITING_DATA" in tailguard("status").out
    assert (subjects(mailbox), count(tmp_path, Report)) == ([], 0)

    market.behave()
    at("17T00:20")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-16", "EMITTED")
    stored = count(tmp_path, Observation)
    at("17T07:30")
    # The files of the contracts are out now, and say what the sheet said.
    assert ran(tailguard("run", "--json")) == (0, "2020-03-16", "ALREADY_EMITTED")
    assert stored < count(tmp_path, Observation) < stored + 40
    assert subjects(mailbox) == ["VEQTOR 2020-03-16: 60% equity, 40% VIX futures"]
    assert len(mailbox.bodies) == 2

    market.misbehave(Fault("changed-value", "cboe", APRIL, value="59.30", day=dt.date(2020, 3, 16)))
    at("17T18:45")
    evening = tailguard("run", "--json")
    assert ran(evening) == (0, "2020-03-17", "EMITTED")
    (revised,) = json.loads(evening.out)["others"]
    assert (revised["session"], revised["outcome"]) == ("2020-03-16", "REVISED")
    assert revised["detail"].startswith("target unchanged; VXJ20 (VX2) of 2020-03-16: 59.15 -> 59.3")
    assert subjects(mailbox)[1:] == ["VEQTOR 2020-03-17: 60% equity, 40% VIX futures"]
    changes = tailguard("data", "revisions").out
    assert "59.15" in changes
    assert "59.3" in changes

    # What was known when, and what was said when.
    before, after = ("2020-03-17T01:00", "2020-03-17T18:45")
    for instant, price, revision in ((before, "59.15", "revision 1"), (after, "59.3", "revision 2")):
        computed = tailguard("run", "--session", "2020-03-16", "--as-of", instant).out
        assert shown(computed, "VXJ20") == price
        assert "observations that had been fetched by then" in " ".join(computed.split())
        said = tailguard("report", "show", "2020-03-16", "--as-of", instant).out
        assert (shown(said, "VXJ20"), revision in said) == (price, True)
    early = tailguard("run", "--session", "2020-03-16", "--as-of", "2020-03-16T20:31")
    assert (early.code, "settlement of VXH20" in early.err) == (3, True)
    levels = [
        tailguard("history", "--start", "2020-03-16", "--end", "2020-03-16", "--as-of", instant).out.splitlines()[1]
        for instant in (before, after)
    ]
    assert levels[0] != levels[1]


def test_a_session_without_data_is_told_of_once_and_has_failed_after_its_deadline(
    at: At, tailguard: Tailguard, mailbox: Mailbox
) -> None:
    at("13T20:30")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-13", "EMITTED")
    market = at("16T18:45")
    market.misbehave(
        Fault("500", "cboe-web"), Fault("late", "cboe", "VX_*", until=dt.datetime(2020, 3, 18, tzinfo=dt.UTC))
    )
    for attempt in ("16T18:45", "17T13:30"):
        at(attempt)
        assert ran(tailguard("run", "--json")) == (3, "2020-03-16", "AWAITING_DATA")
    assert len(subjects(mailbox)) == 1
    at("17T14:30")
    last = tailguard("run", "--json")
    assert ran(last) == (3, "2020-03-16", "AWAITING_DATA")
    assert "No further attempt is scheduled" in json.loads(last.out)["detail"]
    missing = "settlement of VXH20, settlement of VXJ20"
    assert subjects(mailbox)[1:] == [f"NO SIGNAL VEQTOR 2020-03-16: waiting for {missing}"]

    market.behave()
    at("17T18:45")
    evening = tailguard("run", "--json")
    assert ran(evening) == (0, "2020-03-17", "EMITTED")
    assert [(other["session"], other["outcome"]) for other in json.loads(evening.out)["others"]] == [
        ("2020-03-16", "FAILED")
    ]
    assert "2020-03-16  FAILED" in tailguard("status").out
    assert len(subjects(mailbox)) == 3


def test_publishers_that_disagree_are_waited_for_until_three_hours_before_the_deadline(
    at: At, tailguard: Tailguard
) -> None:
    market = at("17T11:30")
    market.misbehave(Fault("changed-value", "yahoo", "^GSPC", value="2390", day=dt.date(2020, 3, 16)))
    waiting = tailguard("run", "--json")
    assert ran(waiting) == (3, "2020-03-16", "AWAITING_DATA")
    assert "S&P 500: Yahoo has 2390.00, Cboe 2386.13" in json.loads(waiting.out)["detail"]
    at("17T12:30")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-16", "EMITTED")
    assert "Degraded data in S&P 500" in tailguard("report", "show").out


@pytest.mark.parametrize(("scheduled", "ended"), [(True, (0, "EMITTED")), (False, (3, "AWAITING_DATA"))])
def test_a_scheduled_run_asks_again_after_some_minutes_and_one_on_a_terminal_does_not(
    at: At, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, scheduled: bool, ended: tuple[int, str]
) -> None:
    at("16T20:30").misbehave(Fault("503", "cboe-web", SHEET, times=2))
    monkeypatch.setenv("TAILGUARD_FETCH_RETRY_SECONDS", "0.1")
    if scheduled:
        # How Prefect lets a flow run believe that it belongs to a deployment.
        monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "00000000-0000-0000-0000-000000000001")
    done = tailguard("run", "--json")
    assert ran(done) == (ended[0], "2020-03-16", ended[1])


def test_a_refusal_is_not_asked_again(at: At, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch) -> None:
    market = at("16T20:30")
    market.misbehave(Fault("403", "cboe-web", SHEET))
    monkeypatch.setenv("TAILGUARD_FETCH_RETRY_SECONDS", "0.1")
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "00000000-0000-0000-0000-000000000001")
    assert ran(tailguard("run", "--json")) == (3, "2020-03-16", "AWAITING_DATA")
    assert len([path for path in market.requests if SHEET in path]) == 1


def changed(value: str, publisher: str, glob: str, day: dt.date | None = None) -> Fault:
    return Fault("changed-value", publisher, glob, value=value, day=day)


FRIDAY, MONDAY, EXPIRY = dt.date(2020, 3, 13), dt.date(2020, 3, 16), dt.date(2020, 4, 15)


def test_fridays_sheet_is_not_mondays_also_if_its_files_corrected_it_since(at: At, tailguard: Tailguard) -> None:
    # The sheet of Friday is a tick off what the file of the contract says the next morning.
    friday = changed("43.95", "cboe-web", "2020-03-13", EXPIRY)
    market = at("13T18:45")
    market.misbehave(friday)
    assert ran(tailguard("run", "--json")) == (0, "2020-03-13", "EMITTED")
    at("14T07:30")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-13", "REVISED")
    market.misbehave(Fault("late", "cboe-web", SHEET), changed("43.95", "cboe-web", SHEET, EXPIRY))
    at("16T18:45")
    waiting = tailguard("run", "--json")
    assert ran(waiting) == (3, "2020-03-16", "AWAITING_DATA")
    assert "repeats that of 2020-03-13" in json.loads(waiting.out)["detail"]


def test_a_settlement_that_the_next_sheet_leaves_out_is_not_taken_from_the_one_before(
    at: At, tailguard: Tailguard
) -> None:
    market = at("16T18:45")
    market.misbehave(Fault("late", "cboe-web", SHEET))
    assert ran(tailguard("run", "--json")) == (3, "2020-03-16", "AWAITING_DATA")
    market.behave()
    market.misbehave(Fault("missing-contract", "cboe-web", SHEET, day=EXPIRY))
    at("16T20:30")
    waiting = tailguard("run", "--json")
    assert ran(waiting) == (3, "2020-03-16", "AWAITING_DATA")
    assert "nothing yet for 2020-03-16 of settlement of VXJ20." in json.loads(waiting.out)["detail"]


def test_a_settlement_that_cannot_go_with_the_curve_is_waited_for_and_one_that_can_is_corrected_in_the_morning(
    at: At, tailguard: Tailguard, mailbox: Mailbox
) -> None:
    market = at("16T18:45")
    market.misbehave(changed("12.0", "cboe-web", SHEET, EXPIRY))
    waiting = tailguard("run", "--json")
    assert ran(waiting) == (3, "2020-03-16", "AWAITING_DATA")
    assert "settlement of VXJ20 (12 cannot be right beside 72.625 of VXH20)" in json.loads(waiting.out)["detail"]

    # 40 is plausible beside 72.6, and would stop the strategy out; the file says 59.15.
    market.behave()
    market.misbehave(changed("40.0", "cboe-web", SHEET, EXPIRY))
    at("16T20:30")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-16", "EMITTED")
    at("17T07:30")
    corrected = tailguard("run", "--json")
    assert ran(corrected) == (0, "2020-03-16", "REVISED")
    sent = subjects(mailbox)
    assert len(sent) == 1 + json.loads(corrected.out)["detail"].startswith("target changed")
    assert "the sheet of the day has 40" in " ".join(tailguard("report", "show", "2020-03-16").out.split())


def test_a_signal_that_a_publisher_contradicts_afterwards_is_in_doubt_and_recipients_hear_of_it_once(
    at: At, tailguard: Tailguard, mailbox: Mailbox
) -> None:
    market = at("16T18:45")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-16", "EMITTED")
    market.misbehave(changed("2460", "cboe", "SPX", MONDAY))
    for attempt in ("16T20:30", "17T07:30"):
        at(attempt)
        doubtful = tailguard("run", "--json")
        assert ran(doubtful) == (1, "2020-03-16", "FAILED")
        assert "check it before acting on it" in json.loads(doubtful.out)["detail"]
    assert subjects(mailbox)[1:] == [
        "SIGNAL IN DOUBT VEQTOR 2020-03-16: waiting for SPX on which its publishers agree (Yahoo has 2386.13,"
        " Cboe 2460.00)"
    ]
    # Its publisher never mends it. After the deadline it holds up nothing: Yahoo's counts, and says so.
    at("17T18:45")
    evening = tailguard("run", "--json")
    assert ran(evening) == (0, "2020-03-17", "EMITTED")
    assert json.loads(evening.out)["others"] == []
    verdict = tailguard("data", "show", "--session", "2020-03-16").out
    assert "Verdict: DEGRADED\n  DEGRADED: S&P 500: Cboe has 2460.00" in verdict


def test_as_of_an_evening_of_dispute_there_is_no_signal_either(at: At, tailguard: Tailguard) -> None:
    at("16T18:45").misbehave(changed("2410", "yahoo", "^GSPC"))
    assert ran(tailguard("run", "--json")) == (3, "2020-03-16", "AWAITING_DATA")
    at("16T20:30")
    asked = tailguard("run", "--session", "2020-03-16", "--as-of", "2020-03-16T18:50")
    assert (asked.code, "publishers that agree on S&P 500" in asked.err) == (3, True)


def test_the_second_attempt_of_a_first_evening_revises_nothing_without_a_total_return_index(
    at: At, tailguard: Tailguard
) -> None:
    at("2024-07-01T18:45")
    assert ran(tailguard("run", "--json")) == (0, "2024-07-01", "EMITTED")
    at("2024-07-01T20:30")
    assert ran(tailguard("run", "--json")) == (0, "2024-07-01", "ALREADY_EMITTED")


def test_a_first_fetch_has_to_be_whole_and_a_look_at_the_past_alerts_nobody(
    at: At, tailguard: Tailguard, mailbox: Mailbox
) -> None:
    market = at("16T18:45")
    market.misbehave(Fault("500", "cboe", "VX_2020-01-22"), Fault("500", "cboe", "VX_2018-02-14"))
    waiting = tailguard("run", "--json")
    assert ran(waiting) == (3, "2020-03-16", "AWAITING_DATA")
    assert "everything at once before the first report of a database" in json.loads(waiting.out)["detail"]
    at("16T20:30")
    assert ran(tailguard("run", "--json")) == (3, "2020-03-16", "AWAITING_DATA")
    past = tailguard("run", "--session", "2018-02-05", "--json")
    assert ran(past) == (1, "2018-02-05", "FAILED")
    assert subjects(mailbox) == []
    market.behave()
    at("17T00:20")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-16", "EMITTED")
    assert len(subjects(mailbox)) == 1


def test_publishers_that_do_not_answer_at_all_are_not_waited_for_file_by_file(
    at: At, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = at("16T18:45")
    market.misbehave(Fault("silent", "*"))
    monkeypatch.setenv("TAILGUARD_SOURCE_TIMEOUT_SECONDS", "1")
    started = time.monotonic()
    assert ran(tailguard("run", "--json")) == (3, "2020-03-16", "AWAITING_DATA")
    # Over thirty files of one host, four at once, a second each.
    assert time.monotonic() - started < 6.0


def test_an_instant_that_has_not_come_and_one_that_is_too_early_are_told_apart(at: At, tailguard: Tailguard) -> None:
    at("16T20:30")
    assert ran(tailguard("run", "--json")) == (0, "2020-03-16", "EMITTED")
    future = tailguard("run", "--as-of", "2020-03-20")
    assert (future.code, "expected an instant that has passed" in future.err) == (2, True)
    early = tailguard("history", "--start", "2020-03-16", "--end", "2020-03-16", "--as-of", "2020-03-16T17:00")
    assert (early.code, "Name a later instant" in early.err or "nothing in this database" in early.err) == (2, True)
    assert tailguard("report", "list", "--as-of", "2020-03-16T17:00").out == "No report had been emitted by then.\n"
