from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.alvh.listings import STRIKES
from signals.alvh.substitutes import (
    Substituted,
    final_settlements,
    published_final_settlements,
    usable_open,
    vvix_in_force,
)
from signals.alvh.surface import SURFACE, continuous_rate
from signals.alvh.vxth import VXTH, VxthHistory, VxthRules, vxth_history
from signals.calendar import trading_calendar
from signals.rates import MISSING, PRIMARY, SUBSTITUTE
from signals.series import CBOE, VVIX
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats, SettlementPanel, constant_maturity_future, settlement_panel

pytestmark = pytest.mark.server

APRIL, MAY, JUNE = dt.date(2006, 4, 19), dt.date(2006, 5, 17), dt.date(2006, 6, 21)


@dataclass(frozen=True)
class Market:
    """Inputs of the index, a row per session."""

    panel: SettlementPanel
    equity_change: Floats
    vix: Floats
    vvix: Floats
    tbill: Floats
    overnight: Floats
    vix_open: Floats
    published: dict[dt.date, float]

    def index(self, rules: VxthRules = VXTH) -> VxthHistory:
        """The index from what is there."""
        vvix = vvix_in_force(
            self.panel.sessions, self.vvix, self.vix, constant_maturity_future(self.panel, self.vix)
        ).values
        settled_at = final_settlements(self.panel, self.published, self.vix_open)
        return vxth_history(self.panel, self.equity_change, vvix, self.tbill, self.overnight, settled_at, rules)

    def through(self, count: int) -> Market:
        """Only the first sessions, and only the final settlements of expiries up to the last of them."""
        whole = self.panel
        panel = SettlementPanel(
            whole.sessions[:count], whole.expiries, whole.front[:count], whole.settle[:count], whole.basis[:count]
        )
        last = whole.sessions[count - 1].item()
        return Market(
            panel,
            self.equity_change[:count],
            self.vix[:count],
            self.vvix[:count],
            self.tbill[:count],
            self.overnight[:count],
            self.vix_open[:count],
            {expiry: value for expiry, value in self.published.items() if expiry <= last},
        )


def flat_market(settle: float = 20.0, *, start: dt.date = dt.date(2006, 3, 31), end: dt.date = JUNE) -> Market:
    """Nothing moves: every contract at `settle`, a VVIX of 90, bills and cash at 5%, the S&P 500 where it was."""
    calendar = trading_calendar()
    sessions = calendar.sessions_in(start, end)
    contracts = {
        expiry: (sessions, np.full(len(sessions), settle))
        for expiry in (calendar.vx_expiry(2006, month) for month in range(4, 13))
    }
    level = np.ones(len(sessions))
    return Market(
        panel=settlement_panel(contracts, sessions, calendar),
        equity_change=0.0 * level,
        vix=settle * level,
        vvix=90.0 * level,
        tbill=0.05 * level,
        overnight=0.05 * level,
        vix_open=np.nan * level,
        published={APRIL: 20.0, MAY: 35.0, JUNE: 15.0},
    )


def at(index: VxthHistory, day: dt.date) -> int:
    return index.sessions.tolist().index(day)


def test_two_rolls_by_hand() -> None:
    index = flat_market().index()
    april, may, june = (at(index, day) for day in (APRIL, MAY, JUNE))
    # Up to the first expiry there are no calls and nothing happens.
    assert index.total_return[: april + 1].tolist() == [100.0] * (april + 1)
    assert index.mark[:april].tolist() == [0.0] * april
    # 1% of 100 goes into the May calls, 28 days out, struck where their delta is nearest to 0.30.
    rate = float(continuous_rate(0.05))
    strike, price = 24.0, float(SURFACE.price(20.0, 24.0, 28, 90.0, rate))
    assert (index.strike[april], index.expiry[april].item()) == (strike, MAY)
    below, above = (float(SURFACE.delta(20.0, at_strike, 28, 90.0, rate)) for at_strike in (strike - 1, strike + 1))
    assert above < 0.30 < below
    assert (index.premium_paid[april], index.mark[april]) == (1.0, pytest.approx(1.0))
    assert index.calls[april] == pytest.approx(1.0 / price)
    # A week later only time has gone by.
    later = float(SURFACE.price(20.0, 24.0, 21, 90.0, rate))
    assert index.total_return[at(index, dt.date(2006, 4, 26))] == pytest.approx(99.0 + later / price)
    # The May calls settle at 35, and 1% of what is there then goes into the June calls.
    received = (35.0 - 24.0) / price
    assert index.premium_received[may] == pytest.approx(received)
    assert index.total_return[may] == pytest.approx(99.0 + received)
    assert index.premium_paid[may] == pytest.approx(0.01 * (99.0 + received))
    # The June calls settle worthless.
    assert index.premium_received[june] == 0.0
    assert index.total_return[june] == pytest.approx(0.99 * (99.0 + received))
    assert index.settlement_origin[[april, may, june]].tolist() == [MISSING, PRIMARY, PRIMARY]


def test_the_excess_return_is_without_the_overnight_rate() -> None:
    index = flat_market().index()
    # 2006-03-31 was a Friday: three days of 5% on a level that did not move.
    assert index.excess_return[1] == pytest.approx(100.0 * (1.0 - 0.05 * 3 / 360))


@pytest.mark.parametrize(
    ("settle", "share"),
    [
        (9.0, 0.0), (15.0, 0.0), (15.01, 0.01), (30.0, 0.01), (30.01, 0.005), (50.0, 0.005), (50.01, 0.0), (80.0, 0.0)
    ],
)  # fmt: skip
def test_the_premium_depends_on_the_bought_future(settle: float, share: float) -> None:
    # Cboe: none up to 15, 1% up to 30, 0.5% up to 50, none above.
    assert float(VXTH.premium_share(settle)) == share
    index = flat_market(settle).index()
    assert index.premium_paid[at(index, APRIL)] == pytest.approx(100.0 * share)
    assert np.isfinite(index.strike[at(index, APRIL)]) == (share > 0.0)


def test_a_missing_settlement_has_no_premium() -> None:
    assert np.isnan(VXTH.premium_share(np.nan))


def test_the_open_of_the_vix_stands_in_for_a_final_settlement() -> None:
    market = flat_market()
    opens = np.where(market.panel.sessions == np.datetime64(MAY), 35.0, np.nan)
    index = replace(market, published={APRIL: 20.0, JUNE: 15.0}, vix_open=opens).index()
    assert index.settlement_origin[at(index, MAY)] == SUBSTITUTE
    assert index.total_return.tobytes() == market.index().total_return.tobytes()


def test_without_final_settlement_or_open_the_index_ends_where_calls_settle() -> None:
    market = flat_market()
    index = replace(market, published={}).index()
    # No calls settled in April, so nothing was missing then.
    assert index.unusable_from == at(index, MAY)
    assert np.isfinite(index.total_return[: index.unusable_from]).all()
    for column in (index.total_return, index.excess_return, index.calls, index.mark, index.premium_paid):
        assert np.isnan(column[index.unusable_from :]).all()
    # Where no calls are held, nothing needs to settle.
    assert replace(flat_market(12.0), published={}).index().unusable_from == len(market.vix)


@pytest.mark.parametrize("missing", ["equity_change", "vvix", "tbill", "settle", "overnight"])
def test_a_hole_ends_the_index_where_it_is_needed(missing: str) -> None:
    market = flat_market()
    row = at(market.index(), dt.date(2006, 5, 1))
    if missing == "settle":
        holed = replace(market, panel=_without_front(market.panel, row))
    else:
        values = getattr(market, missing).copy()
        # The overnight rate earns from the close before; an old VVIX would stand in.
        values[row - 4 if missing == "vvix" else row - (missing == "overnight") :][:5] = np.nan
        holed = replace(market, **{missing: values})
        if missing == "vvix":
            holed = replace(holed, vix=np.full(len(values), np.nan))
    index = holed.index()
    assert index.unusable_from == row
    assert index.total_return[:row].tolist() == market.index().total_return[:row].tolist()


@pytest.mark.parametrize("missing", ["vvix", "tbill", "settle"])
def test_what_only_calls_need_is_not_missed_without_calls(missing: str) -> None:
    market = flat_market()
    row = at(market.index(), dt.date(2006, 4, 10))
    if missing == "settle":
        holed = replace(market, panel=_without_front(market.panel, row))
    else:
        values = getattr(market, missing).copy()
        values[: row + 1] = np.nan
        holed = replace(market, **{missing: values})
    assert holed.index().total_return.tobytes() == market.index().total_return.tobytes()


def _without_front(panel: SettlementPanel, row: int) -> SettlementPanel:
    settle = panel.settle.copy()
    settle[row, 0] = np.nan
    return replace(panel, settle=settle)


def test_a_history_that_begins_later_begins_with_the_base_level() -> None:
    index = flat_market(start=dt.date(2006, 5, 1)).index()
    assert (index.base, index.total_return[0]) == (0, 100.0)
    assert not index.rolls[: at(index, MAY)].any()
    assert index.premium_paid[at(index, MAY)] == 1.0


def test_a_history_that_ends_before_the_base_has_no_level() -> None:
    market = flat_market()
    index = market.index(replace(VXTH, base=dt.date(2007, 1, 3)))
    assert index.base == len(market.vix) == index.unusable_from
    assert np.isnan(index.total_return).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 57))
def test_a_level_does_not_depend_on_later_sessions(seed: int, count: int) -> None:
    market = random_market(seed)
    whole, part = market.index(), market.through(count).index()
    for name in ("total_return", "excess_return", "strike", "calls", "mark", "premium_paid", "premium_received"):
        assert getattr(part, name).tobytes() == getattr(whole, name)[:count].tobytes(), name
    assert part.rolls.tolist() == whole.rolls[:count].tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_nothing_is_gained_or_lost_but_by_returns_and_settlements(seed: int) -> None:
    market = random_market(seed)
    assert_self_financing(market.index(), market.equity_change)


def random_market(seed: int) -> Market:
    """A market that moves at random, through every band of the premium."""
    market = flat_market()
    random = np.random.default_rng(seed)
    count = len(market.vix)
    moves = np.exp(np.cumsum(random.normal(0.0, 0.12, (count, 1)), axis=0)) * random.uniform(0.7, 2.5)
    settle = (market.panel.settle * moves).clip(9.0, 90.0)
    return replace(
        market,
        panel=replace(market.panel, settle=settle),
        equity_change=random.normal(0.0, 0.01, count),
        vix=settle[:, 0],
        vvix=random.uniform(60.0, 200.0, count),
        vix_open=settle[:, 0],
        published={APRIL: 20.0},
    )


def assert_self_financing(index: VxthHistory, equity_change: Floats) -> None:
    rows = slice(index.base, index.unusable_from)
    in_equity = (index.total_return - index.mark)[rows]
    received, paid = index.premium_received[rows], index.premium_paid[rows]
    expected = in_equity[:-1] * (1.0 + equity_change[rows][1:]) + received[1:] - paid[1:]
    assert in_equity[1:] == pytest.approx(expected, rel=1e-12)


@pytest.fixture(scope="module")
def recorded_market(recorded_signals: VeqtorSignals, data_dir: Path) -> Market:
    """The recorded inputs; the VIX open is read from its file, as no series has it."""
    inputs = recorded_signals.inputs
    data, panel = inputs.history.data, inputs.history.panel
    with (data_dir / "cboe/index/VIX_History.csv").open() as file:
        rows = {row["DATE"]: row for row in csv.DictReader(file)}
    names = [f"{day:%m/%d/%Y}" for day in panel.sessions.tolist()]
    columns = [
        np.array([float(rows[name][column]) if name in rows else np.nan for name in names])
        for column in ("OPEN", "HIGH", "LOW", "CLOSE")
    ]
    return Market(
        panel=panel,
        equity_change=inputs.equity.change,
        vix=inputs.vix,
        vvix=data.find(VVIX, CBOE).aligned(panel.sessions)[0],
        tbill=inputs.tbill.rate,
        overnight=inputs.overnight.rate,
        vix_open=usable_open(*columns),
        published=published_final_settlements(data, panel.expiries.tolist()),
    )


@pytest.fixture(scope="module")
def recorded_index(recorded_market: Market) -> VxthHistory:
    """The index from the recorded data."""
    return recorded_market.index()


def window(index: VxthHistory, level: Floats, first: str, last: str) -> Floats:
    """Levels from the last session up to `first` to the last one up to `last`."""
    start, end = (int(np.searchsorted(index.sessions, np.datetime64(day), side="right")) for day in (first, last))
    return level[start - 1 : end]


def growth(levels: Floats, years: float) -> float:
    return float((levels[-1] / levels[0]) ** (1 / years) - 1)


def worst_drawdown(levels: Floats) -> float:
    return float((levels / np.maximum.accumulate(levels) - 1).min())


def test_growth_and_drawdown_are_near_those_of_the_published_index(
    recorded_index: VxthHistory, recorded_market: Market
) -> None:
    levels = window(recorded_index, recorded_index.total_return, "2006-03-31", "2020-12-31")
    # Published VXTH: 12.25% a year and -43.3%. Calls are bought and marked at model prices here, at quotes there.
    assert growth(levels, 14.75) == pytest.approx(0.1257, abs=0.0005)
    assert growth(levels, 14.75) == pytest.approx(0.1225, abs=0.005)
    assert worst_drawdown(levels) == pytest.approx(-0.450, abs=0.002)
    assert worst_drawdown(levels) == pytest.approx(-0.433, abs=0.02)
    # The S&P 500 alone: less growth, a deeper fall.
    equity = np.concatenate([[1.0], np.cumprod(1.0 + recorded_market.equity_change[1:])])
    alone = window(recorded_index, equity, "2006-03-31", "2020-12-31")
    assert growth(alone, 14.75) < 0.10
    assert worst_drawdown(alone) == pytest.approx(-0.552, abs=0.002)


def test_the_level_is_near_one_that_was_published(recorded_index: VxthHistory) -> None:
    # Cboe's page of VXTH, quoted on 2014-09-18 (VIX 12.07, down 0.58): 188.83, up 0.81.
    level = window(recorded_index, recorded_index.total_return, "2014-09-17", "2014-09-17")
    assert level[-1] == pytest.approx(188.02, rel=0.025)


@pytest.mark.parametrize(("tenor_exponent", "expected"), [(0.0, 0.1255), (0.142, 0.1257), (0.3, 0.1258)])
def test_the_tenor_exponent_hardly_matters(recorded_market: Market, tenor_exponent: float, expected: float) -> None:
    market = recorded_market
    vvix = vvix_in_force(
        market.panel.sessions, market.vvix, market.vix, constant_maturity_future(market.panel, market.vix)
    ).values
    settled_at = final_settlements(market.panel, market.published, market.vix_open)
    surface = replace(SURFACE, tenor_exponent=tenor_exponent)
    index = vxth_history(
        market.panel, market.equity_change, vvix, market.tbill, market.overnight, settled_at, surface=surface
    )
    levels = window(index, index.total_return, "2006-03-31", "2020-12-31")
    assert growth(levels, 14.75) == pytest.approx(expected, abs=0.0003)


def test_the_recorded_rolls(recorded_index: VxthHistory) -> None:
    index = recorded_index
    rolls = index.sessions[index.rolls].tolist()
    calendar = trading_calendar()
    assert rolls[0] == APRIL
    assert rolls == [day for day in calendar.vx_expiries.tolist() if APRIL <= day <= index.sessions[-1].item()]
    assert index.sessions[index.base].item() == dt.date(2006, 3, 31)
    # The first calls were bought in June 2006: in April and May the bought future settled at 15 or below.
    bought = index.sessions[index.premium_paid > 0.0].tolist()
    assert bought[0] == JUNE
    # 2017: no future of a bought expiry above 15 all year.
    assert [day for day in bought if day.year == 2017] == []
    assert set(index.strike[np.isfinite(index.strike)].tolist()) <= set(STRIKES.tolist())


def test_the_recorded_calls_of_march_2020(recorded_index: VxthHistory) -> None:
    index = recorded_index
    bought, settled = at(index, dt.date(2020, 2, 19)), at(index, dt.date(2020, 3, 18))
    # Bought at a March future of 15.375, struck at 19, for 1%; settled at 69.76 a month later.
    assert index.strike[bought] == 19.0
    assert index.premium_paid[bought] == pytest.approx(0.01 * index.total_return[bought])
    assert index.premium_received[settled] / index.premium_paid[bought] == pytest.approx(67.9, abs=0.1)
    # The April future at 70.475: none are bought.
    assert index.premium_paid[settled] == 0.0
    assert index.calls[settled] == 0.0


def test_the_recorded_substitutes_and_the_end(recorded_index: VxthHistory) -> None:
    index = recorded_index
    # No contract of 2026 has a row of its expiry day; from July on the file of the VIX has closes only.
    stood_in = index.sessions[index.settlement_origin == SUBSTITUTE].tolist()
    assert stood_in == [
        dt.date(2026, 1, 21), dt.date(2026, 2, 18), dt.date(2026, 3, 18),
        dt.date(2026, 4, 15), dt.date(2026, 5, 19), dt.date(2026, 6, 17),
    ]  # fmt: skip
    assert index.sessions[index.unusable_from].item() == dt.date(2026, 7, 22)


def test_the_recorded_index_finances_itself(recorded_index: VxthHistory, recorded_market: Market) -> None:
    assert_self_financing(recorded_index, recorded_market.equity_change)


@pytest.mark.parametrize(
    "day",
    ["2006-03-31", "2006-04-19", "2006-06-21", "2008-10-22", "2010-11-11", "2018-12-06", "2020-03-17", "2020-03-18",
     "2020-12-21", "2025-01-10", "2026-05-04", "2026-06-17"],
)  # fmt: skip
def test_truncating_the_recorded_history_changes_no_level(
    recorded_market: Market, recorded_index: VxthHistory, day: str
) -> None:
    row = at(recorded_index, dt.date.fromisoformat(day))
    alone = recorded_market.through(row + 1).index()
    for name in ("total_return", "excess_return", "strike", "calls", "mark", "premium_paid", "premium_received"):
        assert getattr(alone, name).tobytes() == getattr(recorded_index, name)[: row + 1].tobytes(), name


def test_the_made_up_market_has_an_index_too(made_up_signals: VeqtorSignals) -> None:
    inputs = made_up_signals.inputs
    panel = inputs.history.panel
    market = Market(
        panel=panel,
        equity_change=inputs.equity.change,
        vix=inputs.vix,
        vvix=np.full(len(panel.sessions), np.nan),
        tbill=inputs.tbill.rate,
        overnight=inputs.overnight.rate,
        vix_open=inputs.vix,
        published={},
    )
    index = market.index()
    assert index.unusable_from == len(panel.sessions)
    assert np.isfinite(index.total_return[index.base :]).all()
    assert_self_financing(index, market.equity_change)


def test_inputs_are_left_as_they_were() -> None:
    market = flat_market()
    settled_at = Substituted(np.full(len(market.vix), 20.0), np.full(len(market.vix), PRIMARY, dtype=np.int8))
    columns = (market.equity_change, market.vvix, market.tbill, market.overnight)
    before = [column.copy() for column in (*columns, market.panel.settle, settled_at.values)]
    vxth_history(market.panel, *columns, settled_at)
    after = (*columns, market.panel.settle, settled_at.values)
    assert all(old.tobytes() == new.tobytes() for old, new in zip(before, after, strict=True))
