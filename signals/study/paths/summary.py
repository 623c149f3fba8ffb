"""What simulated markets say together: quantiles, the error of having drawn so few, the fit, and sentences.

The standard error of a median is half the distance between the order statistics that lie half the root of the number of
markets below and above it, in proportion between two of them: the interval holds the true median with a probability of
68%, whatever the law (H. A. David and H. N. Nagaraja, *Order Statistics*, 3rd edition, section 7.1). It is the error of
the drawing alone. That the law may be wrong is another one, which the fit shows a part of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from signals.alvh.listings import LISTING_RULES
from signals.study.condor.market import CondorMarket
from signals.study.hedged import beside_equity
from signals.study.paths.chunks import MARKET, Chunk
from signals.study.paths.figures import ALONE, PAIRED
from signals.study.paths.moments import (
    HEDGE_MOMENTS,
    MOMENTS,
    hedge_moments,
    measured,
    measured_like,
    recorded_series,
)
from signals.study.result import FitRow, MonteCarlo, PathFigures
from signals.study.spec import StudySpec, TradingCosts
from signals.study.strategies import UNHEDGED
from signals.study.words import listed, percent
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats

#: Quantiles of `PathFigures`.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

#: Name of the condor programme among the strategies.
CONDOR = "condor"

#: The range of a moment over simulated markets.
FIT_RANGE = (0.05, 0.95)

#: By strategy and statistic, a value for each market.
_Values = dict[str, dict[str, Floats]]


#: Since when the recorded hedges could trade what the simulated ones trade throughout: weekly options on the VIX.
HEDGES_SINCE = LISTING_RULES.first_weekly


def recorded_fit(
    signals: VeqtorSignals,
    years: int | None = None,
    condor: CondorMarket | None = None,
    costs: TradingCosts | None = None,
) -> dict[str, float]:
    """Moments of the recorded market, by key.

    Over its whole history; extremes as the median over stretches of so many years, and what each hedge gained by
    itself, where they are given, since `HEDGES_SINCE`.
    """
    series = recorded_series(signals)
    found = measured(series) if years is None else measured_like(series, years * SESSIONS_PER_YEAR)
    if condor is None:
        return found
    since = int(np.searchsorted(condor.sessions, np.datetime64(HEDGES_SINCE)))
    for line in condor.hedges:
        own = hedge_moments(line, costs or TradingCosts(), since)
        found |= {_hedge_key(line.name, key): value for key, value in own.items() if value is not None}
    return found


def _hedge_key(rule_set: str, key: str) -> str:
    return f"{key} {rule_set}"


def fit_rows(
    recorded: Mapping[str, float], index_chunks: Sequence[Chunk], hedged_chunks: Sequence[Chunk] = ()
) -> tuple[FitRow, ...]:
    """Each moment, recorded and over the simulated markets; those of hedges last."""
    simulated = _joined(index_chunks).get(MARKET, {})
    found = [(each.label, each.unit, each.key, simulated.get(each.key)) for each in MOMENTS]
    for name, own in _joined(hedged_chunks).items():
        rule_set = name.removeprefix(beside_equity(""))
        found += [
            (f"{rule_set}: {label}", "share", _hedge_key(rule_set, key), own.get(key)) for key, label in HEDGE_MOMENTS
        ]
    rows = []
    for label, unit, key, values in found:
        if values is not None and key in recorded:
            low, median, high = np.quantile(values, [FIT_RANGE[0], 0.5, FIT_RANGE[1]]).tolist()
            rows.append(FitRow(label, unit, float(recorded[key]), median, low, high))
    return tuple(rows)


def monte_carlo(
    spec: StudySpec, index_chunks: Sequence[Chunk], hedged_chunks: Sequence[Chunk], recorded: Mapping[str, float]
) -> MonteCarlo:
    """Everything simulated markets say.

    Parameters
    ----------
    index_chunks, hedged_chunks : sequence of documents
        What `signals.study.paths.chunks` gave, in the order of the chunks; either may be empty.
    recorded : dict of str to float
        As of `recorded_fit`.
    """
    indices = {name: own for name, own in _joined(index_chunks).items() if name != MARKET}
    hedged = _joined(hedged_chunks)
    fit = fit_rows(recorded, index_chunks, hedged_chunks)
    return MonteCarlo(
        years=spec.path_years,
        indices=_figures(indices),
        hedged=_figures(hedged),
        fit=fit,
        sentences=tuple(_sentences(spec, indices, hedged, fit)),
    )


def _joined(chunks: Sequence[Chunk]) -> _Values:
    """Values of all markets; what one chunk does not have is left out."""
    if not chunks:
        return {}
    return {
        name: {
            key: np.concatenate([chunk[name][key] for chunk in chunks])
            for key in own
            if all(key in chunk.get(name, {}) for chunk in chunks)
        }
        for name, own in chunks[0].items()
    }


def _figures(values: _Values) -> tuple[PathFigures, ...]:
    return tuple(
        PathFigures(
            track=name,
            statistic=key,
            paths=len(own[key]),
            quantiles=tuple(np.quantile(own[key], QUANTILES).tolist()),
            mean=float(own[key].mean()),
            standard_error=median_error(own[key]),
            swept=tuple((float(np.median(values)), median_error(values)) for values in _swept(own, key)),
        )
        for name, own in values.items()
        for key in ALONE + PAIRED
        if key in own
    )


def _swept(own: Mapping[str, Floats], key: str) -> list[Floats]:
    """A statistic under other skews."""
    return [values for name, values in own.items() if name.startswith(f"{key}@")]


def median_error(values: Floats) -> float:
    """Standard error of the median of independent draws, from the spread of those around it."""
    ranked = np.sort(values)
    middle, away = 0.5 * (len(ranked) - 1), 0.5 * math.sqrt(len(ranked))
    low, high = np.interp([middle - away, middle + away], np.arange(len(ranked)), ranked).tolist()
    return 0.5 * float(high - low)


def _sentences(spec: StudySpec, indices: _Values, hedged: _Values, fit: Sequence[FitRow]) -> Iterator[str]:
    years = f"{spec.path_years} years" if spec.path_years > 1 else "one year"
    if "veqtor" in indices:
        yield _against(indices, "veqtor", UNHEDGED, years)
        if "veqtor-no-stop" in indices:
            yield _stop_loss(indices)
    for name in hedged:
        other = CONDOR if name.startswith(f"{CONDOR}+") else UNHEDGED
        if other in hedged and set(PAIRED) <= hedged[name].keys():
            yield _against(hedged, name, other, years)
    if fit:
        yield _fit(fit, years)


def _against(values: _Values, name: str, other: str, years: str) -> str:
    """What a strategy did to what it is measured against."""
    drag, reduction = values[name][PAIRED[0]], values[name][PAIRED[1]]
    count = len(drag)
    low, middle, high = np.quantile(drag, [0.05, 0.5, 0.95]).tolist()
    less = f"{abs(middle) * 100.0:.2f} points a year {'less' if middle < 0.0 else 'more'}"
    lower, median, upper = np.quantile(reduction, [0.05, 0.5, 0.95]).tolist()
    return (
        f"In {count:,} simulated markets of {years} {_label(name)} grew {less} than {_label(other)} in the median "
        f"(5% to 95% of them: {_points(low)} to {_points(high)}), and more in {_share(drag > 0.0)}; its deepest fall "
        f"was {_depth(median)} in the median ({percent(lower)} to {percent(upper)} less), and less deep in "
        f"{_share(reduction > 0.0)}.{_over_skews(values[name], median)}"
    )


def _over_skews(own: Mapping[str, Floats], documented: float) -> str:
    """What the medians of the condor programme are over all skews that were drawn."""
    drags, reductions = ([float(np.median(values)) for values in _swept(own, key)] for key in PAIRED[:2])
    if not drags or not reductions:
        return ""
    drags.append(float(np.median(own[PAIRED[0]])))
    reductions.append(documented)
    sides = {value > 0.0 for value in reductions}
    whether = " whether it is less deep depends on the skew." if len(sides) > 1 else ""
    return (
        f" That is under the documented skew: over all of them growth changes by {_points(min(drags))} to "
        f"{_points(max(drags))} points in the median, and the fall is {percent(min(reductions))} to "
        f"{percent(max(reductions))} less deep{':' if whether else '.'}{whether}"
    )


def _depth(reduction: float) -> str:
    return f"{percent(abs(reduction))} {'less deep' if reduction >= 0.0 else 'deeper'}"


def _points(share: float) -> str:
    return f"{share * 100.0:+.2f}"


def _share(flags: np.ndarray) -> str:
    """A share of the markets, with its standard error where it is not all or none."""
    share = float(np.mean(flags))
    error = math.sqrt(share * (1.0 - share) / len(flags))
    return f"{percent(share)} of them" + (f" (standard error {percent(error)})" if error > 0.0 else "")


def _stop_loss(values: _Values) -> str:
    own, without = values["veqtor"], values["veqtor-no-stop"]
    growth = own["growth"] - without["growth"]
    fall = own["max_drawdown"] - without["max_drawdown"]
    return (
        f"The stop-loss of VEQTOR changed its growth by {_points(float(np.median(growth)))} points a year in the "
        f"median, and raised it in {_share(growth > 0.0)}; it made the deepest fall less deep in {_share(fall > 0.0)}."
    )


def _fit(fit: Sequence[FitRow], years: str) -> str:
    outside = [row.label for row in fit if not row.low <= row.recorded <= row.high]
    found = f"; not {listed(outside)}" if outside else ""
    return (
        f"{len(fit) - len(outside)} of {len(fit)} recorded moments lie within what 90% of the simulated markets have"
        f"{found}. The recorded worst day, deepest fall and highest VIX are medians over all stretches of {years}, if "
        f"the history is longer; hedges are recorded since {HEDGES_SINCE}, from when weeklies are listed; all else is "
        "of the whole history."
    )


def _label(name: str) -> str:
    if name == UNHEDGED:
        return "the S&P 500"
    if name == "veqtor":
        return "VEQTOR"
    if name.startswith(f"{UNHEDGED}+"):
        return f"the S&P 500 with {name.partition('+')[2]}"
    if name.startswith(f"{CONDOR}+"):
        return f"the condor programme with {name.partition('+')[2]}"
    return "the condor programme" if name == CONDOR else name
