from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from reports.alert import TITLE_LIMIT, alert_view, alert_words
from reports.text import render_text
from reports.view import DISCLAIMER, SIMULATED, ReportView
from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError, DataNotReady, DataQualityError, TransientSourceError
from signals.veqtor.report import SignalReport, Weights
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.outbox import LAST_CALL, SESSION_FAILED, StoredAlert
from tasks.schedule import deadline
from tests.reports.test_renderings import check

SESSION = dt.date(2020, 3, 16)
DEADLINE = dt.datetime(2020, 3, 17, 19, 30, tzinfo=dt.UTC)
RAISED = DEADLINE - dt.timedelta(hours=1)
ALERT = StoredAlert(
    1,
    SESSION,
    "b59d205a4a088b73",
    LAST_CALL,
    "waiting for settlement of VXH20",
    "Session 2020-03-16: nothing yet of settlement of VXH20.\nCboe answered 503.",
    DEADLINE,
    RAISED,
    "live",
)


@pytest.fixture(scope="module")
def last(made_up_signals: VeqtorSignals) -> SignalReport:
    report = signal_report(made_up_signals, dt.date(2006, 3, 15), 1e6)
    return replace(
        report,
        session=dt.date(2020, 3, 13),
        effective_session=SESSION,
        target=Weights(0.6, 0.4, 0.0),
    )


def view_of(
    alert: StoredAlert = ALERT,
    shown_at: dt.datetime = RAISED,
    simulated: bool = False,
    last: SignalReport | None = None,
    emitted_since: bool = False,
) -> ReportView:
    view = alert_view(alert, shown_at=shown_at, simulated=simulated, last=last, emitted_since=emitted_since)
    check(view)
    assert len(view.subject) < 120
    return view


def section(view: ReportView, title: str) -> str:
    (found,) = [section for section in view.sections if section.title == title]
    cells = [cell for row in (found.table.rows if found.table else ()) for cell in row]
    return " ".join([*found.sentences, *cells])


def not_ready(*missing: str) -> DataNotReady:
    return DataNotReady("session 2020-03-16", expected="all", got="not all", do="Run again.", missing=missing)


def test_a_last_call_says_what_is_missing_what_holds_and_the_command_that_still_does_it(last: SignalReport) -> None:
    view = view_of(last=last)

    assert view.subject == "NO SIGNAL VEQTOR 2020-03-16: waiting for settlement of VXH20"
    assert view.title == "NO SIGNAL: S&P 500 Dynamic VEQTOR, session Monday 2020-03-16"
    assert view.verdict == (
        "No signal for session Monday 2020-03-16: waiting for settlement of VXH20. "
        "Deadline Tuesday 2020-03-17 15:30 New York."
    )
    assert section(view, "What is missing, and why") == " ".join(ALERT.text.splitlines())
    assert section(view, "What it means") == (
        "The target of the last report, of session Friday 2020-03-13, stays in force until the report of a later "
        "session acts: 60% S&P 500, 40% VIX futures, from the close of 2020-03-16. "
        "Its VIX futures go on rolling every session."
    )
    assert "Until then" in section(view, "What to do")
    assert section(view, "What to do").endswith("tailguard run --session 2020-03-16 --source live")
    assert view.footer[0].startswith("Alert LAST_CALL, rule set b59d205a4a088b73, raised 2020-03-17 18:30 UTC.")
    assert view.footer[1] == DISCLAIMER
    assert (view.notices, view.simulated) == ((), False)


def test_at_its_deadline_a_session_can_still_be_had_and_after_it_only_recorded() -> None:
    at, after = view_of(shown_at=DEADLINE), view_of(shown_at=DEADLINE + dt.timedelta(seconds=1))

    assert "tailguard run --session" in section(at, "What to do")
    assert after.verdict.endswith("The deadline, Tuesday 2020-03-17 15:30 New York, has passed.")
    assert section(after, "What to do").endswith("tailguard backfill --start 2020-03-16 --end 2020-03-16 --source live")


def test_the_command_stands_in_a_line_of_its_own() -> None:
    for shown_at in (RAISED, DEADLINE + dt.timedelta(hours=1)):
        view = view_of(replace(ALERT, source="sample"), shown_at)
        assert section(view, "What to do").partition(": tailguard")[2] in [
            line.removeprefix("tailguard") for line in render_text(view).splitlines()
        ]


def test_a_failure_before_the_deadline_can_still_be_helped() -> None:
    view = view_of(replace(ALERT, kind=SESSION_FAILED, title="the run failed: KeyError"))

    assert "tailguard run" in section(view, "What to do")
    assert view.footer[0].startswith("Alert FAILED")


def test_of_a_simulated_market_everything_says_so(last: SignalReport) -> None:
    view = view_of(replace(ALERT, session=dt.date(2020, 9, 30)), simulated=True, last=last)

    assert view.simulated
    assert view.subject.startswith("SIMULATED NO SIGNAL VEQTOR 2020-09-30: ")
    assert view.title == "SIMULATED NO SIGNAL: S&P 500 Dynamic VEQTOR, session Wednesday 2020-09-30"
    assert view.verdict.startswith("SIMULATED. No signal")
    assert (view.notices, view.footer[1]) == ((SIMULATED,), SIMULATED)


def test_without_any_report_there_is_no_target_to_keep() -> None:
    assert section(view_of(), "What it means") == "No report was ever emitted: there is no target to keep."


@pytest.mark.parametrize(
    ("target", "said"),
    [(Weights(0.0, 0.0, 1.0), "100% cash"), (Weights(0.975, 0.025, 0.0), "97.5% S&P 500, 2.5% VIX futures")],
)
def test_the_target_in_force_is_that_of_the_last_report(last: SignalReport, target: Weights, said: str) -> None:
    meaning = section(view_of(last=replace(last, target=target)), "What it means")

    assert f": {said}, from the close of" in meaning
    assert ("rolling" in meaning) is (target.volatility > 0)


def test_the_report_of_a_later_session_is_in_force_already(last: SignalReport) -> None:
    meaning = section(view_of(last=replace(last, session=dt.date(2020, 3, 18))), "What it means")

    assert meaning.startswith("The target of the last report, of session Wednesday 2020-03-18, is in force: 60%")


def test_who_was_not_told_of_a_report_that_came_since_is_told_where_it_is(last: SignalReport) -> None:
    view = view_of(last=replace(last, session=SESSION), emitted_since=True)

    assert view.notices == ("The report of this session has been stored since.",)
    assert section(view, "What to do") == "This prints it: tailguard report show 2020-03-16"


def test_a_text_that_is_long_and_hostile_is_in_every_rendering_and_within_its_limits() -> None:
    words = "https://example.com/" + "x" * 50 + " <!channel> & <b>no</b>"
    view_of(replace(ALERT, title="<b> & " * 13 + "!", text=f"{words}\n{words * 12}"), simulated=True)


def test_the_words_of_missing_data_name_them() -> None:
    error = not_ready("settlement of VXH20")

    assert alert_words(error) == (
        "waiting for settlement of VXH20",
        "Session 2020-03-16: expected all, got not all. Run again.",
    )


def test_as_many_missing_inputs_are_named_as_there_is_room_for() -> None:
    title, _ = alert_words(not_ready(*(f"settlement of VX{letter}20" for letter in "FGHJKMN")))

    assert title == "waiting for settlement of VXF20, settlement of VXG20 and 5 more"
    assert len(title) <= TITLE_LIMIT
    assert alert_words(not_ready())[0] == "waiting for its data"
    assert alert_words(not_ready("x" * 500, "y"))[0] == "waiting for " + "x" * 67 + "…"


def test_sentences_take_the_place_of_the_errors_own_words() -> None:
    _, text = alert_words(
        not_ready("VIX"), ["session 1:\n  waits.", " ", "https://cboe.example: 503.", "cdn.example: 4."]
    )

    assert text == "Session 1: waits.\nhttps://cboe.example: 503.\ncdn.example: 4."
    assert alert_words(not_ready("VIX"), [""])[1].startswith("Session 2020-03-16")


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (TransientSourceError("live data", expected="an answer", got="503", do="x"), "a publisher does not answer"),
        (
            DataQualityError("VIX.csv, line 3", expected="a", got="b", do="c"),
            "data that cannot be right: VIX.csv, line 3",
        ),
        (ConfigurationError("source files", expected="a", got="b", do="c"), "configuration: source files"),
        (None, "no run emitted it in time"),
        (KeyboardInterrupt(), "the run was interrupted"),
    ],
)
def test_every_kind_of_error_has_its_words(error: BaseException | None, title: str) -> None:
    found, text = alert_words(error)

    assert found == title
    assert text.endswith(".") or isinstance(error, TransientSourceError | DataQualityError | ConfigurationError)


def test_what_nobody_foresaw_is_named_and_not_repeated() -> None:
    title, text = alert_words(ValueError("https://hooks.example/secret"))

    assert title == "the run failed: ValueError"
    assert "ValueError" in text
    assert "secret" not in text


def test_the_deadline_is_shown_in_new_york_time_on_both_sides_of_a_clock_change(calendar: TradingCalendar) -> None:
    for session in (dt.date(2020, 3, 6), dt.date(2020, 10, 30)):
        due = deadline(session, calendar)
        view = view_of(replace(ALERT, session=session, deadline_at=due.astimezone(dt.UTC)), due)
        assert "15:30 New York" in view.verdict
