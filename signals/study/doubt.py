"""What a hedge is worth under other assumptions on its options: what they cost to trade, and how they are priced.

Two things decide most of what a layered hedge costs, and neither is known. Half-spreads of options on the VIX are
assumed; here they are some times as large, each book as it was. And options are priced by a model wherever no quote is
stored, in which volatility falls with tenor by an exponent that the fit hardly tells from others (see
`signals.alvh.surface`: 0 to 0.3 fit almost as well). Here every book is folded again on such surfaces: it chooses its
strikes by them and pays their prices. Volatility of thirty days at the money, to which the surface is fitted, is the
same under each. All of this is on model prices alone, without stored quotes. Options on VXX, which no rule set that
ships holds, are priced as ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from signals.alvh.hedge import HedgeHistory, hedges_of
from signals.alvh.rules import RuleSet
from signals.alvh.surface import SURFACE
from signals.study.hedged import hedge_name, hedge_track
from signals.study.result import Sensitivity
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.strategies import unhedged_track
from signals.study.tracks import Tracks
from signals.study.words import RATIO, SHARE, listed, signed
from signals.veqtor.signal import VeqtorSignals

#: Factors on the half-spreads of options on the VIX.
COST_FACTORS = (0.0, 0.5, 1.0, 1.5, 2.0)

#: How fast volatility falls with tenor: the ends of what fits, and what is assumed between them.
TENOR_EXPONENTS = (0.0, SURFACE.tenor_exponent, 0.3)

#: What the hedges are called where they are looked at together.
HEDGES = "hedges"

#: What the books protect, USD: results are shares of it.
_NOTIONAL = 1_000_000.0

#: A difference that is told as zero has no sign.
_ROUNDING = {SHARE: 0.0005, RATIO: 0.005}

#: By statistic: what is asked of its sign, and its unit.
_ASKED = {
    "drag": ("Whether a hedge costs growth", SHARE),
    "drawdown_reduction": ("Whether a hedge makes the deepest fall less deep", SHARE),
    "sharpe_gain": ("Whether a hedge raises the Sharpe ratio", RATIO),
}

_TITLES = {"drag": "drag a year", "drawdown_reduction": "drawdown reduction", "sharpe_gain": "Sharpe gain"}


@dataclass(frozen=True)
class _Doubt:
    """An assumption: its key, its name in a title and as an axis, its values, their ends in words, what hangs on it."""

    key: str
    title: str
    axis: str
    values: tuple[float, ...]
    assumed: float
    ends: str
    statistics: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(f"{each:g}, as assumed" if each == self.assumed else f"{each:g}" for each in self.values)


_COSTS = _Doubt(
    "hedge-cost",
    "what options cost",
    "times the half-spreads",
    COST_FACTORS,
    1.0,
    "Without half-spreads, and at twice those assumed",
    ("drag", "sharpe_gain"),
)
_SURFACE = _Doubt(
    "hedge-surface",
    "the option model",
    "tenor exponent of volatility",
    TENOR_EXPONENTS,
    SURFACE.tenor_exponent,
    f"At an exponent of {TENOR_EXPONENTS[0]:g}, and of {TENOR_EXPONENTS[-1]:g}",
    ("drag", "drawdown_reduction", "sharpe_gain"),
)

#: By value of an assumption and name of a rule set, the statistics.
_Found = Mapping[float, Mapping[str, Mapping[str, float | None]]]


def doubts(
    signals: VeqtorSignals, rule_sets: Sequence[RuleSet], costs: TradingCosts, first: int, last: int
) -> tuple[Sensitivity, ...]:
    """What each hedge is worth under each assumption, a map for each statistic: a row per hedge.

    Parameters
    ----------
    signals : VeqtorSignals
    rule_sets : sequence of RuleSet
        Hedges; one whose book never begins is left out.
    costs : TradingCosts
        What is assumed: the factors come on top of its own.
    first, last : int
        Rows of the tracks of the study.

    Returns
    -------
    tuple of Sensitivity
        None for a statistic that no hedge has over the range, as where it is less than a year.
    """
    at = {exponent: _folded(signals, rule_sets, exponent) for exponent in TENOR_EXPONENTS}
    by_surface = {exponent: _measured(signals, found, costs, first, last) for exponent, found in at.items()}
    as_assumed = at[SURFACE.tenor_exponent]
    by_cost = {
        factor: _measured(signals, as_assumed, replace(costs, vix_option=costs.vix_option * factor), first, last)
        for factor in COST_FACTORS
    }
    names = [history.rules.name for history in as_assumed]
    return (*_maps(_COSTS, names, by_cost), *_maps(_SURFACE, names, by_surface))


def _folded(signals: VeqtorSignals, rule_sets: Sequence[RuleSet], exponent: float) -> list[HedgeHistory]:
    surface = replace(SURFACE, tenor_exponent=exponent)
    found = hedges_of(signals, rule_sets, _NOTIONAL, surface=surface).histories
    return [history for history in found if len(history.books.books) > 1]


def _measured(
    signals: VeqtorSignals, histories: Sequence[HedgeHistory], costs: TradingCosts, first: int, last: int
) -> dict[str, dict[str, float | None]]:
    base, usable = signals.veqtor.base, signals.inputs.usable
    tracks = [hedge_track(each, signals.inputs.equity.change, base, costs) for each in histories]
    together = Tracks(
        signals.inputs.sessions[base:usable],
        signals.veqtor.accrual[base:usable],
        (unhedged_track(signals), *tracks),
    )
    return {
        each.rules.name: {
            key: measure.value
            for key, measure in measures(together, hedge_name(each), first, last, list(_ASKED)).items()
        }
        for each in histories
    }


def _maps(doubt: _Doubt, names: Sequence[str], found: _Found) -> Iterator[Sensitivity]:
    for key in doubt.statistics:
        grid = {name: tuple(found[value].get(name, {}).get(key) for value in doubt.values) for name in names}
        known = {name: values for name, values in grid.items() if any(value is not None for value in values)}
        if not known:
            continue
        yield Sensitivity(
            key=f"{doubt.key}-{key.replace('_', '-')}",
            title=f"Hedges: {_TITLES[key]} by {doubt.title}",
            track=HEDGES,
            statistic=key,
            row_name="hedge",
            column_name=doubt.axis,
            rows=tuple(known),
            columns=doubt.texts,
            values=tuple(known.values()),
            chosen=None,
            sentence=doubt_sentence(key, doubt.title, doubt.ends, known),
        )


def doubt_sentence(key: str, on: str, ends: str, grid: Mapping[str, Sequence[float | None]]) -> str:
    """Whether a sign depends on an assumption, and for whom; and the values at both of its ends.

    Parameters
    ----------
    key : str
        Of the statistic.
    on, ends : str
        The assumption, and its ends, in words.
    grid : mapping of name to values
        Of each hedge, from one end to the other; None where there is none.
    """
    asked, unit = _ASKED[key]
    turning = [name for name, values in grid.items() if _turns([v for v in values if v is not None], unit)]
    said = f"{asked} depends on {on} for {listed(turning)}." if turning else f"{asked} does not depend on {on}."
    told = [
        f"{name} {signed(values[0], unit)} and {signed(values[-1], unit)}"
        for name, values in grid.items()
        if values[0] is not None and values[-1] is not None
    ]
    return f"{said} {ends}: {'; '.join(told)}." if told else said


def _turns(values: Sequence[float], unit: str) -> bool:
    """Whether some values are above zero and some below, as they are told."""
    return max(values) > _ROUNDING[unit] and min(values) < -_ROUNDING[unit]
