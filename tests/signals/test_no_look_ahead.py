"""Truncating the history at a session changes nothing of its signal, to the last bit."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.calendar import TradingCalendar, trading_calendar
from signals.document import decode, encode
from signals.inputs import resolve
from signals.market import MarketData, Observations, market_history
from signals.series import spec
from signals.veqtor.history import row_of_report, rows_of_signals
from signals.veqtor.report import SignalReport, fingerprint
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals
from tests.market_files import LAST, SESSIONS

pytestmark = pytest.mark.server

BASE = dt.date(2005, 12, 20)
MADE_UP_SESSIONS = [day for day in SESSIONS if day >= BASE]


def signals_through(data: MarketData, session: dt.date) -> VeqtorSignals:
    calendar = trading_calendar()
    return veqtor_signals(resolve(market_history(data, calendar, session), calendar))


def cut_after(data: MarketData, session: dt.date) -> MarketData:
    """Only what was published by the close of a session: values up to its day, and the schedules of the days ahead."""
    kept = []
    for found in data.values():
        ahead = min(spec(found.series).known_after_close, dt.timedelta(0))
        rows = found.days <= np.datetime64(session - ahead)
        kept.append(
            Observations(found.series, found.publisher, found.days[rows], found.values[rows], found.payloads[rows])
        )
    return MarketData(kept)


# The days on which something unusual happens to the inputs, and a spread of others.
UNUSUAL = [
    "2005-12-20", "2006-01-19", "2006-11-20", "2007-01-03", "2008-04-18", "2008-09-29", "2009-02-17", "2012-10-31",
    "2014-12-09", "2014-12-10", "2018-02-05", "2018-12-06", "2019-03-12", "2019-03-13", "2019-07-03", "2019-07-05",
    "2020-03-16", "2020-03-18", "2020-12-18", "2020-12-21", "2024-08-05", "2025-01-10", "2026-01-06", "2026-01-12",
]  # fmt: skip


@pytest.mark.parametrize("day", UNUSUAL)
def test_truncating_the_recorded_history_changes_no_signal(
    recorded: MarketData, recorded_signals: VeqtorSignals, day: str
) -> None:
    session = dt.date.fromisoformat(day)
    alone = signal_report(signals_through(cut_after(recorded, session), session), session, 1e6)
    assert alone == signal_report(recorded_signals, session, 1e6)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(MADE_UP_SESSIONS))
def test_truncating_a_history_anywhere_changes_no_signal(
    made_up: MarketData, made_up_signals: VeqtorSignals, session: dt.date
) -> None:
    alone = signal_report(signals_through(cut_after(made_up, session), session), session, 1e6)
    assert alone == signal_report(made_up_signals, session, 1e6)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(MADE_UP_SESSIONS[:-1]), st.floats(0.5, 2.0))
def test_changing_everything_after_a_session_changes_nothing_of_its_signal(
    made_up: MarketData, made_up_signals: VeqtorSignals, session: dt.date, factor: float
) -> None:
    changed = MarketData(
        Observations(
            found.series,
            found.publisher,
            found.days,
            np.where(found.days > np.datetime64(session), found.values * factor, found.values),
            found.payloads,
        )
        for found in made_up.values()
    )
    assert signal_report(signals_through(changed, session), session, 1e6) == signal_report(
        made_up_signals, session, 1e6
    )


def test_day_by_day_equals_the_whole_range(made_up: MarketData, made_up_signals: VeqtorSignals) -> None:
    for session in MADE_UP_SESSIONS[-15:]:
        alone = signals_through(made_up, session)
        assert rows_of_signals(alone, "veqtor", session, session) == rows_of_signals(
            made_up_signals, "veqtor", session, session
        )


@pytest.mark.parametrize("strategy", ["veqtor", "vix-short-term", "vix-mid-term"])
def test_history_from_reports_equals_history_from_arrays(made_up_signals: VeqtorSignals, strategy: str) -> None:
    rows = rows_of_signals(made_up_signals, strategy, BASE, LAST)
    assert rows == [row_of_report(signal_report(made_up_signals, day, 1e6), strategy) for day in MADE_UP_SESSIONS]


def test_a_report_survives_the_database_form(recorded_signals: VeqtorSignals, calendar: TradingCalendar) -> None:
    for day in calendar.sessions_in(dt.date(2018, 1, 30), dt.date(2018, 2, 15)).tolist():
        report = signal_report(recorded_signals, day, 1e6)
        assert decode(SignalReport, json.loads(json.dumps(encode(report), allow_nan=False))) == report


def test_a_fingerprint_sees_figures_and_not_words_or_notional(made_up_signals: VeqtorSignals) -> None:
    from dataclasses import replace

    report = signal_report(made_up_signals, LAST, 1e6)
    assert fingerprint(signal_report(made_up_signals, LAST, 5e6)) == fingerprint(report)
    assert fingerprint(replace(report, verdict="other words")) == fingerprint(report)
    moved = replace(report.indices["veqtor"], total_return=(report.indices["veqtor"].total_return or 0) * 1.000001)
    assert fingerprint(replace(report, indices=report.indices | {"veqtor": moved})) != fingerprint(report)
