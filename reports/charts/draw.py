"""Draws charts, with matplotlib, which nothing else in the product loads.

The same chart gives the same bytes on one version of matplotlib: sizes, colours and the typeface that matplotlib brings
are named here and in `canvas`. Charts are 960 pixels wide, for 480 on a page, so that a phone does not have to shrink
their words much.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from threading import Lock

from PIL import Image

from reports.charts.axes import Scale, number_of, place_limits, place_scale, place_ticks, value_scale, value_ticks
from reports.charts.canvas import GRID_INK, INK, MARGIN, QUIET, SMALL, TEXT, TITLE, WHITE, Box, Canvas
from reports.charts.chart import (
    BACKGROUND,
    CASH,
    EQUITY,
    FIRST,
    FOURTH,
    SECOND,
    THIRD,
    VOLATILITY,
    WHOLE,
    Chart,
    Grid,
    Line,
    Panel,
    Points,
)
from reports.charts.spans import draw_heat_map, draw_spans, heat_map_height, spans_height

WIDTH = 960.0

#: Of a chart, and of one with more than two panels.
HEIGHT, HIGH = 640.0, 900.0

#: Colour, width and dash of each role. The colours follow Okabe and Ito, darkened until they can be read as text on
#: white; the dashes tell the lines apart without them.
_LINES: dict[str, tuple[str, float, tuple[float, ...]]] = {
    FIRST: ("#0067a5", 2.0, ()),
    SECOND: ("#b34700", 1.7, (4.5, 1.6)),
    THIRD: ("#00734f", 1.7, (1.3, 1.3)),
    FOURTH: ("#8a3a75", 1.7, (6.0, 1.6, 1.3, 1.6)),
    WHOLE: (INK, 1.8, ()),
    BACKGROUND: ("#6e6e6e", 1.0, ()),
}

#: Colour and hatch of each role of a stack, apart in grey too.
_STACKS = {VOLATILITY: ("#b34700", ""), EQUITY: ("#c6d9ea", ""), CASH: (WHITE, "////")}
_STACK_TEXT = {VOLATILITY: "#b34700", EQUITY: "#2f5f8a", CASH: QUIET}

_BANDS = {BACKGROUND: ("#000000", 0.10), SECOND: ("#b34700", 0.35)}
_SHADE, _SHADE_OPACITY = "#000000", 0.12

#: Lines through more points than this are thin.
_MANY_POINTS = 600

_TICK_ROOM = 150.0

_PALETTE = 256

#: Typefaces are cached by matplotlib for the whole process.
_ONE_AT_A_TIME = Lock()


def png(chart: Chart) -> bytes:
    """A chart as a PNG. Callers in other threads wait for each other."""
    width, height = WIDTH, _height(chart)
    with _ONE_AT_A_TIME:
        canvas = Canvas(width, height)
        area = _frame(canvas, chart)
        if chart.grid is not None:
            _draw_grid(canvas, chart.grid, area)
        elif chart.spans:
            draw_spans(canvas, chart.spans, area, {role: style[0] for role, style in _LINES.items()})
        elif chart.heat_map is not None:
            draw_heat_map(canvas, chart.heat_map, area, _LINES[FIRST][0])
        else:
            _draw_panels(canvas, chart, area)
        if chart.simulated:
            canvas.watermark("SIMULATED")
        image = Image.frombytes("RGBA", (int(width), int(height)), canvas.pixels()).convert("RGB")
    body = io.BytesIO()
    image.quantize(_PALETTE, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(body, "PNG")
    return body.getvalue()


def _height(chart: Chart) -> float:
    """As high as others, or as its rows need."""
    if not chart.spans and chart.heat_map is None:
        return HIGH if len(chart.panels) > 2 else HEIGHT
    sheet = Canvas(WIDTH, HEIGHT)
    room = _frame(sheet, chart)
    found = chart.heat_map
    needed = spans_height(sheet, chart.spans, room.width) if found is None else heat_map_height(sheet, found)
    return float(int(needed + HEIGHT - room.height))


def _frame(canvas: Canvas, chart: Chart) -> Box:
    """Write what stands around a chart; returns the room that is left."""
    box = canvas.box
    room = box.width - 2.0 * MARGIN
    title = canvas.wrapped(chart.title, room, TITLE, bold=True)
    top = canvas.block(MARGIN, box.top - 20.0, title, TITLE, bold=True, colour=INK)
    subtitle = canvas.wrapped(chart.subtitle, room, TEXT)
    top = canvas.block(MARGIN, top - 2.0, subtitle, TEXT, bold=False, colour=QUIET)
    notes = canvas.wrapped(chart.note, room, SMALL)
    bottom = 12.0 + canvas.height(SMALL) * 1.28 * len(notes)
    canvas.block(MARGIN, bottom, notes, SMALL, bold=False, colour=QUIET)
    return Box(MARGIN, bottom + 14.0, box.right - MARGIN, top - 10.0)


def _draw_panels(canvas: Canvas, chart: Chart, area: Box) -> None:
    """Draw panels above each other, on one x axis."""
    titled = len(chart.panels) > 1
    line, gap = canvas.height(TEXT) * 1.4, 22.0
    foot = line * (2.0 if chart.x_title else 1.0)
    heads = line + 8.0 if titled else 8.0
    free = area.height - foot - len(chart.panels) * heads - (len(chart.panels) - 1) * gap
    whole = sum(panel.share for panel in chart.panels)
    top, boxes = area.top, []
    for panel in chart.panels:
        high = free * panel.share / whole
        boxes.append((top - heads - high, top - heads))
        top -= heads + high + gap
    scales = [value_scale(panel, *limits) for panel, limits in zip(chart.panels, boxes, strict=True)]
    ticks = [
        value_ticks(panel, scale, max(int((scale.end - scale.start) / 48.0), 2))
        for panel, scale in zip(chart.panels, scales, strict=True)
    ]
    left = area.left + max(canvas.width(label) for found in ticks for _, label in found) + 12.0
    ends = [text for panel in chart.panels for text in _end_texts(panel)]
    right = area.right - max((canvas.width(text, SMALL, bold=True) for text in ends), default=0.0) - 14.0
    across = place_scale(chart, left, right)
    for panel, scale, found in zip(chart.panels, scales, ticks, strict=True):
        if titled:
            canvas.text(area.left, scale.end + 17.0, panel.title, size=SMALL, colour=QUIET)
        for value, label in found:
            canvas.line([(left, scale(value)), (right, scale(value))], GRID_INK, 0.8, above=0.2)
            canvas.text(left - 10.0, scale(value), label, colour=QUIET, across="right", upwards="center_baseline")
        _draw_panel(canvas, panel, across, scale)
    _draw_x_axis(canvas, chart, across, scales[-1].start, area.bottom)


def _end_texts(panel: Panel) -> list[str]:
    return [*(each.label for each in panel.lines), *(each.label for each in panel.stacks + panel.bands)]


def _draw_x_axis(canvas: Canvas, chart: Chart, across: Scale, base: float, bottom: float) -> None:
    days = not chart.x_title
    most = int((across.end - across.start) / _TICK_ROOM) + 1
    canvas.line([(across.start, base), (across.end, base)], INK, 0.9, above=1.0)
    for place, label in place_ticks(*place_limits(chart.panels), most, days=days):
        pixel = across(place)
        canvas.line([(pixel, base), (pixel, base - 7.0)], INK, 0.9, above=1.0)
        half = canvas.width(label) / 2.0
        pixel = min(max(pixel, MARGIN + half), canvas.box.right - MARGIN - half)
        canvas.text(pixel, base - 14.0, label, colour=QUIET, across="center", upwards="top")
    if chart.x_title:
        middle = (across.start + across.end) / 2.0
        canvas.text(middle, bottom, chart.x_title, colour=QUIET, across="center", upwards="bottom")


def _draw_panel(canvas: Canvas, panel: Panel, across: Scale, scale: Scale) -> None:
    inside = Box(across.start, scale.start, across.end, scale.end)
    ends: list[tuple[float, str, str]] = []
    for shade in panel.shades:
        left, right = (min(max(across(number_of(each)), across.start), across.end) for each in (shade.start, shade.end))
        canvas.rectangle(Box(left, scale.start, right, scale.end), _SHADE, opacity=_SHADE_OPACITY)
    for band in panel.bands:
        upper = [(across(number_of(place)), scale(high)) for place, _, high in band.points]
        lower = [(across(number_of(place)), scale(low)) for place, low, _ in reversed(band.points)]
        colour, opacity = _BANDS[band.role]
        canvas.area([*upper, *lower], colour, opacity=opacity)
        if band.label:
            ends.append(((upper[-1][1] + lower[0][1]) / 2.0, band.label, _LINES[band.role][0]))
    ends += _draw_stacks(canvas, panel, across, scale)
    if panel.bars is not None:
        _draw_bars(canvas, panel.bars.points, across, scale)
    for level in panel.levels:
        pixel = scale(level.value)
        canvas.line([(across.start, pixel), (across.end, pixel)], INK, 1.1, (1.2, 1.8), above=1.5)
    for moment in panel.moments:
        pixel = across(number_of(moment.place))
        canvas.line([(pixel, scale.start), (pixel, scale.end)], QUIET, 1.1, (4.0, 2.0), above=1.4)
    for line in panel.lines:
        colour, width, dash = _LINES[line.role]
        if len(line.points) > _MANY_POINTS:
            width *= 0.6
        last: tuple[float, float] | None = None
        for run in _runs(line, across, scale):
            canvas.line(run, colour, width, dash, above=1.8 if line.role == BACKGROUND else 2.0, remembered=True)
            if line.dots or len(run) == 1:
                canvas.dots(run, colour, 5.5)
            last = run[-1]
        if last is not None:
            ends.append((last[1], line.label, colour))
    _label_ends(canvas, ends, across.end + 10.0, inside)
    for mark in panel.marks:
        _draw_mark(canvas, (across(number_of(mark.place)), scale(mark.value)), mark.label, inside)
    _label_inside(canvas, panel, across, scale, inside)


def _runs(line: Line, across: Scale, scale: Scale) -> Iterator[list[tuple[float, float]]]:
    """The pixels of a line, parted where a value is missing."""
    run: list[tuple[float, float]] = []
    for place, value in line.points:
        if value is None:
            if run:
                yield run
            run = []
            continue
        point = (across(number_of(place)), scale(value))
        if line.steps and run:
            run.append((point[0], run[-1][1]))
        run.append(point)
    if run:
        yield run


def _draw_stacks(canvas: Canvas, panel: Panel, across: Scale, scale: Scale) -> list[tuple[float, str, str]]:
    """Draw areas of steps on each other; returns the labels of those that are there at the end."""
    ends: list[tuple[float, str, str]] = []
    base: list[float] = []
    for stack in panel.stacks:
        colour, hatch = _STACKS[stack.role]
        base = base or [0.0] * len(stack.points)
        starts = [across(number_of(place)) for place, _ in stack.points]
        stops = [*starts[1:], across.end]
        tops = [below + (value or 0.0) for below, (_, value) in zip(base, stack.points, strict=True)]
        begun = 0
        for index in range(1, len(starts) + 1):
            if index < len(starts) and (tops[index], base[index]) == (tops[begun], base[begun]):
                continue
            if tops[begun] > base[begun]:
                box = Box(starts[begun], scale(base[begun]), stops[index - 1], scale(tops[begun]))
                canvas.rectangle(box, colour, hatch=hatch)
            begun = index
        # One that ends before is labelled at the height it had last; cash is what the shade is labelled for.
        there = [index for index, (below, above) in enumerate(zip(base, tops, strict=True)) if above > below]
        if there and (there[-1] == len(tops) - 1 or stack.role != CASH):
            middle = (scale(base[there[-1]]) + scale(tops[there[-1]])) / 2.0
            ends.append((middle, stack.label, _STACK_TEXT[stack.role]))
        base = tops
    return ends


def _draw_bars(canvas: Canvas, points: Points, across: Scale, scale: Scale) -> None:
    """Draw bars from zero: above it filled, below it light, so that grey shows which is which."""
    day = across(across.low + 1.0) - across.start
    starts = [across(number_of(place)) for place, _ in points]
    # A bar is as wide as its day, and over a weekend no wider than four.
    ends = [min(start + 4.0 * day, stop) for start, stop in zip(starts, [*starts[1:], across.end], strict=True)]
    zero = scale(0.0)
    for (_, value), left, right in zip(points, starts, ends, strict=True):
        if value:
            box = Box(left, min(zero, scale(value)), right - min(1.0, day / 4.0), max(zero, scale(value)))
            canvas.rectangle(box, _LINES[FIRST][0] if value > 0.0 else "#e09a66", above=1.2)
            canvas.keep_free(box)
    canvas.line([(across.start, zero), (across.end, zero)], INK, 0.8, above=1.4)


def _draw_mark(canvas: Canvas, at: tuple[float, float], label: str, inside: Box) -> None:
    canvas.dots([at], INK, 6.0, hollow=True)
    wide, high = canvas.width(label, SMALL), canvas.height(SMALL)
    sides = ((at[0] + 16.0, at[1] - high / 2.0), (at[0] - 16.0 - wide, at[1] - high / 2.0))
    below = [(at[0] - wide * share, at[1] + up) for share in (0.5, 0.0, 1.0) for up in (14.0, -14.0 - high)]
    far = [(at[0] + 16.0, at[1] + up) for up in (2.0 * high, -3.0 * high)]
    canvas.label(label, [*sides, *below, *far], inside)


def _label_inside(canvas: Canvas, panel: Panel, across: Scale, scale: Scale, inside: Box) -> None:
    """Write the labels of levels and of the first shade where the lines are not."""
    high = canvas.height(SMALL)
    for level in panel.levels:
        wide = canvas.width(level.label, SMALL)
        lefts = [across.start + 8.0 + (inside.width - wide - 16.0) * share for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
        beside = (scale(level.value) + 4.0, scale(level.value) - high - 4.0)
        others = [
            Box(inside.left, scale(other.value) - 1.0, inside.right, scale(other.value) + 1.0)
            for other in panel.levels
            if other is not level
        ]
        canvas.label(level.label, [(left, bottom) for bottom in beside for left in lefts], inside, foreign=others)
    for moment in panel.moments:
        wide, pixel = canvas.width(moment.label, SMALL), across(number_of(moment.place))
        tops = [scale.start + 6.0, scale.end - 6.0 - high]
        anchors = [(each, top) for top in tops for each in (pixel + 6.0, pixel - wide - 6.0)]
        canvas.label(moment.label, anchors, inside, colour=QUIET)
    for shade in panel.shades:
        if shade.label:
            wide = canvas.width(shade.label, SMALL)
            left, right = (across(number_of(each)) for each in (shade.start, shade.end))
            tops = [scale.end - 6.0 - high, scale.start + 6.0, scale.end - 14.0 - 2.0 * high]
            anchors = [(each, top) for top in tops for each in (left + 6.0, right + 6.0, left - wide - 6.0)]
            canvas.label(shade.label, anchors, inside, colour=QUIET)


def _label_ends(canvas: Canvas, ends: Sequence[tuple[float, str, str]], left: float, inside: Box) -> None:
    """Write labels at the ends of lines, moved apart as far as they have to be."""
    high = canvas.height(SMALL) * 1.25
    found = sorted(ends, key=lambda each: each[0])
    heights = [each[0] for each in found]
    for _ in range(60):
        moved = False
        for index in range(1, len(heights)):
            lacking = high - (heights[index] - heights[index - 1])
            if lacking > 0.01:
                heights[index - 1] -= lacking / 2.0
                heights[index] += lacking / 2.0
                moved = True
        heights = [min(max(pixel, inside.bottom + high / 2.0), inside.top) for pixel in heights]
        if not moved:
            break
    for pixel, (_, text, colour) in zip(heights, found, strict=True):
        canvas.text(left, pixel, text, size=SMALL, colour=colour, bold=True, upwards="center_baseline")


def _draw_grid(canvas: Canvas, grid: Grid, area: Box) -> None:
    """Draw a table, and the path of sessions through it, the older the fainter."""
    line = canvas.height(TEXT) * 1.45
    left = area.left + max(canvas.width(name) for name in (*grid.rows, grid.rows_title)) + 16.0
    top = area.top - 2.0 * line
    wide, high = (area.right - left) / len(grid.columns), (top - area.bottom) / len(grid.rows)
    canvas.text(area.left, top + 8.0, grid.rows_title, size=SMALL, colour=QUIET)
    canvas.text(
        (left + area.right) / 2.0, top + line + 4.0, grid.columns_title, size=SMALL, colour=QUIET, across="center"
    )

    def cell_box(row: int, column: int) -> Box:
        return Box(
            left + column * wide + 2.0,
            top - (row + 1) * high + 2.0,
            left + (column + 1) * wide - 2.0,
            top - row * high - 2.0,
        )

    for column, name in enumerate(grid.columns):
        canvas.text(left + (column + 0.5) * wide, top + 8.0, name, across="center")
    for row, name in enumerate(grid.rows):
        canvas.text(left - 14.0, top - (row + 0.5) * high, name, across="right", upwards="center_baseline")
        for column, cell in enumerate(grid.cells[row]):
            box = cell_box(row, column)
            canvas.rectangle(box, _LINES[FIRST][0], opacity=0.06 + 0.30 * cell.weight)
            canvas.text(box.left + 10.0, box.top - 8.0, cell.text, bold=True, upwards="top")
            if cell.visits:
                visits = str(cell.visits)
                canvas.text(box.right - 10.0, box.top - 8.0, visits, size=SMALL, across="right", upwards="top")
    here = grid.path[-1]
    now = cell_box(here.row, here.column)
    corners = [(now.left, now.bottom), (now.right, now.bottom), (now.right, now.top), (now.left, now.top)]
    canvas.line([*corners, corners[0], corners[1]], INK, 2.2, above=1.5)
    strip = canvas.height(TEXT) + 14.0
    points = []
    for stop in grid.path:
        box = cell_box(stop.row, stop.column)
        points.append(
            (
                box.left + 14.0 + stop.across * (box.width - 28.0),
                box.bottom + 12.0 + stop.up * (box.height - strip - 20.0),
            )
        )
    for index, point in enumerate(points[:-1]):
        opacity = 0.12 + 0.7 * ((index + 1) / len(points)) ** 1.5
        canvas.line([point, points[index + 1]], INK, 0.9, opacity=opacity)
        canvas.dots([point], INK, 4.0, opacity=opacity)
    canvas.dots([points[-1]], _LINES[SECOND][0], 9.0)
    wide_label, high_label = canvas.width(grid.here, SMALL, bold=True), canvas.height(SMALL)
    x, y = points[-1]
    anchors = [(x + 14.0, y - high_label / 2.0), (x - 14.0 - wide_label, y - high_label / 2.0)]
    anchors += [(x - wide_label / 2.0, y + 14.0), (x - wide_label / 2.0, y - 14.0 - high_label)]
    canvas.label(grid.here, anchors, now, colour=_LINES[SECOND][0], bold=True)
