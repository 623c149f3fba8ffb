"""A study whose numbers follow from formulas: they mean nothing, and have the size of real ones."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from itertools import accumulate

from signals.document import encode
from signals.study.result import (
    BACK_TEST,
    CALM,
    CANNOT_TELL,
    CRISIS,
    DEPENDS,
    FAILS,
    HOLDS,
    LIVE,
    SIMULATED,
    STUDY_VERSION,
    WHOLE,
    Claim,
    Condor,
    CondorCase,
    DeflatedSharpe,
    Estimate,
    Failure,
    Figures,
    Finding,
    FitRow,
    Intervals,
    Levels,
    Measure,
    MonteCarlo,
    PathFigures,
    Period,
    Sensitivity,
    Statistic,
    StudyResult,
    TrackInfo,
)
from signals.study.spec import StudySpec

FIRST, LAST = dt.date(2006, 3, 31), dt.date(2026, 7, 29)
LIVE_FROM = dt.date(2009, 11, 18)
SKEWS = (0.7, 0.85, 1.0, 1.15, 1.3)

STATISTICS = (
    Statistic("total_return", "total return", "share", "Of the whole stretch."),
    Statistic("growth", "growth a year", "share", "Compound, after costs."),
    Statistic("volatility", "volatility", "share", "Of daily returns, a year."),
    Statistic("sharpe", "Sharpe ratio", "ratio", "Mean return above cash over its standard deviation, a year."),
    Statistic("sortino", "Sortino ratio", "ratio", "The same over the deviation of losses alone."),
    Statistic("max_drawdown", "deepest fall", "share", "From a high before it."),
    Statistic("drawdown_days", "longest time below a high", "days", "Calendar days."),
    Statistic("worst_day", "worst day", "share", "The lowest return of a session."),
    Statistic("worst_week", "worst week", "share", "Of five sessions."),
    Statistic("worst_month", "worst month", "share", "Of 21 sessions."),
    Statistic("turnover", "turnover", "ratio", "Traded one way, times the value, a year."),
    Statistic("cost", "trading costs", "share", "A year."),
    Statistic("drag", "drag", "share", "Growth a year less that of the unhedged."),
    Statistic("drawdown_reduction", "drawdown reduction", "share", "By which share the deepest fall was less deep."),
    Statistic("sharpe_gain", "Sharpe gain", "ratio", "Sharpe ratio less that of the unhedged."),
    Statistic("irr", "IRR of the hedge", "share", "Of its cash flows, where they change sign once."),
    Statistic("break_even_years", "break-even", "years", "A crash like the worst pays for the hedge once in so many."),
)

#: Name, label, against, beta to the market, yearly drift.
_TRACKS = (
    ("sp500", "S&P 500 TR", None, 1.0, 0.0),
    ("veqtor", "VEQTOR", "sp500", 0.35, 0.045),
    ("veqtor-no-stop", "VEQTOR without stop-loss", "sp500", 0.45, 0.03),
    ("fixed-5", "95% S&P 500 TR, 5% VIX futures", "sp500", 0.75, -0.002),
    ("sp500+alvh-seed", "S&P 500 TR + alvh-seed", "sp500", 0.8, -0.003),
    ("sp500+alvh-442", "S&P 500 TR + alvh-442", "sp500", 0.6, -0.012),
    ("vxth", "VXTH", "sp500", 0.85, -0.011),
    ("condor", "Iron condor", None, 0.4, -0.01),
    ("condor+alvh-seed", "Iron condor + alvh-seed", "condor", 0.3, -0.015),
)

_CRISES = (
    ("crisis-2008", "2008", dt.date(2008, 8, 29), dt.date(2009, 3, 9), -0.55),
    ("crisis-2011", "2011", dt.date(2011, 7, 22), dt.date(2011, 10, 3), -0.19),
    ("crisis-2020", "Q1 2020", dt.date(2020, 2, 19), dt.date(2020, 3, 23), -0.34),
    ("crisis-2022", "2022", dt.date(2021, 12, 31), dt.date(2022, 12, 30), -0.18),
    ("crisis-2025-04", "Apr 2025", dt.date(2025, 4, 2), dt.date(2025, 4, 8), -0.12),
)

#: Days from a session to the next, and in a year.
_STEP, _YEAR = 28, 365.25
SESSIONS = tuple(FIRST + dt.timedelta(days=_STEP * number) for number in range((LAST - FIRST).days // _STEP + 1))


def _market(day: dt.date) -> float:
    """The return of the market into a session."""
    for _, _, first, last, fall in _CRISES:
        if first < day <= last + dt.timedelta(days=_STEP):
            return math.exp(math.log(1.0 + fall) / ((last - first).days // _STEP + 1)) - 1.0
    return 0.015 + 0.02 * math.sin(day.toordinal() * 1.7)


def _levels(beta: float, drift: float) -> tuple[float, ...]:
    returns = [0.0, *(beta * _market(day) + drift * _STEP / _YEAR for day in SESSIONS[1:])]
    return tuple(accumulate((1.0 + each for each in returns), lambda total, each: total * each))


def _values(number: int, against: str | None, beta: float, drift: float, *, whole: bool) -> dict[str, Measure]:
    growth, fall = 0.098 * beta + drift + 0.01, -0.55 * beta
    hedged = against is not None
    none = Measure(None, "there is nothing to compare it with")
    values = {
        "total_return": Measure((1.0 + growth) ** 20 - 1.0),
        "growth": Measure(growth),
        "volatility": Measure(0.19 * beta),
        "sharpe": Measure((growth - 0.016) / (0.19 * beta)),
        "sortino": Measure((growth - 0.016) / (0.14 * beta)),
        "max_drawdown": Measure(fall),
        "drawdown_days": Measure(1_975.0 - 200.0 * number),
        "worst_day": Measure(-0.12 * beta),
        "worst_week": Measure(-0.2 * beta),
        "worst_month": Measure(-0.3 * beta),
        "turnover": Measure(1.5 * number),
        "cost": Measure(0.001 * number),
        "drag": Measure(growth - 0.108) if hedged else none,
        "drawdown_reduction": Measure(1.0 - beta) if hedged else none,
        "sharpe_gain": Measure((growth - 0.016) / (0.19 * beta) - 0.484) if hedged else none,
        "irr": Measure(None, "undefined: the cash flows change sign 14 times") if hedged else none,
        "break_even_years": Measure(4.0 + number) if hedged else none,
    }
    if not whole:
        values["growth"] = Measure(None, "the stretch is shorter than a year")
    return values


def _estimates(values: dict[str, Measure]) -> dict[str, Estimate]:
    width = {"growth": 0.05, "drag": 0.02, "max_drawdown": 0.12, "drawdown_reduction": 0.15}
    return {
        key: Estimate(None, why=values[key].why)
        if (value := values[key].value) is None
        else Estimate(value, value - width.get(key, 0.3), value + width.get(key, 0.3))
        for key in ("growth", "sharpe", "max_drawdown", "drag", "drawdown_reduction", "sharpe_gain")
    }


def _claims() -> tuple[Claim, ...]:
    return (
        Claim(
            "drag", "A hedge costs 1 to 2% a year", 0.01, 0.02,
            (
                Finding("S&P 500 + alvh-seed, over everything", "share", Estimate(0.022, 0.004, 0.041), CANNOT_TELL,
                        reading="over everything"),
                Finding("S&P 500 + alvh-seed, outside crashes", "share", Estimate(0.051, 0.025, 0.078), FAILS,
                        reading="outside crashes"),
                Finding("VXTH, for comparison", "share", Estimate(0.026, 0.009, 0.043), CANNOT_TELL, counts=False),
            ),
            DEPENDS,
            "Recorded: over everything: cannot tell, 2.2% (0.4% to 4.1%); outside crashes: does not hold, 5.1% (2.5% "
            "to 7.8%).",
        ),
        Claim(
            "reduction", "It makes drawdowns 35 to 40% less deep", 0.35, 0.4,
            (
                Finding("S&P 500 + alvh-seed", "share", Estimate(0.2, 0.05, 0.35), FAILS),
                Finding("+ alvh-seed, in the model", "share", Estimate(0.4, 0.25, 0.55), CANNOT_TELL, SIMULATED),
            ),
            FAILS, "Recorded: does not hold, 20.0% (5.0% to 35.0%). In the market model: cannot tell.",
        ),
        Claim(
            "condor", "A condor book falls 13 to 14% in place of 22%", 0.13, 0.14,
            (Finding("beside alvh-seed", "share", Estimate(0.16, 0.11, 0.24), CANNOT_TELL),),
            CANNOT_TELL, "It depends on the skew, which is not recorded.",
        ),
        Claim(
            "correlation", "S&P 500 and VIX correlate at about -73%", -0.78, -0.68,
            (Finding("daily changes", "ratio", Estimate(-0.722, -0.751, -0.689), HOLDS),),
            HOLDS, "Measured at -0.72 (-0.75 to -0.69).",
        ),
    )  # fmt: skip


def _condor() -> Condor:
    cases = []
    for hedge in ("", "alvh-seed", "alvh-442"):
        for skew in SKEWS:
            relief = {"": 0.0, "alvh-seed": 0.05, "alvh-442": 0.09}[hedge]
            values = {
                "growth": Measure(0.05 - 0.06 * (skew - 1.0) - relief / 4.0),
                "max_drawdown": Measure(-0.24 * skew + relief),
                "income": Measure(0.11 - 0.05 * (skew - 1.0)),
                "trades": Measure(203.0),
                "win_rate": Measure(0.81),
                "break_even_win_rate": Measure(0.78),
                "average_win": Measure(0.006),
                "average_loss": Measure(-0.021),
                "break_even_down": Measure(-0.081 - relief / 10.0),
                "break_even_up": Measure(0.056),
                "irr": Measure(None, "undefined: the cash flows change sign 9 times"),
            }
            if hedge:
                values["drawdown_reduction"] = Measure(relief / (0.24 * skew))
                values["drag"] = Measure(-relief / 4.0)
            cases.append(CondorCase(hedge, skew, values))
    return Condor(
        "45 days, 16-delta shorts, 5-delta wings; closed at half of the credit, or 21 days before expiry.",
        tuple(cases),
        ("With the skew as documented it fell 24%, beside alvh-seed 19%.",),
    )


def _monte_carlo() -> MonteCarlo:
    def figures(track: str, statistic: str, paths: int, middle: float, width: float) -> PathFigures:
        quantiles = tuple(middle + width * step for step in (-2.0, -0.7, 0.0, 0.7, 2.0))
        return PathFigures(track, statistic, paths, quantiles, middle, width / math.sqrt(paths))

    return MonteCarlo(
        years=10,
        indices=tuple(
            figures(name, statistic, 2_000, middle, width)
            for statistic, middle, width in (("growth", 0.07, 0.03), ("max_drawdown", -0.33, 0.07))
            for name, middle in (("sp500", middle), ("veqtor", middle * 0.6))
        ),
        hedged=tuple(
            figures(name, statistic, 60, middle, width)
            for statistic, middle, width in (("drag", -0.02, 0.01), ("sharpe_gain", 0.05, 0.12))
            for name, middle in (("sp500+alvh-seed", middle), ("sp500+alvh-442", middle * 2.0))
        ),
        fit=(
            FitRow("volatility of the S&P 500", "share", 0.191, 0.187, 0.142, 0.251),
            FitRow("mean VIX", "points", 19.4, 19.1, 16.2, 24.9),
            FitRow("correlation of S&P 500 and VIX", "ratio", -0.72, -0.75, -0.79, -0.7),
        ),
        sentences=("In half of the markets VEQTOR gained less than equity by 2.8% a year or more.",),
    )


def made_study(*, simulated: bool = False, failing: bool = False) -> StudyResult:
    """A study of nine strategies with every part there is."""
    first = {
        name: _values(number, against, beta, drift, whole=True)
        for number, (name, _, against, beta, drift) in enumerate(_TRACKS)
    }
    periods = (
        Period("whole", "whole range", WHOLE, FIRST, LAST),
        *(Period(key, label, CRISIS, start, end) for key, label, start, end, _ in _CRISES),
        Period("calm-2017", "2017", CALM, dt.date(2016, 12, 30), dt.date(2017, 12, 29)),
        Period("back-test", "before the index was live", BACK_TEST, FIRST, LIVE_FROM),
        Period("live", "since the index is live", LIVE, LIVE_FROM, LAST),
    )
    figures = [Figures(name, "whole", first[name]) for name in first]
    for period in periods[1:]:
        for number, (name, _, against, beta, drift) in enumerate(_TRACKS):
            crisis = next((fall for key, *_, fall in _CRISES if key == period.key), None)
            values = _values(number, against, beta, drift, whole=crisis is None)
            if crisis is not None:
                values["total_return"] = Measure(crisis * beta)
            figures.append(Figures(name, period.key, values))
    spec = StudySpec(FIRST, LAST, (("alvh-seed", "ab" * 32), ("alvh-442", "cd" * 32)))
    levels = {name: _levels(beta, drift) for name, _, _, beta, drift in _TRACKS}
    late: tuple[float | None, ...] = (None,) * 20 + tuple(each / levels["vxth"][20] for each in levels["vxth"][20:])
    found = StudyResult(
        version=STUDY_VERSION,
        spec=encode(spec),
        data={"source": "files", "digest": "0123456789abcdef" * 4, "sessions": "5115", "last session": str(LAST)},
        simulated=simulated,
        first=FIRST,
        last=LAST,
        answer=(
            "Is such a hedge worth its cost? Not on this evidence. Equity with alvh-seed grew 2.2% a year less (0.4 to "
            "4.1) for a deepest fall that was 20% less deep (5 to 35). VEQTOR grew 1.8% less (-0.2 to 3.8), 65% less "
            "deep (50 to 80).",
            "In falls of the S&P 500 by 15% or more it added 5% and cost 3% a year otherwise.",
        ),
        statistics=STATISTICS,
        periods=periods,
        tracks=tuple(
            TrackInfo(name, label, against, SESSIONS[20] if name == "vxth" else FIRST, note)
            for name, label, against, _, _ in _TRACKS
            for note in ["Its options are priced by a model where no quote is stored." if "alvh" in name else ""]
        ),
        figures=tuple(figures),
        intervals=tuple(Intervals(name, _estimates(first[name])) for name in first),
        deflated=(
            DeflatedSharpe(
                "Is the best VEQTOR variant better than luck?",
                "VEQTOR",
                0.66,
                0.31,
                12,
                0.93,
                "With 12 tried, 0.31 would be the best of as many without skill.",
            ),
        ),
        sensitivity=(
            Sensitivity(
                "stop",
                "VEQTOR: where the stop-loss is, and how late it acts",
                "veqtor",
                "sharpe",
                "stop-loss",
                "sessions late",
                ("-1%", "-2%", "-3%", "none"),
                ("0", "1", "2", "3"),
                tuple(
                    tuple(
                        None if (row, column) == (3, 3) else 0.7 - 0.08 * column - 0.04 * abs(row - 1)
                        for column in range(4)
                    )
                    for row in range(4)
                ),
                (1, 1),
                "Between 0.38 and 0.70; what is in use is not the best of the map.",
            ),
        ),
        condor=_condor(),
        monte_carlo=_monte_carlo(),
        claims=_claims(),
        failures=(),
        levels=Levels(SESSIONS, {**levels, "vxth": late}),
        notes=("Dividends of SPY stand in for those of the index.",),
    )
    if failing:
        found = replace(
            found,
            tracks=tuple(each for each in found.tracks if each.name != "vxth"),
            condor=None,
            monte_carlo=None,
            failures=(Failure("vxth", "no quote before 2006-08-18"), Failure("condor", "no VIX3M on 2007-12-04")),
        )
    return found
