"""The strategies of a study, side by side on the same sessions.

Unhedged equity, VEQTOR and its variants, constant weights of VIX futures, and equity beside layered hedges. Rows are
the usable sessions from the base of the signals on. A strategy that cannot be followed fails by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from signals.alvh.hedge import Hedges
from signals.errors import ConfigurationError, DataNotReady
from signals.study.hedged import hedge_name, hedge_track
from signals.study.result import Failure
from signals.study.spec import TradingCosts
from signals.study.tracks import Track, Tracks
from signals.study.trading import after_costs, index_trades
from signals.veqtor.index import VeqtorHistory
from signals.veqtor.rules import VEQTOR_MID_TERM, VEQTOR_OVERLAY
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import PATTERNS, SHORT_TERM, Floats, RollPattern, roll_left

UNHEDGED = "sp500"

#: Constant weights of the VIX Short-Term Futures index beside the S&P 500, decimals.
FIXED_WEIGHTS = (0.025, 0.05, 0.10)


def study_tracks(signals: VeqtorSignals, hedges: Hedges, costs: TradingCosts) -> tuple[Tracks, tuple[Failure, ...]]:
    """Every strategy after costs and before, and those that came to nothing.

    Parameters
    ----------
    signals : VeqtorSignals
    hedges : Hedges
        Books over the same signals.
    costs : TradingCosts

    Returns
    -------
    Tracks
        Unhedged equity first. Up to and with the session of its first level a track has no return (NaN), and 0 for
        everything else; after it there is no hole.
    tuple of Failure
        A part ``track <name>`` for each strategy that could not be computed.
    """
    base, usable = signals.veqtor.base, signals.inputs.usable
    found: list[Track] = []
    failures: list[Failure] = []
    for name, make in _makers(signals, hedges, costs):
        try:
            track = make()
            _require_whole(track, signals)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one strategy, the others are shown
            failures.append(Failure(f"track {name}", str(error) or type(error).__name__))
        else:
            found.append(track)
    cash = signals.veqtor.accrual[base:usable]
    return Tracks(signals.inputs.sessions[base:usable], cash, tuple(found)), tuple(failures)


def _makers(signals: VeqtorSignals, hedges: Hedges, costs: TradingCosts) -> Iterator[tuple[str, Callable[[], Track]]]:
    """The name of each strategy, and what makes its track."""
    yield UNHEDGED, partial(unhedged_track, signals)
    yield "veqtor", lambda: veqtor_track(signals, signals.veqtor, costs, "veqtor", "VEQTOR")
    yield "veqtor-no-stop", partial(_without_stop, signals, costs)
    yield "veqtor-mid-term", partial(_mid_term, signals, costs)
    yield "veqtor-overlay", partial(_overlay, signals, costs)
    for weight in FIXED_WEIGHTS:
        yield f"fixed-{weight * 100.0:g}", partial(fixed_track, signals, weight, costs)
    for history in hedges.histories:
        equity = signals.inputs.equity.change
        yield hedge_name(history), partial(hedge_track, history, equity, signals.veqtor.base, costs)


def _require_whole(track: Track, signals: VeqtorSignals) -> None:
    """Refuse a track without a return, or with a hole after the first."""
    missing = np.flatnonzero(~np.isfinite(track.returns))
    later = missing[missing > track.first]
    if len(later):
        session = signals.inputs.sessions[signals.veqtor.base + int(later[0])]
        raise DataNotReady(
            f"{track.label} on {session}",
            expected="a return",
            got="none",
            do="Ask for sessions before it, or load what is missing.",
            missing=(track.name,),
        )
    if track.first == len(track.returns):
        raise ConfigurationError(
            track.label, expected="a return in the history", got="none", do="Load a longer history."
        )


def unhedged_track(signals: VeqtorSignals) -> Track:
    """The S&P 500 Total Return."""
    base, usable = signals.veqtor.base, signals.inputs.usable
    returns = signals.inputs.equity.change[base:usable].copy()
    returns[0] = np.nan
    nothing = np.zeros(len(returns))
    return Track(UNHEDGED, "S&P 500 TR", None, returns, returns, nothing, nothing)


def veqtor_track(signals: VeqtorSignals, history: VeqtorHistory, costs: TradingCosts, name: str, label: str) -> Track:
    """VEQTOR by some rules: its level as published, less what following it costs.

    Parameters
    ----------
    history : VeqtorHistory
        A fold over the inputs of the signals, of a funded strategy; it may begin later, and has to reach their end.
    """
    weights = history.weights(history.rules.decision_lag)[:, :2]
    pattern = PATTERNS[history.rules.volatility_index]
    return _index_track(signals, history.base, weights, history.total_return_change, pattern, costs, name, label)


def _without_stop(signals: VeqtorSignals, costs: TradingCosts) -> Track:
    """VEQTOR that follows its table whatever it lost."""
    veqtor, lag = signals.veqtor, signals.veqtor.rules.decision_lag
    decided = veqtor.table_weight
    held = np.concatenate([np.full(lag, np.nan), decided[: len(decided) - lag]])
    return _weighted(signals, held, costs, "veqtor-no-stop", "VEQTOR without stop-loss")


def fixed_track(signals: VeqtorSignals, weight: float, costs: TradingCosts) -> Track:
    """A constant weight of the VIX Short-Term Futures index, the rest in the S&P 500, reset at every close."""
    held = np.full(len(signals.veqtor.sessions), weight)
    label = f"{(1.0 - weight) * 100.0:g}% S&P 500 TR, {weight * 100.0:g}% VIX futures"
    return _weighted(signals, held, costs, f"fixed-{weight * 100.0:g}", label)


def _weighted(signals: VeqtorSignals, held: Floats, costs: TradingCosts, name: str, label: str) -> Track:
    """The S&P 500 and the VIX Short-Term Futures index by the weight of the latter held from each close on."""
    base, usable = signals.veqtor.base, signals.inputs.usable
    equity, volatility = signals.inputs.equity.change[:usable], signals.short_term.total_return_change
    gross = np.full(usable, np.nan)
    earning = held[base : usable - 1]
    gross[base + 1 :] = (1.0 - earning) * equity[base + 1 :] + earning * volatility[1:]
    weights = np.stack([1.0 - held, held], axis=1)
    return _index_track(signals, base, weights, gross, SHORT_TERM, costs, name, label)


def _mid_term(signals: VeqtorSignals, costs: TradingCosts) -> Track:
    """VEQTOR on the mid-term futures; it may begin later than the others, and needs settlements to the end."""
    history = signals.variants[VEQTOR_MID_TERM.name]
    ended, usable = len(history.sessions), signals.inputs.usable
    if ended < usable:
        raise DataNotReady(
            f"VEQTOR Mid-Term on {signals.inputs.sessions[ended]}",
            expected=f"a settlement of every contract of {VEQTOR_MID_TERM.volatility_index}",
            got="a hole",
            do="Load it, or ask for sessions before it.",
            missing=(VEQTOR_MID_TERM.volatility_index,),
        )
    return veqtor_track(signals, history, costs, VEQTOR_MID_TERM.name, "VEQTOR Mid-Term")


def _overlay(signals: VeqtorSignals, costs: TradingCosts) -> Track:
    """One unit of the S&P 500 and the overlay on it, which is as large as the value at every close."""
    veqtor, usable = signals.veqtor, signals.inputs.usable
    overlay = signals.variants[VEQTOR_OVERLAY.name].total_return_change
    gross = signals.inputs.equity.change[:usable] + overlay
    # Together they hold what VEQTOR holds.
    weights = veqtor.weights(veqtor.rules.decision_lag)[:, :2]
    return _index_track(
        signals, veqtor.base, weights, gross, SHORT_TERM, costs, VEQTOR_OVERLAY.name, "S&P 500 TR + VEQTOR overlay"
    )


def _index_track(
    signals: VeqtorSignals,
    start: int,
    weights: Floats,
    gross: Floats,
    pattern: RollPattern,
    costs: TradingCosts,
    name: str,
    label: str,
) -> Track:
    """A strategy by its weights held from each close on and its returns, both by row of the inputs, from `start` on."""
    base, usable = signals.veqtor.base, signals.inputs.usable
    start = max(start, base)
    panel = signals.inputs.panel(start)
    own = gross[start:usable].copy()
    own[:1] = np.nan
    trades = index_trades(
        weights[start:usable],
        own,
        signals.inputs.equity.change[start:usable],
        pattern.contracts(roll_left(panel.sessions, signals.inputs.calendar)),
        panel.settle,
        panel.front,
        costs,
    )
    before = start - base
    none, nothing = np.full(before, np.nan), np.zeros(before)
    return Track(
        name=name,
        label=label,
        against=UNHEDGED,
        returns=np.concatenate([none, after_costs(own, trades.cost)]),
        gross=np.concatenate([none, own]),
        cost=np.concatenate([nothing, trades.cost]),
        turnover=np.concatenate([nothing, trades.turnover]),
    )
