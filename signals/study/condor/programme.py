"""The programme with and without a hedge: tracks, figures of each choice, and what can be said whatever the choice.

A hedge protects the value of the account at every close and is paid from its cash, as `signals.study.hedged` says. The
hedges are on the VIX, the condors on the S&P 500: where the index falls slowly, or rises through the calls, one loses
without the other gaining. That is the basis risk of the pair, and in the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from signals.study.condor.book import NAME, Account, Trade, account_of
from signals.study.condor.market import CondorMarket
from signals.study.condor.rules import CONDOR, CondorRules
from signals.study.condor.surface import SKEWS, SURFACE
from signals.study.condor.trades import condors
from signals.study.condor.verdicts import sentences
from signals.study.hedged import HedgeLine, funded
from signals.study.result import Condor, CondorCase, Measure, Sensitivity
from signals.study.spec import TradingCosts
from signals.study.statistics import DAYS_PER_YEAR, measures
from signals.study.tracks import Track, Tracks
from signals.study.trading import after_costs
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.vix_futures import Floats

__all__ = ["NAME", "RULES", "SKEWS", "beside_condor", "condor_cases", "condor_of", "condor_tracks"]

#: The rules of the study.
RULES = CONDOR

#: Why there is no figure of single condors.
NO_CONDOR = "no condor has ended"


def beside_condor(rule_set: str) -> str:
    """Name of the track of the condors beside the hedge of a rule set."""
    return f"{NAME}+{rule_set}"


def condor_tracks(
    market: CondorMarket, rules: CondorRules, costs: TradingCosts, skew: float = 1.0
) -> tuple[Track, ...]:
    """The account by itself, then beside each hedge, under a skew some times as steep as documented."""
    return account_tracks(market, _account(market, rules, costs, skew), costs)


def condor_cases(
    market: CondorMarket,
    rules: CondorRules,
    costs: TradingCosts,
    skew: float = 1.0,
    first: int = 0,
    last: int | None = None,
) -> tuple[CondorCase, ...]:
    """Figures of the account by itself and beside each hedge, all over the sessions that every one of them has.

    Parameters
    ----------
    first, last : int
        Rows of the range, by default all: of the session before the first return, or the first that every hedge has if
        that is later, and of the last return. Condors that were decided before it, or end after it, are in its returns,
        and not in the figures of condors.
    """
    account = _account(market, rules, costs, skew)
    tracks = Tracks(market.sessions, market.cash, account_tracks(market, account, costs))
    first, last = max(first, *(track.first for track in tracks)), len(market.sessions) - 1 if last is None else last
    cases = []
    for track, name in zip(tracks, ["", *(line.name for line in market.hedges)], strict=True):
        values = measures(tracks, track.name, first, last)
        values |= _over_cash(market, values, first, last) | _of_trades(market, account, track, first, last)
        cases.append(CondorCase(name, skew, values, rules.entry))
    return tuple(cases)


def condor_of(cases: Sequence[CondorCase], rules: CondorRules, sizes: Sequence[Sensitivity] = ()) -> Condor:
    """The programme: its rules, every case, and the verdicts over all of them.

    Parameters
    ----------
    cases : sequence of CondorCase
        Under every skew, decided on every day of a week.
    sizes : sequence of Sensitivity
        Maps of `signals.study.condor.maps`: the sentences of those that bear on a verdict follow.
    """
    own = tuple(case for case in cases if case.entry == rules.entry)
    others = tuple(case for case in cases if case.entry != rules.entry)
    told = [each.sentence for each in sizes if each.track == NAME or each.statistic == "drawdown_reduction"]
    return Condor(rules.sentence(), own, (*sentences(cases), *told), others)


def _account(market: CondorMarket, rules: CondorRules, costs: TradingCosts, skew: float) -> Account:
    return account_of(market, rules, condors(market, rules, costs, SURFACE.skewed(skew)))


def account_tracks(market: CondorMarket, account: Account, costs: TradingCosts) -> tuple[Track, ...]:
    """An account by itself, then beside each hedge."""
    own = account.track()
    return own, *(_beside(own, line, market.cash, costs) for line in market.hedges)


def _beside(own: Track, line: HedgeLine, cash: Floats, costs: TradingCosts) -> Track:
    crossed = np.nan_to_num(own.cost * (1.0 + own.gross))
    found = funded(line, own.gross, crossed, cash, costs)
    return Track(
        name=beside_condor(line.name),
        label=f"{own.label} + {line.name}",
        against=own.name,
        returns=after_costs(found.gross, found.cost),
        gross=found.gross,
        cost=found.cost,
        turnover=own.turnover + 0.5 * found.premium,
        hedge_flow=line.flow - costs.vix_option * line.spread,
        hedge_mark=line.mark,
        note=f"{own.note} The hedge is paid from the cash of the account, and is resized to its value at each close.",
    )


def _over_cash(market: CondorMarket, values: Mapping[str, Measure], first: int, last: int) -> dict[str, Measure]:
    """Growth a year less what cash grew by, where there is growth."""
    growth = values["growth"]
    if growth.value is None:
        return {"over_cash": growth}
    days = int((market.sessions[last] - market.sessions[first]).astype(np.int64))
    cash = float(np.multiply.reduce(1.0 + market.cash[first + 1 : last + 1])) ** (DAYS_PER_YEAR / days) - 1.0
    return {"over_cash": Measure(growth.value - cash)}


def _of_trades(market: CondorMarket, account: Account, track: Track, first: int, last: int) -> dict[str, Measure]:
    """Figures of single condors, each with what the hedge gained while it was open.

    What the hedge gains in a session is shared by the condors that were open into it, in equal parts; what it gains
    while none is open is in `income` and in no condor.
    """
    # What the hedge added, or took; nothing of the account by itself.
    added = np.nan_to_num(track.returns - account.returns)
    shared = np.add.accumulate(np.where(account.held > 0, added / np.maximum(account.held, 1), 0.0))
    earned = (account.earned + added)[first + 1 : last + 1]
    began, ended = market.sessions[[first, last]].tolist()
    trades = [trade for trade in account.trades if trade.decided >= began and trade.closed <= ended]
    filled, closed = (
        np.searchsorted(market.sessions, np.array([getattr(trade, day) for trade in trades], dtype="datetime64[D]"))
        for day in ("filled", "closed")
    )
    gained = np.array([trade.gained for trade in trades]) + shared[closed] - shared[filled]
    return {
        "income": _measure(lambda: float(earned.mean()) * SESSIONS_PER_YEAR, len(earned) > 0, "no session"),
        "trades": Measure(float(len(trades))),
        **_gains(gained),
        **_break_even_points(trades, hedged=track.against is not None),
    }


def _gains(gained: Floats) -> dict[str, Measure]:
    wins, losses = gained[gained > 0.0], gained[gained <= 0.0]
    won, lost = len(wins) > 0, len(losses) > 0

    def balance() -> float:
        win, loss = float(wins.mean()), -float(losses.mean())
        return loss / (win + loss)

    return {
        "win_rate": _measure(lambda: len(wins) / len(gained), len(gained) > 0, NO_CONDOR),
        "average_win": _measure(lambda: float(wins.mean()), won, "no condor gained"),
        "average_loss": _measure(lambda: float(losses.mean()), lost, "no condor lost"),
        "break_even_win_rate": _measure(balance, won and lost, "needs gains and losses"),
    }


def _break_even_points(trades: Sequence[Trade], *, hedged: bool) -> dict[str, Measure]:
    """At the expiry, where the index alone says what a condor pays."""
    why = "what the hedge pays does not depend on the index alone" if hedged else NO_CONDOR
    some = len(trades) > 0 and not hedged
    credit, index = (np.array([getattr(trade, name) for trade in trades]) for name in ("credit", "index"))
    put, call = (np.array([trade.strikes[leg] for trade in trades]) for leg in (1, 2))
    return {
        "break_even_down": _measure(lambda: float(((put - credit) / index).mean()) - 1.0, some, why),
        "break_even_up": _measure(lambda: float(((call + credit) / index).mean()) - 1.0, some, why),
    }


def _measure(value: Callable[[], float], holds: bool, why: str) -> Measure:
    return Measure(value()) if holds else Measure(None, why)
