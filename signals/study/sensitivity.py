"""What becomes of VEQTOR when its parameters are others: maps of two parameters each, after costs.

Every setting is folded over the whole history, decides for itself, and pays its own costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from signals.study.bootstrap import SHORTEST_RANGE, as_recorded
from signals.study.result import Sensitivity
from signals.study.spec import TradingCosts
from signals.study.strategies import UNHEDGED, veqtor_track
from signals.study.tracks import Track, Tracks
from signals.study.trading import after_costs
from signals.study.words import RATIO, SHARE, figure, percent
from signals.veqtor.index import VeqtorHistory, veqtor_history
from signals.veqtor.rules import VeqtorRules
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats

#: Excess returns over the stop-loss window that send it to cash; the last is never reached.
STOPS = (-0.005, -0.01, -0.015, -0.02, -0.025, -0.03, -0.04, -0.06, -1.0)

#: Sessions from the close that decides to the close that trades. At 0 it trades at the very close it has to know.
LAGS = (0, 1, 2, 3, 5)

#: Sessions in a row that make a trend.
TREND_SESSIONS = (1, 3, 5, 8, 10, 12, 15, 20)

#: Factors on every cost of trading.
COST_FACTORS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)

#: What each map is drawn of: key, title, unit.
STATISTICS = (
    ("growth", "growth a year", SHARE),
    ("sharpe", "Sharpe ratio", RATIO),
    ("max_drawdown", "deepest fall", SHARE),
)

#: Values of a statistic by row and column; None where there is none.
Grid = tuple[tuple[float | None, ...], ...]

#: A step changes little where it changes less than this share of what the whole map does.
_LITTLE = 0.2


@dataclass(frozen=True, eq=False)
class Trials:
    """Daily returns of the settings that were tried, after costs, by name; rows as those of the tracks of the study."""

    returns: Mapping[str, Floats]


@dataclass(frozen=True)
class _Axis:
    """A parameter of a map: its name, in one word too, its values in words, and which one is the published."""

    name: str
    word: str
    texts: tuple[str, ...]
    published: int | None


@dataclass(frozen=True, eq=False)
class _Map:
    """A map of two parameters before anything is measured; `sentence` tells what a statistic over it says."""

    key: str
    title: str
    rows: _Axis
    columns: _Axis
    tracks: tuple[tuple[Track, ...], ...]
    sentence: Callable[[_Map, Grid, str, str], str]

    @property
    def chosen(self) -> tuple[int, int] | None:
        """Where the published setting is."""
        if self.rows.published is None or self.columns.published is None:
            return None
        return self.rows.published, self.columns.published

    def named(self, row: int, column: int) -> str:
        """A setting in words."""
        return f"{self.rows.word} {self.rows.texts[row]}, {self.columns.word} {self.columns.texts[column]}"

    def track(self, row: int, column: int) -> str:
        """Name of the track of a setting within the map."""
        return f"{self.key}-{row}-{column}"


def sensitivities(
    signals: VeqtorSignals, costs: TradingCosts, first: int = 0, last: int | None = None
) -> tuple[tuple[Sensitivity, ...], Trials]:
    """Maps of VEQTOR's parameters, and every setting in them that could have been followed.

    Parameters
    ----------
    signals : VeqtorSignals
    costs : TradingCosts
    first, last : int
        Rows of the tracks of the study, the first of which is the base of the signals: of the session before the first
        return, and of the last. A range of less than `SHORTEST_RANGE` returns has no maps.

    Returns
    -------
    tuple of Sensitivity
        Stop-loss by lag, trend by lag, stop-loss by costs, each of growth, Sharpe ratio and deepest fall.
    Trials
    """
    base = signals.veqtor.base
    sessions = signals.inputs.sessions[base : signals.inputs.usable]
    last = len(sessions) - 1 if last is None else last
    if last - first < SHORTEST_RANGE:
        return (), Trials({})
    rules = signals.veqtor.rules
    by_lag = [[replace(rules, stop_loss=stop, decision_lag=lag) for lag in LAGS] for stop in STOPS]
    by_trend = [[replace(rules, trend_sessions=count, decision_lag=lag) for lag in LAGS] for count in TREND_SESSIONS]
    tried = {each: _track(signals, each, costs) for row in (*by_lag, *by_trend) for each in row}
    lag = _Axis("sessions from decision to trade", "lag", tuple(map(str, LAGS)), _place(LAGS, rules.decision_lag))
    stop = _Axis("stop-loss over five sessions", "stop-loss", tuple(map(_stop, STOPS)), _place(STOPS, rules.stop_loss))
    trend = _Axis(
        "sessions that make a trend",
        "trend of",
        tuple(map(str, TREND_SESSIONS)),
        _place(TREND_SESSIONS, rules.trend_sessions),
    )
    factor = _Axis(
        "times the costs", "costs times", tuple(f"{each:g}" for each in COST_FACTORS), COST_FACTORS.index(1.0)
    )
    published = [tried[replace(rules, stop_loss=stop_loss)] for stop_loss in STOPS]
    maps = (
        _Map("stop-lag", "stop-loss and lag", stop, lag, _all(by_lag, tried), _choice),
        _Map("trend-lag", "trend and lag", trend, lag, _all(by_trend, tried), _choice),
        _Map("stop-cost", "stop-loss and costs", stop, factor, tuple(map(_at_factors, published)), _by_cost),
    )
    every = tuple(
        replace(track, name=each.track(row, column))
        for each in maps
        for row, tracks in enumerate(each.tracks)
        for column, track in enumerate(tracks)
    )
    measured = as_recorded(Tracks(sessions, signals.veqtor.accrual[base : base + len(sessions)], every), first, last)
    return (
        tuple(_sensitivity(each, *statistic, measured) for each in maps for statistic in STATISTICS),
        Trials({track.label: track.returns for each, track in tried.items() if each.decision_lag > 0}),
    )


def _sensitivity(of: _Map, key: str, title: str, unit: str, measured: Mapping[str, Mapping[str, float]]) -> Sensitivity:
    rows, columns = range(len(of.rows.texts)), range(len(of.columns.texts))
    values = tuple(tuple(measured.get(of.track(row, column), {}).get(key) for column in columns) for row in rows)
    return Sensitivity(
        key=f"{of.key}-{key}",
        title=f"VEQTOR: {title} by {of.title}",
        track="veqtor",
        statistic=key,
        row_name=of.rows.name,
        column_name=of.columns.name,
        rows=of.rows.texts,
        columns=of.columns.texts,
        values=values,
        chosen=of.chosen,
        sentence=of.sentence(of, values, title, unit),
    )


def _choice(of: _Map, values: Grid, title: str, unit: str) -> str:
    # At no lag nobody could have traded.
    tradable = tuple(tuple(value if lag else None for value, lag in zip(row, LAGS, strict=True)) for row in values)
    return choice_sentence(tradable, of.chosen, title, unit, of.named)


def choice_sentence(
    values: Grid, chosen: tuple[int, int] | None, title: str, unit: str, named: Callable[[int, int], str]
) -> str:
    """Whether the published setting is a peak, on a plateau or on a slope.

    It is on a plateau where no step to a neighbour changes the statistic by more than a fifth of what the whole map
    does; a peak where it is the best and not on one.

    Parameters
    ----------
    values : tuple of tuple of float
        By row and column, more is better; None where there is none to choose.
    chosen : (int, int), optional
        Where the published setting is.
    title, unit : str
        Of the statistic.
    named : callable
        A setting in words, by row and column.
    """
    known = {(i, j): value for i, row in enumerate(values) for j, value in enumerate(row) if value is not None}
    if chosen is None or chosen not in known:
        return f"The published setting has no {title} to compare others with."
    own = known[chosen]
    best, worst = max(known, key=lambda at: known[at]), min(known, key=lambda at: known[at])
    rank = 1 + sum(value > own for value in known.values())
    said = (
        f"The published setting has a {title} of {figure(own, unit)}, number {rank} of {len(known)} that could have "
        f"been traded: from {figure(known[worst], unit)} ({named(*worst)}) to {figure(known[best], unit)} "
        f"({named(*best)})."
    )
    steps = [known[at] - own for at in _beside(*chosen) if at in known]
    if not steps or known[best] == known[worst]:
        return said
    largest = max(steps, key=abs)
    by = f"{abs(largest) * 100.0:.1f} percentage points" if unit == SHARE else figure(abs(largest), unit)
    if abs(largest) <= _LITTLE * (known[best] - known[worst]):
        return f"{said} It is on a plateau: no single step changes it by more than {by}."
    if rank == 1:
        return f"{said} It is a peak: one step makes it worse by {by}, so that the choice itself may be luck."
    return f"{said} It is on a slope: one step makes it {'better' if largest > 0.0 else 'worse'} by {by}."


def _beside(row: int, column: int) -> tuple[tuple[int, int], ...]:
    return (row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)


def _by_cost(of: _Map, values: Grid, title: str, unit: str) -> str:
    """What costs do to the published setting, and whether they make another the best."""
    row = of.rows.published
    own = values[row] if row is not None else (None,)
    free, most = own[0], own[-1]
    if free is None or most is None:
        return f"The published setting has no {title} to compare others with."
    texts = of.columns.texts
    said = (
        f"Costs take the {title} of the published setting from {figure(free, unit)} without any to "
        f"{figure(most, unit)} at {texts[-1]} times what is assumed."
    )
    best = []
    for column in (0, COST_FACTORS.index(1.0), len(texts) - 1):
        known = {at: value for at, line in enumerate(values) if (value := line[column]) is not None}
        best.append(of.rows.texts[max(known, key=lambda at: known[at])])
    if len(set(best)) == 1:
        return f"{said} The best stop-loss is {best[0]} at all of them."
    return f"{said} The best stop-loss is {best[0]} without costs, {best[1]} at those assumed, {best[2]} at the most."


def _place(values: Sequence[float], published: float) -> int | None:
    return values.index(published) if published in values else None


def _stop(threshold: float) -> str:
    return percent(threshold) if threshold > -1.0 else "none"


def _all(rules: Sequence[Sequence[VeqtorRules]], tracks: Mapping[VeqtorRules, Track]) -> tuple[tuple[Track, ...], ...]:
    return tuple(tuple(tracks[each] for each in row) for row in rules)


def _at_factors(track: Track) -> tuple[Track, ...]:
    """The same at other costs: what is traded does not depend on what it costs."""
    return tuple(replace(track, returns=after_costs(track.gross, track.cost * factor)) for factor in COST_FACTORS)


def _track(signals: VeqtorSignals, rules: VeqtorRules, costs: TradingCosts) -> Track:
    label = f"stop {_stop(rules.stop_loss)}, trend of {rules.trend_sessions}, lag {rules.decision_lag}"
    return veqtor_track(signals, _fold(signals, rules), costs, UNHEDGED, label)


def _fold(signals: VeqtorSignals, rules: VeqtorRules) -> VeqtorHistory:
    """VEQTOR by other rules on the same components."""
    inputs, end = signals.inputs, signals.inputs.usable
    volatility = np.concatenate([np.full(signals.veqtor.base, np.nan), signals.short_term.total_return_change])
    return veqtor_history(
        sessions=inputs.sessions[:end],
        base=signals.veqtor.base,
        spx=inputs.history.spx_yahoo[:end],
        vix=inputs.vix[:end],
        equity_change=inputs.equity.change[:end],
        volatility_change=volatility[:end],
        overnight=inputs.overnight.rate[:end],
        rules=rules,
    )
