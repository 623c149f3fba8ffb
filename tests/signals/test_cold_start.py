"""A history that starts in the middle decides as the whole one does, or says that it is too short."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from signals.calendar import TradingCalendar, trading_calendar
from signals.errors import ConfigurationError, DataNotReady, DataQualityError
from signals.inputs import resolve
from signals.market import MarketData, Observations, market_history
from signals.series import SPX, SPXTR, VIX, YAHOO, vx_expiry_of
from signals.total_return import ABSENT, ACCEPTED, repaired_total_return
from signals.veqtor.cold_start import certain_from
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VARIANTS, VEQTOR
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals

#: What a first live run reads: sessions of settlements, and of closes before them for SPY's average dividend.
SETTLEMENTS, CLOSES = 70, 282

#: Everything a report decides or asks for; levels are left out, as they count from another session.
DECIDED = (
    "session", "effective_session", "first_return_session", "verdict", "changes", "regime", "trend", "in_cash",
    "earned", "held", "target", "instruction", "constant_maturity_30d", "health",
)  # fmt: skip


def window(data: MarketData, through: dt.date, settlements: int = SETTLEMENTS, closes: int = CLOSES) -> MarketData:
    """What of some data a live read up to a session fetches."""
    sessions = trading_calendar().sessions
    last = int(np.searchsorted(sessions, np.datetime64(through)))
    first_settled, first_closed = sessions[last - settlements + 1], sessions[last - settlements - closes + 1]
    kept = []
    for found in data.values():
        expiry = vx_expiry_of(found.series)
        if expiry is not None and np.datetime64(expiry) <= first_settled:
            continue
        rows = found.days <= np.datetime64(through)
        if found.publisher == YAHOO:
            rows &= found.days >= first_closed
        kept.append(
            Observations(found.series, found.publisher, found.days[rows], found.values[rows], found.payloads[rows])
        )
    return MarketData(kept)


def signals_of(data: MarketData, session: dt.date) -> VeqtorSignals:
    calendar = trading_calendar()
    return veqtor_signals(resolve(market_history(data, calendar, session), calendar))


def decisions(report: SignalReport) -> dict[str, object]:
    found = {name: getattr(report, name) for name in DECIDED}
    return found | {"stop_loss": report.stop_loss.active, "flags": [flag.name for flag in report.flags]}


@pytest.mark.server
def test_decisions_of_two_hundred_cold_starts_equal_those_of_the_full_fold(
    recorded: MarketData, recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    sessions = calendar.sessions_in(dt.date(2007, 6, 1), dt.date(2026, 7, 29))[::24].tolist()
    assert len(sessions) > 200
    for session in sessions:
        cold = signals_of(window(recorded, session), session)
        assert decisions(signal_report(cold, session, 1e6)) == decisions(signal_report(recorded_signals, session, 1e6))


# The stop-loss was triggered in the days before each of these, and the strategy was in and out of cash.
@pytest.mark.parametrize("day", ["2008-10-15", "2011-08-22", "2015-09-01", "2018-02-12", "2020-03-23", "2024-08-12"])
def test_a_cold_start_from_within_a_crisis_decides_as_the_full_fold(
    recorded: MarketData, recorded_signals: VeqtorSignals, calendar: TradingCalendar, day: str
) -> None:
    session = dt.date.fromisoformat(day)
    for later in calendar.sessions_in(session, session + dt.timedelta(days=100))[::10].tolist():
        cold = signals_of(window(recorded, later, settlements=45), later)
        assert decisions(signal_report(cold, later, 1e6)) == decisions(signal_report(recorded_signals, later, 1e6))


@pytest.mark.parametrize("day", ["2008-01-17", "2008-01-31", "2009-02-18"])
def test_where_the_past_decides_there_is_no_signal(recorded: MarketData, day: str) -> None:
    session = dt.date.fromisoformat(day)
    with pytest.raises(DataNotReady, match=r"depend on what came before, got \d+, which are not"):
        signals_of(window(recorded, session, settlements=20), session)


def test_levels_of_a_cold_start_are_those_of_the_whole_history_on_another_scale(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    session = dt.date(2024, 8, 30)
    cold = signals_of(window(recorded, session), session)
    base, count = cold.veqtor.base, len(cold.veqtor.sessions)
    assert cold.veqtor.total_return[base] == cold.veqtor.excess_return[base] == 100_000.0
    first = recorded_signals.row(cold.levels_since)
    rows = slice(first, first + count - base)
    for name in ("total_return", "excess_return"):
        whole, found = getattr(recorded_signals.veqtor, name)[rows], getattr(cold.veqtor, name)[base:]
        np.testing.assert_allclose(found / 100_000.0, whole / whole[0], rtol=1e-12)
    short = recorded_signals.short_term.total_return[rows.start - recorded_signals.veqtor.base :][: count - base]
    np.testing.assert_allclose(cold.short_term.total_return / 100_000.0, short / short[0], rtol=1e-12)
    assert signal_report(cold, session, 1e6).levels_since == cold.levels_since > dt.date(2024, 4, 1)


def test_variants_of_a_cold_start_decide_as_the_full_fold(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    session = dt.date(2025, 4, 22)
    cold, whole = (
        signal_report(signals, session, 1e6, variants=tuple(VARIANTS)).variants
        for signals in (signals_of(window(recorded, session), session), recorded_signals)
    )
    for one, other in zip(cold, whole, strict=True):
        assert one.target is not None
        assert one.excess_return_5d == pytest.approx(other.excess_return_5d)
        unlike = {"level": None, "levels_since": None, "excess_return_5d": None}
        assert replace(one, **unlike) == replace(other, **unlike)


def test_a_later_session_keeps_the_levels_of_a_cold_start(recorded: MarketData) -> None:
    early, late = dt.date(2024, 8, 23), dt.date(2024, 8, 30)
    both = MarketData([*window(recorded, early, settlements=80).values()])
    merged = dict(window(recorded, late, settlements=80).items())
    for key, found in both.items():
        days = np.union1d(found.days, merged[key].days) if key in merged else found.days
        source = recorded[key]
        rows = np.isin(source.days, days)
        merged[key] = Observations(*key, source.days[rows], source.values[rows], source.payloads[rows])
    then, now = signals_of(both, early), signals_of(MarketData(merged.values()), late)
    assert now.levels_since == then.levels_since
    assert signal_report(now, early, 1e6) == signal_report(then, early, 1e6)


def test_a_history_too_short_for_the_stop_loss_has_no_signal(recorded: MarketData) -> None:
    session = dt.date(2024, 8, 30)
    with pytest.raises(DataNotReady, match=r"got \d+, which are not\. Load a longer history"):
        signals_of(window(recorded, session, settlements=4), session)


def test_a_history_too_short_for_the_windows_has_no_signal(recorded: MarketData) -> None:
    session = dt.date(2024, 8, 30)
    with pytest.raises(DataNotReady, match="expected every input, and 29 sessions of the VIX and 252 of SPY before it"):
        signals_of(window(recorded, session, closes=-50), session)


def test_a_contradicted_close_in_the_windows_of_the_first_session_is_not_used(recorded: MarketData) -> None:
    session = dt.date(2024, 8, 30)
    data = window(recorded, session)
    begins = signals_of(data, session).inputs.base
    sessions = market_history(data, trading_calendar(), session).sessions
    bad = sessions[begins - 3]
    found = data.find(SPX, YAHOO)
    values = np.where(found.days == bad, found.values * 1.05, found.values)
    wrong = Observations(SPX, YAHOO, found.days, values, found.payloads)
    changed = MarketData([*(item for key, item in data.items() if key != (SPX, YAHOO)), wrong])
    assert resolve(market_history(changed, trading_calendar(), session), trading_calendar()).base > begins + 20


def test_a_session_before_the_first_certain_one_is_refused(recorded: MarketData) -> None:
    session = dt.date(2024, 8, 30)
    cold = signals_of(window(recorded, session), session)
    with pytest.raises(ConfigurationError, match=f"expected {cold.levels_since} or later"):
        signal_report(cold, cold.inputs.sessions[cold.veqtor.base - 1].item(), 1e6)


def test_a_hole_in_a_cold_start_is_not_jumped_over(recorded: MarketData) -> None:
    session = dt.date(2024, 8, 30)
    data = window(recorded, session)
    found = data.find(VIX, "cboe")
    rows = found.days != np.datetime64("2024-08-20")
    holed = Observations(VIX, "cboe", found.days[rows], found.values[rows], found.payloads[rows])
    kept = [item for key, item in data.items() if key not in ((VIX, "cboe"), (VIX, YAHOO))]
    with pytest.raises(DataQualityError, match="VIX on 2024-08-20"):
        signals_of(MarketData([*kept, holed]), session).row(session)


def test_certainty_comes_only_with_a_window_in_which_cash_and_invested_agree() -> None:
    # Every day lost 0.9%: invested for five days is a stop, in cash for three of them is none.
    falling = np.full(60, -0.009)
    assert certain_from(falling, np.zeros(60), 0, VEQTOR) == 60
    # Five quiet days decide the test whatever came before, and seven tests in a row make a report.
    quiet = np.concatenate([falling[:20], np.full(40, 0.0005)])
    first = certain_from(quiet, np.zeros(60), 0, VEQTOR)
    assert 20 + 5 <= first < 60
    # A loss that no mixture with cash can undo.
    assert certain_from(np.full(30, 0.0), np.zeros(30), 0, VEQTOR) == 5 + 7 - 1


def test_certainty_is_not_claimed_for_a_test_on_the_very_limit() -> None:
    changes = np.zeros(30)
    changes[10] = -0.02
    on_the_limit = certain_from(changes, np.zeros(30), 0, VEQTOR)
    changes[10] = -0.03
    assert certain_from(changes, np.zeros(30), 0, VEQTOR) < on_the_limit


def chain(printed: list[float], spx: list[float]) -> tuple[list[float], list[int]]:
    days = np.arange(len(spx)).astype("datetime64[D]")
    found = repaired_total_return(days, np.array(printed), np.array(spx), np.array(spx), cold=True)
    return found.level.tolist(), found.origin.tolist()


def test_a_cold_chain_starts_behind_a_print_that_the_next_one_does_not_confirm() -> None:
    level, origin = chain([200.0, 150.0, 202.0, 203.0], [100.0, 100.5, 101.0, 101.5])
    assert np.isnan(level[:2]).all()
    assert (level[2:], origin[3]) == ([pytest.approx(202.0), 203.0], ACCEPTED)


@pytest.mark.parametrize("row", [100, 250, 251, 252, 253])
@pytest.mark.parametrize("wrong", [float("nan"), 1.01])
def test_one_missing_or_wrong_print_costs_a_cold_chain_two_days_at_most(row: int, wrong: float) -> None:
    spx = 100.0 * np.cumprod(np.full(345, 1.0004))
    printed = 2.0 * spx * np.cumprod(np.full(345, 1.00007))
    printed[row] *= wrong
    level, origin = chain(printed.tolist(), spx.tolist())
    after = slice(max(row + 2, 255), None)
    assert set(origin[after]) == {ACCEPTED}
    np.testing.assert_allclose(level[after], printed[after], rtol=2e-4)


def test_a_cold_chain_without_any_print_starts_with_the_stand_in() -> None:
    spx = np.linspace(100.0, 120.0, 260)
    level, origin = chain([float("nan")] * 260, spx.tolist())
    first = int(np.flatnonzero(np.isfinite(level))[0])
    assert (first, level[first], set(origin[first:])) == (251, spx[251], {ABSENT})


def test_a_cold_start_needs_no_total_return_print(recorded: MarketData, recorded_signals: VeqtorSignals) -> None:
    session = dt.date(2019, 5, 31)
    without = MarketData(found for key, found in window(recorded, session).items() if key != (SPXTR, YAHOO))
    report = signal_report(signals_of(without, session), session, 1e6)
    assert report.target == signal_report(recorded_signals, session, 1e6).target
    assert "S&P 500 TR" in [item.label for item in report.inputs if item.severity == "DEGRADED"]
