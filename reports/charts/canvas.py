"""A sheet of pixels to draw on, with matplotlib: lines, areas and text, and room found for labels.

Pixels count from the left and from the bottom. What a page shows is half as large.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform

DPI = 200

INK, QUIET, GRID_INK, WHITE = "#1a1a1a", "#5a5a5a", "#dcdcdc", "#ffffff"

#: Type sizes in points; a page shows 8 of them as 11 pixels.
TITLE, TEXT, SMALL = 10.0, 8.5, 7.5
_WATERMARK = 56.0

MARGIN = 24.0
_LINE_HEIGHT = 1.28

_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"

#: Labels keep so far from what is drawn, and from each other.
_AIR = 4.0

#: Sides of the squares that remember where something was drawn.
_RASTER = 4.0


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From the left to the right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From the bottom to the top."""
        return self.top - self.bottom

    def overlaps(self, other: Box) -> bool:
        """Whether the two have a point in common."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def outside(self, other: Box) -> float:
        """How far it reaches out of another one."""
        return sum(
            max(gap, 0.0)
            for gap in (
                other.left - self.left,
                other.bottom - self.bottom,
                self.right - other.right,
                self.top - other.top,
            )
        )


class Canvas:
    """What is drawn on.

    Parameters
    ----------
    width, height : float
        Pixels.
    """

    def __init__(self, width: float, height: float) -> None:
        self.box = Box(0.0, 0.0, width, height)
        self.figure = Figure(
            figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=WHITE, edgecolor=WHITE, linewidth=0
        )
        self._canvas = FigureCanvasAgg(self.figure)
        self._renderer = self._canvas.get_renderer()  # type: ignore[no-untyped-call]  # as are all of this canvas
        # Each for itself: typefaces are not shared between threads.
        self._fonts = {
            (bold, size): FontProperties(
                fname=_FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size=size
            )
            for bold in (False, True)
            for size in (TITLE, TEXT, SMALL)
        }
        self._widths: dict[tuple[str, float, bool], float] = {}
        self._drawn: set[tuple[int, int]] = set()
        self._labels: list[Box] = []

    def pixels(self) -> bytes:
        """What has been drawn: red, green, blue and opacity of each pixel, from the top left."""
        self._canvas.draw()  # type: ignore[no-untyped-call]  # as above
        return bytes(self._canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # as above

    def width(self, text: str, size: float = TEXT, *, bold: bool = False) -> float:
        """How wide a text is."""
        key = (text, size, bold)
        if key not in self._widths:
            self._widths[key] = self._renderer.get_text_width_height_descent(text, self._fonts[bold, size], False)[0]
        return self._widths[key]

    @staticmethod
    def height(size: float = TEXT) -> float:
        """How high a line of text is."""
        return size * DPI / 72.0

    def wrapped(self, text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
        """A text in lines that are no wider than `room`, as far as its words are."""
        if self.width(text, size, bold=bold) <= room:
            return [text]
        lines: list[list[str]] = [[]]
        left, space = room, self.width("n n", size, bold=bold) - self.width("nn", size, bold=bold)
        for word in text.split():
            wide = self.width(word, size, bold=bold)
            if lines[-1] and wide > left:
                lines.append([])
                left = room
            lines[-1].append(word)
            left -= wide + space
        return [" ".join(line) for line in lines]

    def text(
        self,
        left: float,
        baseline: float,
        text: str,
        *,
        size: float = TEXT,
        colour: str = INK,
        bold: bool = False,
        across: Literal["left", "center", "right"] = "left",
        upwards: Literal["baseline", "bottom", "top", "center_baseline"] = "baseline",
        halo: bool = False,
    ) -> None:
        """Write a text, without looking at what is there."""
        written = Text(
            left,
            baseline,
            text,
            color=colour,
            fontproperties=self._fonts[bold, size],
            horizontalalignment=across,
            verticalalignment=upwards,
            parse_math=False,
            usetex=False,
            transform=IdentityTransform(),
            zorder=5,
        )
        if halo:
            written.set_bbox({"facecolor": WHITE, "edgecolor": "none", "alpha": 0.8, "pad": 1.0})
        self.figure.add_artist(written)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        width: float = 1.6,
        dash: tuple[float, ...] = (),
        opacity: float = 1.0,
        *,
        above: float = 2.0,
        remembered: bool = False,
    ) -> None:
        """Draw a line through some points; labels keep away from one that is remembered."""
        drawn = Line2D(
            [point[0] for point in points],
            [point[1] for point in points],
            color=colour,
            linewidth=width,
            linestyle=(0, dash) if dash else "-",
            marker="None",
            alpha=opacity,
            solid_capstyle="butt",
            solid_joinstyle="round",
            dash_capstyle="butt",
            antialiased=True,
            transform=IdentityTransform(),
            zorder=above,
        )
        self.figure.add_artist(drawn)
        if remembered:
            self._remember(points)

    def dots(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        size: float,
        *,
        opacity: float = 1.0,
        hollow: bool = False,
    ) -> None:
        """Draw dots of so many points in diameter."""
        drawn = Line2D(
            [point[0] for point in points],
            [point[1] for point in points],
            linestyle="None",
            marker="o",
            markersize=size,
            markerfacecolor=WHITE if hollow else colour,
            markeredgecolor=colour,
            markeredgewidth=1.6 if hollow else 0.0,
            alpha=opacity,
            transform=IdentityTransform(),
            zorder=3,
        )
        self.figure.add_artist(drawn)
        for point in points:
            self._remember([point, point])

    def area(
        self,
        corners: Sequence[tuple[float, float]],
        colour: str,
        *,
        opacity: float = 1.0,
        hatch: str = "",
        above: float = 0.5,
    ) -> None:
        """Fill a polygon; a hatch is drawn over it."""
        self.figure.add_artist(
            Polygon(
                list(corners),
                closed=True,
                facecolor=colour,
                edgecolor=QUIET if hatch else "none",
                linewidth=0.0,
                alpha=opacity,
                hatch=hatch or None,
                antialiased=not hatch,
                transform=IdentityTransform(),
                zorder=above,
            )
        )

    def rectangle(self, box: Box, colour: str, *, opacity: float = 1.0, hatch: str = "", above: float = 0.5) -> None:
        """Fill a rectangle."""
        corners = ((box.left, box.bottom), (box.right, box.bottom), (box.right, box.top), (box.left, box.top))
        self.area(corners, colour, opacity=opacity, hatch=hatch, above=above)

    def label(
        self,
        text: str,
        anchors: Iterable[tuple[float, float]],
        inside: Box,
        *,
        size: float = SMALL,
        colour: str = INK,
        bold: bool = False,
        foreign: Sequence[Box] = (),
    ) -> None:
        """Write a text at the first of some places for its lower left corner where nothing is, or the least.

        On what is `foreign` it would be taken for the label of something else.
        """
        wide, high = self.width(text, size, bold=bold), self.height(size)

        def crossed(anchor: tuple[float, float]) -> float:
            box = Box(anchor[0] - _AIR, anchor[1] - _AIR, anchor[0] + wide + _AIR, anchor[1] + high + _AIR)
            covered = sum(
                (column, row) in self._drawn
                for column in range(int(box.left // _RASTER), int(box.right // _RASTER) + 1)
                for row in range(int(box.bottom // _RASTER), int(box.top // _RASTER) + 1)
            )
            covered += 200 * sum(box.overlaps(other) for other in foreign)
            return covered + 1_000.0 * sum(box.overlaps(other) for other in self._labels) + 10.0 * box.outside(inside)

        left, bottom = min(anchors, key=crossed)
        self._labels.append(Box(left - _AIR, bottom - _AIR, left + wide + _AIR, bottom + high + _AIR))
        self.text(left, bottom + 0.22 * high, text, size=size, colour=colour, bold=bold, halo=True)

    def keep_free(self, box: Box) -> None:
        """Keep labels away from an area."""
        for column in range(int(box.left // _RASTER), int(box.right // _RASTER) + 1):
            for row in range(int(box.bottom // _RASTER), int(box.top // _RASTER) + 1):
                self._drawn.add((column, row))

    def block(self, left: float, top: float, lines: Sequence[str], size: float, *, bold: bool, colour: str) -> float:
        """Write lines below each other; returns where the last one ends."""
        for line in lines:
            self.text(left, top, line, size=size, colour=colour, bold=bold, upwards="top")
            top -= self.height(size) * _LINE_HEIGHT
        return top

    def watermark(self, text: str) -> None:
        """Write a word across everything, so that no cut-out is without it."""
        font = FontProperties(fname=_FONTS / "DejaVuSans-Bold.ttf", size=_WATERMARK)
        for share in (0.27, 0.70):
            self.figure.add_artist(
                Text(
                    self.box.width / 2.0,
                    self.box.height * share,
                    text,
                    color="#8c8c8c",
                    alpha=0.28,
                    fontproperties=font,
                    rotation=12,
                    horizontalalignment="center",
                    verticalalignment="center",
                    parse_math=False,
                    usetex=False,
                    transform=IdentityTransform(),
                    zorder=6,
                )
            )

    def _remember(self, points: Sequence[tuple[float, float]]) -> None:
        """Keep in mind where a line goes, in squares."""
        for (x0, y0), (x1, y1) in pairwise(points):
            steps = max(int(max(abs(x1 - x0), abs(y1 - y0)) / _RASTER), 1)
            for step in range(steps + 1):
                share = step / steps
                self._drawn.add((int((x0 + (x1 - x0) * share) // _RASTER), int((y0 + (y1 - y0) * share) // _RASTER)))
