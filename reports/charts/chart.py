"""What a chart is: frozen data that say everything a drawing shows. Standard library only.

Places along the x axis are days, or numbers of days; values are in the unit their panel names, None where there is no
value, which leaves a gap. Elements are styled by role, so that a drawing decides once what a role looks like: in
colour, in grey, and to the colour-blind.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

Place = dt.date | float
Points = tuple[tuple[Place, float | None], ...]

#: Roles of lines, each with a colour and a dash of its own; then the whole of which others are parts, and what others
#: are seen against.
FIRST, SECOND, THIRD, FOURTH = "first", "second", "third", "fourth"
WHOLE, BACKGROUND = "whole", "background"
LINE_ROLES = (FIRST, SECOND, THIRD, FOURTH)

#: Roles of areas that are stacked.
EQUITY, VOLATILITY, CASH = "equity", "volatility", "cash"

LINEAR, LOGARITHMIC = "linear", "logarithmic"


@dataclass(frozen=True)
class Line:
    """A line with a label at its end; with `steps` a value stays until the next, with `dots` each is marked."""

    label: str
    points: Points
    role: str = FIRST
    steps: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Level:
    """A horizontal line at a limit, with a label."""

    value: float
    label: str


@dataclass(frozen=True)
class Shade:
    """A stretch of the x axis, up to but without `end`; only the label of the first is written, if it has one."""

    start: Place
    end: Place
    label: str = ""


@dataclass(frozen=True)
class Band:
    """An area between a lower and an upper value at each place, with a label; where it is a line's, in its role."""

    label: str
    points: tuple[tuple[Place, float, float], ...]
    role: str = BACKGROUND


@dataclass(frozen=True)
class Stack:
    """An area of steps that stands on the stacks before it."""

    label: str
    points: Points
    role: str


@dataclass(frozen=True)
class Bars:
    """Bars from zero, one at each place."""

    points: Points


@dataclass(frozen=True)
class Mark:
    """A point with a label beside it."""

    place: Place
    value: float
    label: str


@dataclass(frozen=True)
class Moment:
    """A place on the x axis where something begins, with a label."""

    place: Place
    label: str


@dataclass(frozen=True)
class Panel:
    """One pair of axes. Panels of a chart stand above each other and share the x axis.

    Attributes
    ----------
    title : str
        What the y axis shows, and in which unit.
    suffix : str
        Written behind the figures of the y axis, such as ``%``.
    share : float
        Its height in relation to the other panels.
    low, high : float, optional
        Limits of the y axis; by default they follow from what is shown.
    ticks : tuple of float
        Figures of the y axis; by default they follow from the limits.
    """

    title: str
    lines: tuple[Line, ...] = ()
    levels: tuple[Level, ...] = ()
    shades: tuple[Shade, ...] = ()
    bands: tuple[Band, ...] = ()
    stacks: tuple[Stack, ...] = ()
    bars: Bars | None = None
    marks: tuple[Mark, ...] = ()
    moments: tuple[Moment, ...] = ()
    suffix: str = ""
    scale: str = LINEAR
    share: float = 1.0
    low: float | None = None
    high: float | None = None
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, how dark it is from 0 to 1, and how many of the sessions were in it."""

    text: str
    weight: float
    visits: int


@dataclass(frozen=True)
class Stop:
    """One session of a path through a table: its cell, and where in it, from 0 to 1 across and upwards."""

    session: dt.date
    row: int
    column: int
    across: float
    up: float


@dataclass(frozen=True)
class Grid:
    """A table of cells and a path through it.

    Attributes
    ----------
    rows, columns : tuple of str
        Names, from the top and from the left.
    rows_title, columns_title : str
    cells : tuple of rows of Cell
    path : tuple of Stop
        Ascending; the last is where it stands now.
    here : str
        Label of that cell.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    rows_title: str
    columns_title: str
    cells: tuple[tuple[Cell, ...], ...]
    path: tuple[Stop, ...]
    here: str


@dataclass(frozen=True)
class Span:
    """A row of a figure with the range around it, and perhaps a narrower range within; `text` is written behind it."""

    label: str
    value: float
    low: float
    high: float
    text: str
    inner: tuple[float, float] | None = None
    role: str = FIRST


@dataclass(frozen=True)
class Spans:
    """Rows of ranges on one x axis.

    Attributes
    ----------
    title : str
        What the x axis shows, and in which unit.
    rows : tuple of Span
        From the top.
    suffix : str
        Written behind the figures of the x axis.
    claimed : tuple of float, optional
        A range the rows are held against, shaded.
    zero : bool
        Whether the axis has to show zero, with a line.
    """

    title: str
    rows: tuple[Span, ...]
    suffix: str = ""
    claimed: tuple[float, float] | None = None
    zero: bool = False


@dataclass(frozen=True)
class HeatMap:
    """A figure for each pair of two parameters, darker where it is higher.

    Attributes
    ----------
    rows, columns : tuple of str
        Names, from the top and from the left.
    rows_title, columns_title : str
    cells : tuple of rows of (text, value)
        None for the value of a cell without one.
    chosen : tuple of (row, column), optional
        The cell that is framed.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    rows_title: str
    columns_title: str
    cells: tuple[tuple[tuple[str, float | None], ...], ...]
    chosen: tuple[int, int] | None = None


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes
    ----------
    name : str
        Unique among the charts of a report, and fit for a file name or an address.
    section : str
        Key of the section of the report it belongs to.
    title : str
        The answer it gives, in words and figures.
    subtitle : str
        What is drawn, of which sessions, in which unit.
    alt : str
        What it shows, in words and figures, for who cannot see it.
    note : str
        The session it is of, and what has to be known about the figures.
    panels : tuple of Panel
    grid : Grid, optional
    spans : tuple of Spans
    heat_map : HeatMap, optional
        Each of them instead of panels.
    x_title : str
        What the x axis counts; empty for days.
    simulated : bool
        Whether the figures come from the sample market, which a drawing has to say across its whole area.
    """

    name: str
    section: str
    title: str
    subtitle: str
    alt: str
    note: str
    panels: tuple[Panel, ...] = ()
    grid: Grid | None = None
    spans: tuple[Spans, ...] = ()
    heat_map: HeatMap | None = None
    x_title: str = ""
    simulated: bool = False
