"""The programme with and without a hedge: tracks, figures under each skew, and what can be said whatever the skew.

A hedge stands beside the account with the value of the account as its notional, at every close: what it gained in a day
is added to the return of the condors. The hedges are on the VIX, the condors on the S&P 500: where the index falls
slowly, or rises through the calls, one loses without the other gaining. That is the basis risk of the pair, and in the
numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from signals.study.condor.book import NAME, Account, Trade, account_of, before_costs
from signals.study.condor.market import CondorMarket, HedgeLine
from signals.study.condor.rules import CONDOR, CondorRules
from signals.study.condor.surface import SKEWS, SURFACE
from signals.study.condor.trades import condors
from signals.study.condor.verdicts import sentences
from signals.study.result import Condor, CondorCase, Measure
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.tracks import Track, Tracks
from signals.veqtor.indicators import SESSIONS_PER_YEAR

__all__ = ["NAME", "RULES", "SKEWS", "beside_condor", "condor_cases", "condor_of", "condor_tracks"]

#: The rules of the study.
RULES = CONDOR


def beside_condor(rule_set: str) -> str:
    """Name of the track of the condors beside the hedge of a rule set."""
    return f"{NAME}+{rule_set}"


def condor_tracks(
    market: CondorMarket, rules: CondorRules, costs: TradingCosts, skew: float = 1.0
) -> tuple[Track, ...]:
    """The account by itself, then beside each hedge, under a skew some times as steep as documented."""
    return _tracks(market, _account(market, rules, costs, skew))


def condor_cases(
    market: CondorMarket, rules: CondorRules, costs: TradingCosts, skew: float = 1.0, start: int = 0
) -> tuple[CondorCase, ...]:
    """Figures of the account by itself and beside each hedge, all over the sessions that every one of them has.

    They begin with the session in row `start`, or later. Beside a hedge, each condor is charged with what the hedge
    cost on average while one was sold.
    """
    account = _account(market, rules, costs, skew)
    tracks = Tracks(market.sessions, market.cash, _tracks(market, account))
    first, last = max(start, *(track.first for track in tracks)), len(market.sessions) - 1
    lines: list[HedgeLine | None] = [None, *market.hedges]
    cases = []
    for track, line in zip(tracks, lines, strict=True):
        values = measures(tracks, track.name, first, last) | _of_trades(market, account, line, first)
        cases.append(CondorCase("" if line is None else line.name, skew, values))
    return tuple(cases)


def condor_of(cases: Sequence[CondorCase], rules: CondorRules) -> Condor:
    """The programme: its rules, every case, and the verdicts over all skews."""
    return Condor(rules.sentence(), tuple(cases), sentences(cases))


def _account(market: CondorMarket, rules: CondorRules, costs: TradingCosts, skew: float) -> Account:
    return account_of(market, rules, condors(market, rules, costs, SURFACE.skewed(skew)))


def _tracks(market: CondorMarket, account: Account) -> tuple[Track, ...]:
    own = account.track()
    return own, *(_beside(own, line) for line in market.hedges)


def _beside(own: Track, line: HedgeLine) -> Track:
    returns, cost = own.returns + line.profit, own.cost + line.cost
    return Track(
        name=beside_condor(line.name),
        label=f"{own.label} + {line.name}",
        against=own.name,
        returns=returns,
        gross=before_costs(returns, cost),
        cost=cost,
        turnover=own.turnover + line.turnover,
        hedge_flow=line.flow,
        hedge_mark=line.mark,
        note=f"{own.note} The hedge protects the value of the account at each close.",
    )


def _of_trades(market: CondorMarket, account: Account, line: HedgeLine | None, first: int) -> dict[str, Measure]:
    earned = account.earned[first + 1 :]
    if line is not None:
        earned = earned + line.profit[first + 1 :]
    began = market.sessions[first].item()
    trades = [trade for trade in account.trades if trade.decided >= began]
    found = {
        "income": _measure(lambda: float(earned.mean()) * SESSIONS_PER_YEAR, len(earned) > 0, "no session"),
        "trades": Measure(float(len(trades))),
    }
    charge = 0.0 if line is None or not trades else -float(line.profit[first + 1 :].sum()) / len(trades)
    return found | _per_trade(trades, charge)


def _per_trade(trades: Sequence[Trade], charge: float) -> dict[str, Measure]:
    """Figures of single condors, each charged with a share of the account."""
    gained = np.array([trade.gained - charge for trade in trades])
    wins, losses = gained[gained > 0.0], gained[gained <= 0.0]
    won, lost = len(wins) > 0, len(losses) > 0
    # At the expiry; a charge is so many points of the condor that was sold.
    credit = np.array([trade.credit - charge / trade.size for trade in trades])
    index = np.array([trade.index for trade in trades])
    put, call = (np.array([trade.strikes[leg] for trade in trades]) for leg in (1, 2))

    def balance() -> float:
        win, loss = float(wins.mean()), -float(losses.mean())
        return loss / (win + loss)

    some, none = len(trades) > 0, "no condor has ended"
    return {
        "win_rate": _measure(lambda: len(wins) / len(gained), some, none),
        "average_win": _measure(lambda: float(wins.mean()), won, "no condor gained"),
        "average_loss": _measure(lambda: float(losses.mean()), lost, "no condor lost"),
        "break_even_win_rate": _measure(balance, won and lost, "needs gains and losses"),
        "break_even_down": _measure(lambda: float(((put - credit) / index).mean()) - 1.0, some, none),
        "break_even_up": _measure(lambda: float(((call + credit) / index).mean()) - 1.0, some, none),
    }


def _measure(value: Callable[[], float], holds: bool, why: str) -> Measure:
    return Measure(value()) if holds else Measure(None, why)
