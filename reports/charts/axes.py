"""Figures along axes: limits, ticks and their labels. Standard library only."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports.charts.chart import LOGARITHMIC, Chart, Panel, Place
from reports.charts.windows import month_name

#: Share of the height that stays free above and below what is shown.
_AIR = 0.06


def number_of(place: Place) -> float:
    """A place as a number: days count from the first day of the calendar."""
    return float(place.toordinal()) if isinstance(place, dt.date) else float(place)


@dataclass(frozen=True)
class Scale:
    """A stretch of values and the pixels it is drawn on."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def value_scale(panel: Panel, start: float, end: float) -> Scale:
    """The y axis of a panel: everything it shows, and its levels, with some air."""
    values = list(_values(panel))
    low, high = min(values, default=0.0), max(values, default=1.0)
    logarithmic = panel.scale == LOGARITHMIC
    if low == high:
        air = max(abs(low) * _AIR, 0.0 if logarithmic else 0.5) or 0.5
        low, high = low - air, high + air
    elif logarithmic:
        air = math.exp(math.log(high / low) * _AIR)
        low, high = low / air, high * air
    else:
        air = (high - low) * _AIR
        low, high = low - air, high + air
    if panel.low is not None:
        low = panel.low
    if panel.high is not None:
        high = panel.high
    return Scale(low, high, start, end, logarithmic)


def _values(panel: Panel) -> Iterable[float]:
    for line in panel.lines:
        yield from (value for _, value in line.points if value is not None)
    for band in panel.bands:
        for _, low, high in band.points:
            yield from (low, high)
    yield from (level.value for level in panel.levels)
    yield from (mark.value for mark in panel.marks)
    if panel.bars is not None:
        yield from (value for _, value in panel.bars.points if value is not None)


def place_limits(panels: Iterable[Panel]) -> tuple[float, float]:
    """The first and the last place that is drawn."""
    places: list[float] = []
    for panel in panels:
        points = [each.points for each in panel.lines] + [each.points for each in panel.stacks]
        points += [panel.bars.points] if panel.bars is not None else []
        places += [number_of(place) for found in points for place, _ in found]
        places += [number_of(place) for band in panel.bands for place, _, _ in band.points]
        places += [number_of(mark.place) for mark in panel.marks]
    return min(places), max(places)


def place_scale(chart: Chart, start: float, end: float) -> Scale:
    """The x axis: with a day after the last one where something lasts until the next, and with air where it counts."""
    low, high = place_limits(chart.panels)
    if chart.x_title:
        air = (high - low) * _AIR / 2.0
        low, high = low - air, high + air
    elif any(panel.stacks or panel.bars for panel in chart.panels):
        high += 1.0
    return Scale(low, high, start, end) if low < high else Scale(low - 0.5, high + 0.5, start, end)


def value_ticks(panel: Panel, scale: Scale, most: int) -> list[tuple[float, str]]:
    """Values of the y axis that are written, with their labels."""
    ticks: Sequence[float] = panel.ticks
    if not ticks and scale.logarithmic:
        ticks = _log_ticks(scale.low, scale.high)
    if not ticks or len(ticks) < 2:
        ticks = round_ticks(scale.low, scale.high, most)
    return [each for each in tick_labels(ticks, panel.suffix) if scale.low <= each[0] <= scale.high]


def tick_labels(ticks: Sequence[float], suffix: str) -> list[tuple[float, str]]:
    """Values with their labels, all to as many digits as one of them needs."""
    digits = next((count for count in range(8) if all(_is_round(tick, count) for tick in ticks)), 8)
    return [(tick, f"{tick + 0.0:,.{digits}f}{suffix}") for tick in ticks]


def _is_round(value: float, digits: int) -> bool:
    return math.isclose(round(value, digits), value, rel_tol=1e-9, abs_tol=1e-12)


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in (1.0, 2.0, 5.0)]
    return [tick for tick in ticks if low <= tick <= high]


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers between two, evenly apart."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0):
        step = factor * power
        first = math.ceil(low / step - 1e-9)
        last = math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [count * step for count in range(first, last + 1)]


def place_ticks(low: float, high: float, most: int, *, days: bool) -> list[tuple[float, str]]:
    """Places that are written below the x axis, at most so many, with their labels: days, or numbers."""
    if not days:
        return [(tick, f"{tick:g}") for tick in round_ticks(low, high, most)]
    first, last = dt.date.fromordinal(math.ceil(low)), dt.date.fromordinal(math.floor(high))
    for months in (1, 2, 3, 6, 12, 24, 60, 120):
        starts = [day for day in _month_starts(first, last) if (day.year * 12 + day.month - 1) % months == 0]
        if len(starts) <= most:
            break
    if months == 1 and len(starts) < 3:
        return _day_ticks(first, last, most)
    if months >= 12:
        return [(float(day.toordinal()), str(day.year)) for day in starts]
    return [
        (float(day.toordinal()), f"{month_name(day)} {day.year}" if not index or day.month == 1 else month_name(day))
        for index, day in enumerate(starts)
    ]


def _month_starts(first: dt.date, last: dt.date) -> Iterable[dt.date]:
    month = first.year * 12 + first.month - 1
    while (day := dt.date(month // 12, month % 12 + 1, 1)) <= last:
        if day >= first:
            yield day
        month += 1


def _day_ticks(first: dt.date, last: dt.date, most: int) -> list[tuple[float, str]]:
    """Weekdays at equal distances, back from the last day."""
    span = (last - first).days
    step = next(days for days in (1, 2, 7, 14, 28) if span // days < most or days == 28)
    found = [last - dt.timedelta(days=back) for back in range(0, span + 1, step)]
    return [
        (float(day.toordinal()), f"{day.day} {month_name(day)}{f' {day.year}' if day is found[-1] else ''}")
        for day in reversed(found)
        if step >= 7 or day.weekday() < 5
    ]
