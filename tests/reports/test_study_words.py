"""A study in words, as a page and as files: every number is there, whatever else is wrong."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from reports.study.charts import study_charts
from reports.study.export import levels_csv, study_csv, study_json
from reports.study.html import study_page
from reports.study.schema import study_schema
from reports.study.text import study_text
from signals.document import decode, encode
from signals.study.result import Claim, Estimate, Finding, Intervals, Measure, StudyResult
from tests.conftest import ROOT
from tests.reports.made_study import STATISTICS, made_study
from tests.reports.test_snapshots import SNAPSHOTS, WRITE

#: Markup, a formula, an escape sequence, a change of direction, and half a character.
HOSTILE = "=1+1<script>alert(1)</script><img src=x onerror=y>\"'& \x1b[2J\u202eb\udc80\x00"
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return made_study()


@pytest.fixture(scope="module")
def text(result: StudyResult) -> str:
    return study_text(result)


def test_the_text_is_as_it_was_last_looked_at(text: str) -> None:
    path = SNAPSHOTS / "study.txt"
    if WRITE:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_answer_comes_first_and_no_line_is_too_long(result: StudyResult, text: str) -> None:
    title, *said = text.split("\n\n")[: 1 + len(result.answer)]
    assert title == "Is it worth it? 2006-03-31 to 2026-07-29"
    assert tuple(map(words, said)) == result.answer
    assert max(map(len, text.splitlines())) <= 80
    simulated = study_text(made_study(simulated=True))
    assert simulated.startswith("SIMULATED MARKET")
    assert simulated.count("SIMULATED") == 1


def test_the_core_is_on_the_first_screen(text: str) -> None:
    lines = text.splitlines()
    assert lines.index("Claims") < 24
    screen = "\n".join(lines[: lines.index("Side by side, 2006-03-31 to 2026-07-29") + 16])
    assert "does not hold" in screen
    # Growth, volatility, Sharpe ratio, fall, drag, reduction and costs, computed by hand from the made-up formulas.
    row = next(line for line in screen.splitlines() if line.startswith("+ alvh-442"))
    assert row.split()[2:] == ["5.7%", "11.4%", "0.36", "-33.0%", "-5.1%", "+40.0%", "0.5%"]


def test_every_claim_has_its_measurement_and_its_verdict(text: str) -> None:
    lines = text.splitlines()
    (claims,) = (number for number, line in enumerate(lines) if line == "Claims")
    rows = [re.split(r" {2,}", line.strip()) for line in lines[claims + 3 : claims + 22]]
    # One with several findings has a line for each, one with a single finding stands in one.
    at = rows.index(["A hedge costs 1 to 2% a year", "depends on the reading"])
    assert rows[at + 1 : at + 3] == [
        ["recorded, over everything", "2.2% (0.4 to 4.1)", "cannot tell"],
        ["recorded, outside crashes", "5.1% (2.5 to 7.8)", "does not hold"],
    ]
    assert ["S&P 500 and VIX correlate at", "-0.72 (-0.75 to -0.69)", "holds"] in rows


def test_a_comparison_is_not_what_was_measured_of_a_claim(result: StudyResult) -> None:
    claim = result.claims[0]
    beside = Finding("VEQTOR, for comparison", "share", Estimate(0.9, 0.8, 1.0), "does not hold", counts=False)
    found = study_text(replace(result, claims=(replace(claim, findings=(*claim.findings, beside)),)))
    claims, *_ = found.partition("Side by side")
    assert "90.0%" not in claims


def test_what_a_published_index_did_live_has_intervals_of_its_own(result: StudyResult) -> None:
    live = Intervals("veqtor", {"drag": Estimate(-0.087, -0.137, -0.034)}, "live")
    both = replace(result, intervals=(*result.intervals, live))
    *_, found = study_text(both).partition("How certain that is since 2009-11-18, where VEQTOR is live")
    assert "-8.7% (-13.7 to -3.4)" in found.split("\n\n")[0]
    rows = csv.DictReader(io.StringIO(study_csv(both)))
    (row,) = (row for row in rows if row["table"] == "intervals" and row["period"] == "live")
    assert (row["track"], float(row["value"]), float(row["low"])) == ("veqtor", -0.087, -0.137)


def test_what_cannot_be_told_says_why_once(text: str) -> None:
    said = words(text)
    assert said.count("undefined: the cash flows change sign 14 times") == 1
    assert "No growth of" not in said
    assert "No Sharpe" not in said
    assert "there is nothing to compare it with" not in said


def test_failures_stand_before_what_was_computed_without_them() -> None:
    found = study_text(made_study(failing=True))
    assert found.index("no quote before 2006-08-18") < found.index("Side by side")
    assert "VXTH" not in found.split("Side by side")[1].split("\n\n")[0]
    unanswered = study_text(replace(made_study(failing=True), answer=(), claims=()))
    assert unanswered.split("\n\n")[1].startswith("There is no answer")


def test_all_forms_are_the_same_when_read_from_storage(result: StudyResult, text: str) -> None:
    # As a document with its keys in another order, as a database gives it.
    again = decode(StudyResult, json.loads(study_json(result)))
    assert again == result
    assert study_text(again) == text
    assert study_csv(again) == study_csv(result)
    assert study_json(again) == study_json(result)
    assert study_page(again, {}) == study_page(result, {})
    assert study_charts(again) == study_charts(result)


def test_the_csv_gives_back_every_number(result: StudyResult) -> None:
    rows = list(csv.DictReader(io.StringIO(study_csv(result))))
    read = {
        (row["table"], row["track"], row["period"], row["statistic"]): [
            float(row[name]) if row[name] else None for name in ("value", "low", "high")
        ]
        for row in rows
    }
    assert len(read) == len(rows)
    for figures in result.figures:
        for key, measure in figures.values.items():
            assert read["figures", figures.track, figures.period, key] == [measure.value, None, None]
    for interval in result.intervals:
        for key, each in interval.values.items():
            assert read["intervals", interval.track, "whole", key] == [each.value, each.low, each.high]
    assert {row["unit"] for row in rows if row["statistic"] == "growth"} == {"share"}
    assert read["condor", "condor+alvh-seed", "skew=1", "max_drawdown"][0] == pytest.approx(-0.19)
    assert read["paths", "sp500", "quantile=0.5", "growth"] == [0.07, None, None]


def test_levels_are_those_of_each_session(result: StudyResult) -> None:
    rows = list(csv.DictReader(io.StringIO(levels_csv(result))))
    assert [row["session"] for row in rows] == [day.isoformat() for day in result.levels.sessions]
    for name, values in result.levels.tracks.items():
        assert [float(row[name]) if row[name] else None for row in rows] == list(values)


def test_a_number_that_json_lacks_is_refused(result: StudyResult) -> None:
    broken = replace(result.figures[0], values={"growth": Measure(float("nan"))})
    with pytest.raises(ValueError, match="JSON"):
        study_json(replace(result, figures=(broken,)))


def test_the_published_schema_says_what_a_study_is(result: StudyResult) -> None:
    assert (ROOT / "docs/study.schema.json").read_bytes() == study_schema()
    validator = Draft202012Validator(json.loads(study_schema()))
    document = json.loads(study_json(result))
    validator.validate(document)
    validator.validate(json.loads(study_json(made_study(failing=True))))
    for path, wrong in ((("version",), 99), (("claims", 0, "low"), "1%"), (("levels", "sessions", 0), "yesterday")):
        spoilt = json.loads(study_json(result))
        place = spoilt
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = wrong
        with pytest.raises(ValidationError):
            validator.validate(spoilt)


class Tags(HTMLParser):
    """The tags of a page, the names of their attributes, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]


def poisoned(document: Any) -> Any:
    """A document with hostile words behind every text that is no day, unit, kind, verdict or key of another."""
    if isinstance(document, dict):
        return {
            key: value
            if key in ("track", "period", "unit", "kind", "statistic", "tracks", "source")
            else poisoned(value)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [poisoned(each) for each in document]
    if isinstance(document, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", document):
        return f"{document}{HOSTILE}"
    return document


def test_no_words_from_elsewhere_do_anything(result: StudyResult) -> None:
    hostile = decode(StudyResult, poisoned(encode(result)))
    page = study_page(hostile, {})
    plain = Tags(study_page(result, {}))
    found = Tags(page)
    assert page.count("&lt;script&gt;") > 100
    assert found.tags == plain.tags
    assert found.attributes == plain.attributes
    assert all(address.startswith(("#", "data:")) for address in found.addresses)
    table = study_csv(hostile)
    for rendered in (page, study_text(hostile), table):
        assert not ACTIVE.search(rendered)
    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row if not re.fullmatch(r"-?[\d.e-]+", cell)]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


def test_a_page_loads_nothing_and_has_every_picture_it_is_given(result: StudyResult) -> None:
    pictures = {chart.name: chart.name.encode() for chart in study_charts(result)}
    page = study_page(result, pictures)
    assert page.count("<img") == len(pictures) == page.count("data:image/png;base64,")
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert "<script" not in page
    for statistic in STATISTICS:
        assert statistic.meaning in page


def test_claims_without_a_finding_are_shown() -> None:
    claim = Claim("x", "Nothing is lost.", 0.0, 0.1, (), "not tested", "Not tested: no data.")
    found = study_text(replace(made_study(), claims=(claim,)))
    assert "Not tested: no data." in found
    assert re.search(r"Nothing is lost +nothing +not tested", found)
