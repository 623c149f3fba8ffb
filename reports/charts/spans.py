"""Draws rows of ranges, and maps of figures over two parameters, on a canvas that `draw` has framed."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts.axes import Scale, round_ticks, tick_labels
from reports.charts.canvas import GRID_INK, INK, QUIET, SMALL, TEXT, Box, Canvas
from reports.charts.chart import HeatMap, Span, Spans

#: Least pixels of a row of ranges, and those around its label; of what is around a title, and below the rows.
_ROW, _AROUND = 40.0, 14.0
_HEAD, _FOOT = 9.0, 42.0

#: Pixels of a row of a map.
_CELL = 46.0

#: No more of the width is for labels; longer ones are written in several lines.
_LABELS = 0.42
_LINE = 1.22

#: Share of the width that stays free beside the ranges.
_AIR = 0.05

_TICK_ROOM = 110.0
_CLAIMED, _CLAIMED_OPACITY = "#b34700", 0.16
_INNER, _CAP = 9.0, 7.0


def spans_height(canvas: Canvas, spans: Sequence[Spans], width: float) -> float:
    """How much room they need."""
    return sum(
        _head_height(canvas, each, width) + sum(_row_height(canvas, row, width) for row in each.rows) + _FOOT
        for each in spans
    )


def draw_spans(canvas: Canvas, spans: Sequence[Spans], area: Box, colours: dict[str, str]) -> None:
    """Draw ranges below each other, the axes of all beginning and ending at the same place."""
    rows = [row for each in spans for row in each.rows]
    labels = [canvas.width(line, SMALL) for row in rows for line in _label(canvas, row, area.width)]
    left = area.left + max(labels) + 18.0
    right = area.right - max(canvas.width(row.text, SMALL, bold=True) for row in rows) - 16.0
    top = area.top
    for each in spans:
        high = sum(_row_height(canvas, row, area.width) for row in each.rows)
        title = canvas.wrapped(each.title, area.width, SMALL)
        canvas.block(area.left, top, title, SMALL, bold=False, colour=QUIET)
        top -= _head_height(canvas, each, area.width)
        _draw_axis(canvas, each, Box(left, top - high, right, top), area, colours)
        top -= high + _FOOT


def _head_height(canvas: Canvas, spans: Spans, width: float) -> float:
    return len(canvas.wrapped(spans.title, width, SMALL)) * canvas.height(SMALL) * _LINE + _HEAD


def _label(canvas: Canvas, row: Span, width: float) -> list[str]:
    return canvas.wrapped(row.label, _LABELS * width, SMALL)


def _row_height(canvas: Canvas, row: Span, width: float) -> float:
    return max(_ROW, len(_label(canvas, row, width)) * canvas.height(SMALL) * _LINE + _AROUND)


def _draw_axis(canvas: Canvas, spans: Spans, inside: Box, area: Box, colours: dict[str, str]) -> None:
    across = _scale(spans, inside)
    most = max(int(inside.width / _TICK_ROOM), 2)
    for tick, label in tick_labels(round_ticks(across.low, across.high, most), spans.suffix):
        pixel = across(tick)
        canvas.line([(pixel, inside.bottom), (pixel, inside.top)], GRID_INK, 0.8, above=0.2)
        canvas.text(pixel, inside.bottom - 8.0, label, size=SMALL, colour=QUIET, across="center", upwards="top")
    if spans.claimed is not None:
        low, high = map(across, spans.claimed)
        canvas.rectangle(Box(low, inside.bottom, high, inside.top), _CLAIMED, opacity=_CLAIMED_OPACITY)
        for pixel in (low, high):
            canvas.line([(pixel, inside.bottom), (pixel, inside.top)], _CLAIMED, 0.9, (2.0, 1.6), above=0.6)
    if across.low < 0.0 < across.high:
        canvas.line([(across(0.0), inside.bottom), (across(0.0), inside.top)], INK, 0.9, above=0.7)
    top = inside.top
    for row in spans.rows:
        high = _row_height(canvas, row, area.width)
        middle, colour = top - high / 2.0, colours[row.role]
        lines, step = _label(canvas, row, area.width), canvas.height(SMALL) * _LINE
        for number, line in enumerate(lines):
            lower = middle + ((len(lines) - 1) / 2.0 - number) * step
            canvas.text(area.left, lower, line, size=SMALL, upwards="center_baseline")
        _draw_row(canvas, row, across, middle, colour)
        end = inside.right + 12.0
        canvas.text(end, middle, row.text, size=SMALL, colour=colour, bold=True, upwards="center_baseline")
        top -= high


def _draw_row(canvas: Canvas, row: Span, across: Scale, middle: float, colour: str) -> None:
    low, high = across(row.low), across(row.high)
    canvas.line([(low, middle), (high, middle)], colour, 1.8, above=1.5)
    for end in (low, high):
        canvas.line([(end, middle - _CAP), (end, middle + _CAP)], colour, 1.4, above=1.5)
    if row.inner is not None:
        first, last = map(across, row.inner)
        canvas.rectangle(Box(first, middle - _INNER, last, middle + _INNER), colour, opacity=0.45, above=1.6)
    canvas.dots([(across(row.value), middle)], colour, 7.0)


def _scale(spans: Spans, inside: Box) -> Scale:
    values = [value for row in spans.rows for value in (row.low, row.high, row.value)]
    values += [*(spans.claimed or ()), *([0.0] if spans.zero else [])]
    low, high = min(values), max(values)
    air = (high - low) * _AIR or max(abs(low) * _AIR, 0.5)
    return Scale(low - air, high + air, inside.left, inside.right)


def heat_map_height(canvas: Canvas, found: HeatMap) -> float:
    """How much room it needs."""
    return 3.0 * canvas.height(TEXT) * _LINE + _CELL * len(found.rows)


def draw_heat_map(canvas: Canvas, found: HeatMap, area: Box, colour: str) -> None:
    """Draw a map, the cell in use framed."""
    line = canvas.height(TEXT) * 1.45
    left = area.left + max(canvas.width(name) for name in (*found.rows, found.rows_title)) + 16.0
    top = area.top - 2.0 * line
    wide, high = (area.right - left) / len(found.columns), (top - area.bottom) / len(found.rows)
    canvas.text(area.left, top + 8.0, found.rows_title, size=SMALL, colour=QUIET)
    middle = (left + area.right) / 2.0
    canvas.text(middle, top + line + 4.0, found.columns_title, size=SMALL, colour=QUIET, across="center")
    for column, name in enumerate(found.columns):
        canvas.text(left + (column + 0.5) * wide, top + 8.0, name, across="center")
    values = [value for row in found.cells for _, value in row if value is not None]
    lowest, highest = min(values, default=0.0), max(values, default=1.0)
    for row, name in enumerate(found.rows):
        canvas.text(left - 14.0, top - (row + 0.5) * high, name, across="right", upwards="center_baseline")
        for column, (text, value) in enumerate(found.cells[row]):
            right, lower = left + (column + 1) * wide, top - (row + 1) * high
            box = Box(left + column * wide + 2.0, lower + 2.0, right - 2.0, lower + high - 2.0)
            weight = (value - lowest) / (highest - lowest) if value is not None and highest > lowest else 0.0
            if value is not None:
                canvas.rectangle(box, colour, opacity=0.06 + 0.44 * weight)
            x, y = (box.left + box.right) / 2.0, (box.bottom + box.top) / 2.0
            canvas.text(x, y, text, bold=found.chosen == (row, column), across="center", upwards="center_baseline")
            if found.chosen == (row, column):
                corners = [(box.left, box.bottom), (box.right, box.bottom), (box.right, box.top), (box.left, box.top)]
                canvas.line([*corners, corners[0], corners[1]], INK, 2.2, above=1.5)
