"""The index against the S&P 500, with the falls of both. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from reports.charts.chart import FIRST, LOGARITHMIC, SECOND, Band, Chart, Line, Mark, Panel, Place, Points, Shade
from reports.charts.windows import is_unbroken, known, note, points
from reports.numbers import beside
from signals.veqtor.report import SignalReport
from storage.figures import SessionFigures

_VEQTOR, _SP500 = "VEQTOR", "S&P 500"

#: The S&P 500 with dividends and without cannot move further apart in a session: then the levels begin anew there.
_ANOTHER_BASE = 0.02


def index_chart(report: SignalReport, history: Sequence[SessionFigures]) -> Chart | None:
    """What became of 100 invested at the first session that is stored, and what had to be endured."""
    rows = _on_one_base([row for row in history if known(row.veqtor_total_return) and known(row.sp500_total_return)])
    if len(rows) < 2 or rows[-1].session != report.session:
        return None
    start = rows[0].session
    levels = {
        _VEQTOR: points(rows, lambda row: row.veqtor_total_return, 100.0 / (rows[0].veqtor_total_return or 1.0)),
        _SP500: points(rows, lambda row: row.sp500_total_return, 100.0 / (rows[0].sp500_total_return or 1.0)),
    }
    falls = {name: _drawdowns(line) for name, line in levels.items()}
    worst = {name: min((value, place) for place, value in line if value is not None) for name, line in falls.items()}
    now = {name: float(line[-1][1] or 0.0) for name, line in levels.items()}
    fallen = {name: float(line[-1][1] or 0.0) for name, line in falls.items()}
    roles = {_VEQTOR: FIRST, _SP500: SECOND}
    live = next((row.session for row in rows if not row.back_test), None)
    tested = () if live == start or report.simulated else (Shade(start, live or report.session, "back-test"),)
    alt = (
        f"Total return of VEQTOR and the S&P 500 from {start} to {report.session}, both 100 at the start, on a "
        f"logarithmic scale, with the falls from the highest level so far beneath. "
        + " ".join(
            f"{name}: {now[name]:.1f}; largest fall {_fall(worst[name][0])} on {worst[name][1]}, "
            f"now {_fall(fallen[name])}."
            for name in levels
        )
        + (f" Sessions before {live} are a back-test." if tested and live else "")
        + ("" if is_unbroken(rows) else " Some sessions between them have no level.")
    )
    return Chart(
        name="index",
        section="veqtor",
        title=(
            f"100 became {now[_VEQTOR]:.1f} with VEQTOR and {now[_SP500]:.1f} with the S&P 500 since {start}; "
            f"largest falls {_fall(worst[_VEQTOR][0])} and {_fall(worst[_SP500][0])}"
        ),
        subtitle=f"Total return, {start} = 100, logarithmic; beneath, % below the highest level so far",
        alt=alt,
        note=note(report, "index levels bear no costs"),
        panels=(
            Panel(
                f"{start} = 100",
                lines=tuple(Line(f"{name} {now[name]:.1f}", line, roles[name]) for name, line in levels.items()),
                shades=tested,
                scale=LOGARITHMIC,
                share=1.4,
            ),
            Panel(
                "Below the highest level so far, %",
                lines=(Line(f"{_VEQTOR} {_fall(fallen[_VEQTOR])}", falls[_VEQTOR], FIRST),),
                bands=(Band(f"{_SP500} {_fall(fallen[_SP500])}", _below_zero(falls[_SP500]), SECOND),),
                shades=tuple(Shade(shade.start, shade.end) for shade in tested),
                marks=tuple(
                    Mark(place, value, f"{_fall(value)}, {place}") for value, place in worst.values() if value < 0.0
                ),
                suffix="%",
                high=0.0,
            ),
        ),
        simulated=report.simulated,
    )


def _on_one_base(rows: Sequence[SessionFigures]) -> Sequence[SessionFigures]:
    """The last rows whose levels have one beginning: a short history gives other levels than a long one.

    There the return of the S&P 500 with dividends, from its levels, leaves that of its closes.
    """
    ratios = list(map(_ratio, rows))
    for index in range(len(rows) - 1, 0, -1):
        first, second = ratios[index - 1], ratios[index]
        if first is None or second is None or abs(second / first - 1.0) < _ANOTHER_BASE / 2:
            continue
        years = (rows[index].session - rows[index - 1].session).days / 365.0
        if abs(math.log(second / first)) > _ANOTHER_BASE * (1.0 + 5.0 * years):
            return rows[index:]
    return rows


def _ratio(row: SessionFigures) -> float | None:
    """The S&P 500 with dividends over that without."""
    without = known(row.spx)
    return row.sp500_total_return / without if row.sp500_total_return and without else None


def _drawdowns(line: Points) -> Points:
    """Shares below the highest value so far, %."""
    highest = list(accumulate((value or 0.0 for _, value in line), max))
    return tuple(
        (place, None if value is None else (value / top - 1.0) * 100.0)
        for (place, value), top in zip(line, highest, strict=True)
    )


def _fall(value: float) -> str:
    return f"{beside(value, (0.0,), 1)}%"


def _below_zero(line: Points) -> tuple[tuple[Place, float, float], ...]:
    return tuple((place, value, 0.0) for place, value in line if value is not None)
