"""The curve of VX futures: today, the session before, a month ago, and in half a year. Standard library only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from reports.charts.chart import FIRST, SECOND, THIRD, Band, Chart, Line, Mark, Panel, Points
from reports.charts.windows import note
from signals.veqtor.report import SignalReport

#: Sessions of the band, today's included, and how long ago the curve of a month ago was.
BAND_SESSIONS = 126
MONTH_SESSIONS = 21


@dataclass(frozen=True)
class Settled:
    """A settlement in VIX points. `filled` are those of months that were not listed, as the index fills them."""

    slot: int
    contract: str
    days: int
    price: float
    filled: bool = False


@dataclass(frozen=True)
class Curve:
    """The settlements of a session by slot, ascending, holes left out."""

    session: dt.date
    settled: tuple[Settled, ...]


@dataclass(frozen=True)
class SlotRange:
    """The lowest and the highest settlement in a slot, and of how many sessions."""

    slot: int
    low: float
    high: float
    sessions: int


@dataclass(frozen=True)
class Curves:
    """Curves as the index uses them. A curve that is not known, or has nothing to show, is None.

    `ranges` are of the sessions from `ranges_since` on, today's included.
    """

    today: Curve
    before: Curve | None
    month_ago: Curve | None
    ranges: tuple[SlotRange, ...]
    ranges_since: dt.date


def curve_chart(report: SignalReport, curves: Curves | None, vix: float | None) -> Chart | None:
    """Whether waiting costs or pays: what VX futures settled at, by the days to their expiry.

    None with fewer than two settlements.
    """
    if curves is None or curves.today.session != report.session or len(curves.today.settled) < 2:
        return None
    today = curves.today.settled
    first, last = today[0], today[-1]
    lines = [
        Line(f"{name} {curve.session}", _points(curve), role, dots=True)
        for curve, name, role in (
            (curves.today, "today", FIRST),
            (curves.before, "before", SECOND),
            (curves.month_ago, "a month ago", THIRD),
        )
        if curve is not None and curve.settled
    ]
    days = {each.slot: float(each.days) for each in today}
    spread = [each for each in curves.ranges if each.slot in days and each.sessions > 1]
    sessions = max((each.sessions for each in spread), default=0)
    bands = _bands(spread, days, f"range since {curves.ranges_since}")
    filled = sum(each.filled for each in today)
    return Chart(
        name="curve",
        section="veqtor",
        title=_title(first, last, vix),
        subtitle="VX settlements, points, by days to expiry"
        + (f"; grey: range of each position in {sessions} sessions" if bands else ""),
        alt=_alt(report, curves, vix, spread),
        note=note(report, f"{filled} of the settlements are filled in for months not listed" if filled else ""),
        panels=(
            Panel(
                "VIX points",
                lines=tuple(reversed(lines)),
                bands=bands,
                marks=(Mark(0.0, vix, f"VIX {vix:.2f}"),) if vix is not None else (),
            ),
        ),
        x_title="Calendar days to expiry",
        simulated=report.simulated,
    )


def _bands(spread: list[SlotRange], days: dict[int, float], label: str) -> tuple[Band, ...]:
    """Areas over positions without a gap between them; the last has the label. One position alone makes none."""
    runs: list[list[SlotRange]] = []
    for each in spread:
        if runs and runs[-1][-1].slot == each.slot - 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    runs = [run for run in runs if len(run) > 1]
    return tuple(
        Band(label if run is runs[-1] else "", tuple((days[each.slot], each.low, each.high) for each in run))
        for run in runs
    )


def _points(curve: Curve) -> Points:
    """The settlements by days to expiry; a slot without one leaves a gap."""
    found: list[tuple[float, float | None]] = []
    for each, following in zip(curve.settled, (*curve.settled[1:], None), strict=True):
        found.append((float(each.days), each.price))
        if following is not None and following.slot > each.slot + 1:
            found.append(((each.days + following.days) / 2.0, None))
    return tuple(found)


def _price(points: float) -> str:
    """A settlement as it was published, with two digits at least, and at most four, as one that is filled in has."""
    whole, _, digits = f"{points:.4f}".partition(".")
    return f"{whole}.{digits.rstrip('0'):0<2}"


def _title(first: Settled, last: Settled, vix: float | None) -> str:
    low, high = _price(first.price), _price(last.price)
    verb = "rise" if last.price > first.price else "fall" if last.price < first.price else "go"
    curve = f"VX futures {verb} from {low} in {first.days} days to {high} in {last.days}"
    if vix is None or first.slot != 1:
        return curve
    if vix == first.price:
        return f"{curve}; the VIX stands at the first"
    gap, side = _price(abs(vix - first.price)), "above" if vix > first.price else "below"
    return f"{curve}; the VIX at {vix:.2f} is {gap} points {side} the first"


def _alt(report: SignalReport, curves: Curves, vix: float | None, spread: list[SlotRange]) -> str:
    def listed(curve: Curve) -> str:
        return ", ".join(f"{each.contract} {_price(each.price)} in {each.days} days" for each in curve.settled)

    parts = [f"Settlements of VX futures in VIX points on {report.session}: {listed(curves.today)}."]
    if vix is not None:
        parts.append(f"The VIX closed at {vix:.2f}.")
    parts += [
        f"{name}, {curve.session}: {listed(curve)}."
        for curve, name in ((curves.before, "The session before"), (curves.month_ago, "About a month ago"))
        if curve is not None and curve.settled
    ]
    if spread:
        ranges = ", ".join(f"{each.slot}: {_price(each.low)} to {_price(each.high)}" for each in spread)
        parts.append(f"Range by position of the contract since {curves.ranges_since}: {ranges}.")
    return " ".join(parts)
