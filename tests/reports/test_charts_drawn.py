"""What is drawn: a PNG of the right size, the same each time, whatever there is to draw."""

from __future__ import annotations

import datetime as dt
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations

import pytest
from PIL import Image

from reports.charts import draw
from reports.charts.chart import LOGARITHMIC, Chart, Level, Line, Mark, Panel
from reports.charts.draw import HEIGHT, HIGH, WIDTH, png
from tests.reports.charted import LAST, everything

pytestmark = pytest.mark.server

#: Mails carry eight of them.
LARGEST = 60_000


@pytest.fixture(scope="module")
def drawn() -> dict[str, tuple[Chart, bytes]]:
    return {chart.name: (chart, png(chart)) for chart in everything()}


def grey(body: bytes) -> Image.Image:
    with Image.open(io.BytesIO(body)) as image:
        return image.convert("L")


def bare(*panels: Panel) -> Chart:
    return Chart("volatility", "distance", "A title", "A subtitle", "An alternative", "A note", panels)


def test_each_is_a_small_png_of_the_size_a_page_gives_it(drawn: dict[str, tuple[Chart, bytes]]) -> None:
    assert len(drawn) == 8
    for chart, body in drawn.values():
        with Image.open(io.BytesIO(body)) as image:
            assert (image.format, image.size) == ("PNG", (WIDTH, HIGH if len(chart.panels) > 2 else HEIGHT))
        assert len(body) < LARGEST, chart.name
        # More than paper, and no machine or instant in it.
        assert len(set(grey(body).tobytes())) > 20
        assert b"tEXt" not in body


def test_threads_draw_what_one_draws(drawn: dict[str, tuple[Chart, bytes]]) -> None:
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(png, (chart for chart, _ in drawn.values())))
    assert again == [body for _, body in drawn.values()]


def test_a_simulated_chart_says_so_across_its_area() -> None:
    for real, simulated in zip(everything()[:3], everything(simulated=True)[:3], strict=True):
        differs = Image.frombytes(
            "L",
            (int(WIDTH), int(HEIGHT)),
            bytes(
                255 if abs(first - second) > 8 else 0
                for first, second in zip(grey(png(real)).tobytes(), grey(png(simulated)).tobytes(), strict=True)
            ),
        )
        left, top, right, bottom = differs.getbbox() or (0, 0, 0, 0)
        assert right - left > 0.7 * WIDTH
        assert bottom - top > 0.5 * HEIGHT


@pytest.mark.parametrize(
    "values",
    [
        (1.0,),
        (1.0, 1.0),
        (0.0, 0.0, 0.0),
        (None, 5.0, None),
        (1.0, None, 2.0),
        (-1e-9, 1e-9),
        (1e12, 3e12),
        (1.0, 1.0 + 1e-12),
    ],
)
def test_flat_short_and_broken_lines_are_drawn(values: tuple[float | None, ...]) -> None:
    points = tuple((LAST + dt.timedelta(days=number), value) for number, value in enumerate(values))
    panel = Panel(
        "Points", lines=(Line("end", points),), levels=(Level(0.5, "limit"),), marks=(Mark(LAST, 0.5, "here"),)
    )
    body = png(bare(panel))
    assert min(grey(body).crop((40, 160, 1_000, 560)).tobytes()) < 128
    if all(value is not None and value > 0.0 for value in values):
        assert png(bare(replace(panel, scale=LOGARITHMIC))) != body


def test_words_are_drawn_as_they_are() -> None:
    chart = everything()[2]
    hostile = "$x_{1}$ \\frac{1}{2} <script>alert(1)</script> & %s {0} " + "m" * 200
    assert png(replace(chart, title=hostile, note=hostile, subtitle=hostile)) != png(chart)
    # Formulas would be narrower than what they are written as.
    plain, formula = (png(replace(chart, title=title)) for title in ("n" * 7, "$x_{1}$"))
    assert plain != formula


def test_lines_of_one_panel_are_told_apart_without_colour() -> None:
    styles = list(draw._LINES.values())
    for (_, width, dash), (_, other_width, other_dash) in combinations(styles, 2):
        assert dash != other_dash or abs(width - other_width) > 0.15
