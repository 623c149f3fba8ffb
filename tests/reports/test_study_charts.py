"""The charts of a study say what it found, and are drawn."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from itertools import pairwise

import pytest
from PIL import Image

from reports.charts.chart import Chart, HeatMap, Span, Spans
from reports.charts.draw import WIDTH, png
from reports.study.charts import study_charts
from signals.study.result import StudyResult
from tests.reports.made_study import LIVE_FROM, SESSIONS, made_study

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return made_study()


@pytest.fixture(scope="module")
def charts(result: StudyResult) -> dict[str, Chart]:
    return {chart.name: chart for chart in study_charts(result)}


def picture(chart: Chart) -> Image.Image:
    return Image.open(io.BytesIO(png(chart))).convert("RGB")


def marked(spans: Spans, *, value: float) -> Spans:
    return replace(spans, rows=tuple(replace(row, value=value) for row in spans.rows))


def test_growth_begins_where_the_unhedged_one_is(result: StudyResult, charts: dict[str, Chart]) -> None:
    (panel,) = charts["growth"].panels
    drawn = {line.label.rpartition(" ")[0]: dict(line.points) for line in panel.lines}
    assert list(drawn)[::-1] == ["S&P 500 TR", "VEQTOR", "with alvh-seed", "with alvh-442", "VXTH"]
    late = next(each.first for each in result.tracks if each.name == "vxth")
    assert drawn["VXTH"][late] == drawn["S&P 500 TR"][late] != 1.0
    assert drawn["VXTH"][SESSIONS[0]] is None
    # Its returns are its own.
    own = dict(zip(SESSIONS, result.levels.tracks["vxth"], strict=True))
    for day, after in pairwise(SESSIONS[20:]):
        moved, recorded = (each[after] / each[day] for each in (drawn["VXTH"], own))  # type: ignore[operator] # after its first none is missing
        assert math.isclose(moved, recorded, rel_tol=1e-12)
    assert [moment.place for moment in panel.moments] == [LIVE_FROM]
    assert [shade.label for shade in panel.shades] == ["2008", "2011", "Q1 2020", "2022", "Apr 2025"]


def test_falls_are_from_the_highest_close_before(result: StudyResult, charts: dict[str, Chart]) -> None:
    panel = charts["drawdowns"].panels[0]
    levels = result.levels.tracks["veqtor"]
    for number, (_, fall) in enumerate(panel.lines[0].points):
        highest = max(each for each in levels[: number + 1] if each is not None)
        level = levels[number]
        assert level is not None
        assert fall == pytest.approx((level / highest - 1.0) * 100.0, abs=1e-12)


def test_claims_are_drawn_with_their_intervals_against_what_is_claimed(
    result: StudyResult, charts: dict[str, Chart]
) -> None:
    for claim, spans in zip(result.claims, charts["claims"].spans, strict=True):
        factor = 100.0 if claim.findings[0].unit == "share" else 1.0
        assert spans.claimed == (claim.low * factor, claim.high * factor)
        for finding, row in zip(claim.findings, spans.rows, strict=True):
            found = finding.estimate
            assert (row.low, row.value, row.high) == tuple(
                pytest.approx(factor * each) for each in (found.low, found.value, found.high) if each is not None
            )
            assert finding.verdict in row.text
    assert charts["claims"].title == "Of 4 claims: 1 confirmed, 1 refuted, 1 depends on its reading, 1 open"


def test_a_moment_the_model_misses_is_named(result: StudyResult) -> None:
    assert result.monte_carlo is not None
    missed = replace(result.monte_carlo.fit[1], recorded=40.0)
    other = replace(result.monte_carlo, fit=(result.monte_carlo.fit[0], missed))
    chart = next(each for each in study_charts(replace(result, monte_carlo=other)) if each.name == "fit")
    assert chart.title == "1 of 2 recorded moments lie within those of simulated markets; not mean VIX"
    assert [0.0 <= row.value <= 1.0 for row in chart.spans[0].rows] == [True, False]


def test_every_chart_is_drawn_and_told(result: StudyResult, charts: dict[str, Chart]) -> None:
    assert set(charts) == {
        "growth", "drawdowns", "claims", "worth", "condor", "paths", "hedged-paths", "fit", "sensitivity-stop",
    }  # fmt: skip
    for chart in charts.values():
        image = picture(chart)
        assert image.width == WIDTH
        assert 400 < image.height < 2_000
        assert len(chart.alt) > 60, chart.name
        assert any(character.isdigit() for character in chart.title)
    simulated = study_charts(made_study(simulated=True))[0]
    assert png(simulated) != png(charts["growth"])


def test_what_is_missing_is_left_out() -> None:
    names = [chart.name for chart in study_charts(made_study(failing=True))]
    assert names == ["growth", "drawdowns", "claims", "worth", "sensitivity-stop"]
    bare = replace(made_study(), tracks=(), figures=(), intervals=(), claims=(), sensitivity=(), condor=None)
    assert [chart.name for chart in study_charts(replace(bare, monte_carlo=None))] == []


def test_a_range_is_where_its_figures_are() -> None:
    def chart(*spans: Spans, **others: HeatMap) -> Chart:
        return Chart("spans", "", "A title", "A subtitle", "An alternative", "A note", spans=spans, **others)

    def blue(image: Image.Image) -> set[int]:
        """Columns where a dot is: as high as nothing else in its colour."""
        body, counts = image.tobytes(), [0] * image.width
        for place in range(0, len(body), 3):
            if body[place] < 40 and body[place + 2] > 140:
                counts[place // 3 % image.width] += 1
        return {column for column, count in enumerate(counts) if count > 16}

    row = Span("A label that is so long that it has to be written in more than one line", 5.0, 0.0, 10.0, "5")
    one = Spans("Per cent", (row,), "%")
    # The dot moves with its value, the ends of the range stay.
    left, middle, right = (picture(chart(marked(one, value=value))) for value in (1.0, 5.0, 9.0))
    dots = [min(blue(image) - blue(other)) for image, other in ((left, right), (middle, left), (right, left))]
    assert dots == sorted(dots)
    assert abs((dots[2] - dots[1]) - (dots[1] - dots[0])) <= 3
    assert picture(chart(one, one)).height > middle.height
    # Nothing to tell apart: one value, and a map of one.
    picture(chart(Spans("Points", (Span("a", 1.0, 1.0, 1.0, "1"),), claimed=(1.0, 1.0), zero=True)))
    picture(chart(heat_map=HeatMap(("a",), ("b",), "rows", "columns", ((("-", None),),), (0, 0))))
