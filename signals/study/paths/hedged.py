"""Layered hedges and the condor programme on simulated markets: the books are folded as on the recorded one.

What a fold needs is made from the arrays of a market: nine listed contracts and the options of every week, of which
the VIX of the day is the final settlement; VIX3M, VVIX and breadth; and the 91-day bill. What the sample market has
none of stays unavailable, as it does in the source ``sample``: the liquidity and the dollar indicators, and the event
calendar. The state of a hedge begins with the warm-up, its book with the first level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from signals.alvh.conditions import conditions
from signals.alvh.decide import fold
from signals.alvh.hedge import HedgeHistory, known_bill
from signals.alvh.indicator_table import IndicatorInputs, IndicatorTable, schedules
from signals.alvh.indicators import indicator_table
from signals.alvh.listings import OptionListings
from signals.alvh.market import OptionMarket
from signals.alvh.rules import Indicators, RuleSet
from signals.alvh.state import hedge_states
from signals.alvh.substitutes import vvix_in_force
from signals.alvh.surface import continuous_rate
from signals.market import MarketData
from signals.study.condor.market import CondorMarket, dividend_yield, listed_expiries
from signals.study.condor.programme import RULES, SKEWS, condor_tracks
from signals.study.hedged import beside_equity, hedge_line, hedge_track, is_portfolio
from signals.study.paths.figures import ALONE, PAIRED
from signals.study.paths.market import PathMarkets
from signals.study.paths.moments import hedge_moments
from signals.study.paths.veqtor import short_term_index
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.strategies import UNHEDGED
from signals.study.tracks import Track, Tracks
from signals.vix_futures import BASE_LEVEL, SLOTS, SettlementPanel, constant_maturity_future

#: What the books protect, USD: results are shares of it.
NOTIONAL = 1_000_000.0

#: Skews under which the condor programme is folded beside the documented one: the ends of the sweep.
OTHER_SKEWS = (SKEWS[0], SKEWS[-1])

#: By statistic, a value for each market.
Values = dict[str, list[float]]


class HedgedMarkets:
    """What the books of hedges are folded over, of each of some simulated markets.

    Parameters
    ----------
    markets : PathMarkets
        Drawn with breadth.
    """

    def __init__(self, markets: PathMarkets) -> None:
        self.markets = markets
        sessions = markets.sessions
        self.settle = np.stack([markets.settlements(slot) for slot in range(1, SLOTS + 1)])
        index = short_term_index(
            self.settle[0], self.settle[1], sessions.contracts, sessions.front, sessions.bill_return(markets.bill)
        )
        self.short_term_return = index.change
        growth = np.concatenate([np.full((1, markets.vix.shape[1]), BASE_LEVEL), 1.0 + index.total_change[1:]])
        self.short_term = np.multiply.accumulate(growth, axis=0)
        self.vix3m, self.vvix, self.breadth = markets.vix3m(), markets.vvix(), markets.advance_decline()
        self.equity_change, self.accrual = markets.equity_change, markets.accrual()
        # Sessions on which something settles, monthly or weekly.
        expiries = np.union1d(sessions.calendar.vx_expiries, OptionListings(sessions.calendar).weeks)
        self.expiring = np.flatnonzero(np.isin(sessions.sessions, expiries) & (np.arange(len(sessions)) > 0))

    def indicator_inputs(self, market: int) -> IndicatorInputs:
        """The inputs of the indicators in one market."""
        found, sessions = self.markets, self.markets.sessions
        count = len(sessions)
        nothing = np.full(count, np.nan)
        no_days = np.array([], dtype="datetime64[D]")
        settle = np.ascontiguousarray(self.settle[:, :, market].T)
        return IndicatorInputs(
            sessions=sessions.sessions,
            vix=found.vix[:, market].copy(),
            vix3m=self.vix3m[:, market].copy(),
            vvix=self.vvix[:, market].copy(),
            spx=found.spx[:, market].copy(),
            panel=SettlementPanel(
                sessions.sessions,
                sessions.calendar.vx_expiries,
                sessions.front,
                settle,
                np.zeros(settle.shape, dtype=np.int8),
            ),
            equity_return=self.equity_change[:, market].copy(),
            short_term_return=self.short_term_return[:, market].copy(),
            tbill=found.bill[:, market].copy(),
            spy_return=nothing,
            spy_dollar_volume=nothing,
            advance_decline=self.breadth[:, market].copy(),
            basket=nothing,
            basket_size=np.zeros(count, dtype=np.int64),
            reer=(no_days, np.array([])),
            schedules=schedules(MarketData()),
            calendar=sessions.calendar,
        )

    def option_market(self, inputs: IndicatorInputs, market: int) -> OptionMarket:
        """What a book trades in in one market."""
        return OptionMarket(
            panel=inputs.panel,
            vix=inputs.vix,
            vvix=vvix_in_force(
                inputs.sessions, inputs.vvix, inputs.vix, constant_maturity_future(inputs.panel, inputs.vix)
            ),
            tbill=known_bill(inputs.tbill),
            published={inputs.sessions[row].item(): float(inputs.vix[row]) for row in self.expiring.tolist()},
            vix_open=np.full(len(inputs.sessions), np.nan),
            calendar=inputs.calendar,
            short_term=self.short_term[:, market].copy(),
        )

    def histories(self, market: int, rule_sets: Sequence[RuleSet]) -> list[HedgeHistory]:
        """The book of each rule set in one market, from the first level on."""
        inputs = self.indicator_inputs(market)
        options = self.option_market(inputs, market)
        tables: dict[Indicators, IndicatorTable] = {}
        found = []
        for rules in rule_sets:
            if rules.indicators not in tables:
                tables[rules.indicators] = indicator_table(inputs, rules.indicators)
            table = tables[rules.indicators]
            states = hedge_states(table, rules)
            given = conditions(table, states, inputs.equity_return)
            books = fold(options, rules, given, max(states.start, self.markets.sessions.base), NOTIONAL)
            found.append(HedgeHistory(rules, table, states, options, books, given))
        return found

    def tracks(
        self, market: int, histories: Sequence[HedgeHistory], condors: CondorMarket, costs: TradingCosts
    ) -> Tracks:
        """The S&P 500, each hedge beside it, and the condor programme alone and beside each, in one market."""
        sessions = self.markets.sessions
        base = sessions.base
        equity = self.equity_change[:, market]
        returns = equity[base:].copy()
        returns[0] = np.nan
        nothing = np.zeros(len(returns))
        unhedged = Track(UNHEDGED, "S&P 500 TR", None, returns, returns, nothing, nothing)
        lines = {line.name: line for line in condors.hedges}
        hedged = [hedge_track(history, equity, base, costs, lines.get(history.rules.name)) for history in histories]
        every = (unhedged, *hedged, *condor_tracks(condors, RULES, costs))
        return Tracks(sessions.sessions[base:], self.accrual[base:, market].copy(), every)

    def condor_market(self, market: int, histories: Sequence[HedgeHistory]) -> CondorMarket:
        """What the condor programme sees of one market."""
        found, sessions = self.markets, self.markets.sessions
        base = sessions.base
        own = sessions.sessions[base:]
        everyone = sessions.calendar.sessions
        expiries, monthly = listed_expiries(everyone, own[0], own[-1])
        cash = self.accrual[base:, market].copy()
        cash[0] = np.nan
        return CondorMarket(
            sessions=own,
            following=everyone[np.searchsorted(everyone, own, side="right")],
            spx=found.spx[base:, market].copy(),
            vix=found.vix[base:, market].copy(),
            vix3m=self.vix3m[base:, market].copy(),
            rate=continuous_rate(known_bill(found.bill[:, market]))[base:],
            dividend=dividend_yield(found.spx_total_return[:, market], found.spx[:, market])[base:],
            cash=cash,
            expiries=expiries,
            monthly=monthly,
            hedges=tuple(hedge_line(history, base) for history in histories if not is_portfolio(history)),
        )


def hedged_figures(markets: PathMarkets, rule_sets: Sequence[RuleSet], costs: TradingCosts) -> dict[str, Values]:
    """Statistics of the S&P 500, each hedge beside it, and the condor programme, by strategy and key.

    A strategy is measured from its own first level on; one that is measured against another, over the sessions that
    both have. A statistic that some market does not have is left out. What a hedge does to the condor programme under
    another skew is under the key of the statistic and ``@`` that skew; what a hedge gains by itself, under the keys of
    `signals.study.paths.moments.HEDGE_MOMENTS` of its track beside the S&P 500.
    """
    hedged = HedgedMarkets(markets)
    found: dict[str, dict[str, list[float | None]]] = {}

    def keep(name: str, values: Mapping[str, float | None]) -> None:
        for key, value in values.items():
            found.setdefault(name, {}).setdefault(key, []).append(value)

    for market in range(markets.vix.shape[1]):
        histories = hedged.histories(market, rule_sets)
        condors = hedged.condor_market(market, histories)
        tracks = hedged.tracks(market, histories, condors, costs)
        for track in tracks:
            keep(track.name, _values(tracks, track, ALONE + (PAIRED if track.against else ())))
        for line in condors.hedges:
            keep(beside_equity(line.name), hedge_moments(line, costs))
        for skew in OTHER_SKEWS if condors.hedges else ():
            swept = Tracks(tracks.sessions, tracks.cash, condor_tracks(condors, RULES, costs, skew))
            for track in swept:
                if track.against:
                    values = _values(swept, track, PAIRED)
                    keep(track.name, {f"{key}@{skew:g}": value for key, value in values.items()})
    return {
        name: {key: whole for key, values in own.items() if len(whole := _known(values)) == len(values)}
        for name, own in found.items()
    }


def _values(tracks: Tracks, track: Track, keys: Sequence[str]) -> dict[str, float | None]:
    found = measures(tracks, track.name, _first(tracks, track), len(tracks.sessions) - 1, keys)
    return {key: found[key].value for key in keys}


def _first(tracks: Tracks, track: Track) -> int:
    return track.first if track.against is None else max(track.first, tracks[track.against].first)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
