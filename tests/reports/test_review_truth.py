"""The review app where a reader could be misled: late signals, links to other numbers, later and damaged data."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from reports.review.payloads import excerpt, row_of
from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError
from storage.engine import open_engine
from storage.figures import ALL_LAYERS, HedgeFigures
from storage.unit_of_work import UnitOfWork
from tests.market_files import LAST
from tests.reports.review_site import EMITTED, FAILED_SESSION, FIRST, NOW, REVISED, Reader, config_of, fill, reader_of

pytestmark = pytest.mark.server

DAY = dt.timedelta(days=1)
PASSED = "The close this acts at has passed:"

#: A reader of a copy of the database, changed by some statements, with changes to what the app is told.
MakeReader = Callable[..., Reader]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, made_up_dir: Path, calendar: TradingCalendar) -> Path:
    path = tmp_path_factory.mktemp("review") / "tailguard.db"
    fill(f"sqlite:///{path}", made_up_dir, calendar)
    return path


@pytest.fixture
def changed(database: Path, tmp_path: Path, calendar: TradingCalendar) -> MakeReader:
    made: list[Path] = []

    def make(*statements: str | tuple[str, ...], at: dt.datetime = NOW, **told: Any) -> Reader:
        made.append(tmp_path / f"{len(made)}.db")
        shutil.copy(database, made[-1])
        with sqlite3.connect(made[-1]) as connection:
            for statement in statements:
                sql, *values = (statement,) if isinstance(statement, str) else statement
                assert connection.execute(sql, values).rowcount, statement
        connection.close()
        config = config_of(f"sqlite:///{made[-1]}", calendar)
        return reader_of(replace(config, clock=lambda: at, **told))

    return make


@pytest.fixture
def reader(changed: MakeReader) -> Reader:
    return changed()


def words(reader: Reader, path: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reader.get(path).text))


def test_today_says_above_all_that_the_close_has_passed_and_what_came_since(
    changed: MakeReader, reader: Reader
) -> None:
    top = reader.get("/").text.partition("<h1")[0]
    assert PASSED in top
    assert f"{FAILED_SESSION} FAILED, no settlement of VXN06" in top
    assert "overdue" not in top
    assert PASSED not in changed(at=EMITTED).get("/").text
    late = changed(at=NOW + 3 * DAY).get("/").text.partition("<h1")[0]
    assert "The signal of 2006-07-05 is overdue: its deadline was" in late
    assert "no outcome of 2006-07-05" in late
    filled = changed("UPDATE runs SET next_session = NULL", "DELETE FROM outcomes").get("/").text.partition("<h1")[0]
    assert f"no outcome of {FAILED_SESSION}" in filled
    assert "No daily run has ever said" in filled


def test_a_linked_number_is_the_very_one_the_report_used(changed: MakeReader, reader: Reader) -> None:
    inputs = reader.get(f"/reports/{LAST}/inputs").text.replace("&amp;", "&")
    linked = re.findall(r'<td class="n"><a href="([^"]+)">([^<]+)</a>', inputs)
    made = re.findall(r'<td class="n">([^<]+)<span class="remark">from <a href="([^"]+)">([^<]+)</a>', inputs)
    assert len(linked) >= 4
    assert made, "the overnight rate has a spread over fed funds here"
    for href, number in (*linked, *((href, number) for _, href, number in made)):
        (row,) = re.findall(r'<tr class="here" aria-current="true">\n<th scope="row">.*', reader.get(href).text)
        assert f"used by revision 1 of {LAST}" in row
        shown = reader.get(href).text.partition(row)[2]
        assert shown.startswith(f'\n<td class="n">{number.rpartition(" ")[2]}</td>')
    assert all(number not in source for number, _, source in made)
    # The publisher changed it after the report was out, in the same minute as others could be.
    (spx,) = [href for href, _ in linked if "/SPX/" in href]
    assert re.search(r"earlier version</span> <strong[^>]*>used by revision 1", reader.get(spx).text)
    assert re.search(r"Mon 2006-07-03 18:00:00", reader.get(spx).text)
    elsewhere = changed("UPDATE payloads SET sha256 = substr(sha256, 9) || substr(sha256, 1, 8)")
    assert "/observations/" not in elsewhere.get(f"/reports/{LAST}/inputs").text, "none is of the file it names"
    other = spx.partition("?")[0] + f"?report={FIRST}@1"
    assert f"Revision 1 of {FIRST} rests on none of these" in words(reader, other)


def test_inputs_and_figures_of_a_replaced_revision_are_its_own(reader: Reader) -> None:
    assert "Superseded." in reader.get(f"/reports/{REVISED}/inputs?revision=1").text
    assert "Superseded." not in reader.get(f"/reports/{REVISED}/inputs").text
    for revision in (1, 2):
        page = reader.get(f"/reports/{REVISED}?revision={revision}").text
        (href,) = re.findall(r'href="([^"]+)" download>CSV', page)
        (row,) = csv.DictReader(io.StringIO(reader.get(href).text))
        stored = reader.get(f"/api/reports/{REVISED}?revision={revision}").json()
        assert row["revision"] == str(revision)
        assert dt.datetime.fromisoformat(row["emitted_at"]) == dt.datetime.fromisoformat(stored["emitted_at"])
        assert float(row["target_volatility"]) == stored["report"]["target"]["volatility"]


def test_only_a_value_that_decisions_use_counts(changed: MakeReader, reader: Reader) -> None:
    def counting(asked: Reader) -> list[str]:
        return re.findall(
            r'<th scope="row">(\S+) <span class="quiet">counts</span>', asked.get(f"/observations/SPX/{LAST}").text
        )

    taken_back = "UPDATE observations SET value = NULL WHERE series = 'SPX' AND publisher = 'yahoo' AND day = ?"
    unknown = "UPDATE observations SET publisher = 'x' || publisher WHERE series = 'SPX' AND day = ?"
    assert counting(reader) == ["yahoo"]
    assert counting(changed((taken_back, str(LAST)))) == ["cboe"]
    assert counting(changed(ignored={("SPX", "yahoo", LAST)})) == ["cboe"]
    assert counting(changed((unknown, str(LAST)))) == []


def test_the_calendar_shows_what_is_missing_at_the_turn_of_a_year(changed: MakeReader) -> None:
    next_year = dt.datetime(2007, 2, 1, 12, tzinfo=dt.UTC)
    text = changed(at=next_year).get("/calendar").text
    assert "<h1>Sessions of 2007" in text
    assert 'title="2007-01-03 a session without an outcome"' in text
    assert 'title="2007-02-01 not yet' in text
    assert 'title="2007-01-01 no session"' in text
    by_hand = changed("UPDATE runs SET next_session = NULL", at=next_year)
    assert "<h1>Sessions of 2006" in by_hand.get("/calendar").text
    assert f'title="{FIRST - 3 * DAY} not yet, or before' in by_hand.get("/calendar").text


def test_a_hedge_of_the_past_keeps_its_columns_and_only_its_revisions(
    database: Path, tmp_path: Path, calendar: TradingCalendar
) -> None:
    path = tmp_path / "hedged.db"
    shutil.copy(database, path)
    engine = open_engine(f"sqlite:///{path}")
    with UnitOfWork(engine) as work:
        for session in (FIRST, REVISED):
            stored = work.reports.newest("veqtor", session, 1)
            assert stored
            of_report = (stored.id, session, 1, stored.emitted_at, "gone", ALL_LAYERS)
            row = HedgeFigures(*of_report, "", "ARMED", 3.0, 0.0, 0.0, None, 0.0, None, None, None, 1e6)
            work.figures.add([], [row])
        work.commit()
    engine.dispose()
    reader = reader_of(config_of(f"sqlite:///{path}", calendar))
    assert reader.get("/history?columns=gone.score").status_code == 200
    rows = csv.DictReader(io.StringIO(reader.get("/history/download?columns=gone.score").text))
    scores = {row["session"]: row["gone.score"] for row in rows}
    assert (scores[str(FIRST)], scores[str(REVISED)]) == ("3.0", "")


def test_a_report_stays_as_it_was_when_a_session_before_it_is_computed_later(changed: MakeReader) -> None:
    before = "2006-06-29"
    gap = changed(
        ("DELETE FROM session_figures WHERE session = ?", before), ("DELETE FROM reports WHERE session = ?", before)
    )
    after = "2006-08-01 12:00:00.000000"
    later = changed(
        ("UPDATE session_figures SET emitted_at = ? WHERE session = ?", after, before),
        ("UPDATE reports SET emitted_at = ? WHERE session = ?", after, before),
    )
    path = f"/reports/{LAST}/text"
    assert later.get(path).text == gap.get(path).text
    assert "2006-06-28" in gap.get(path).text


def test_freshness_is_counted_by_the_clock(changed: MakeReader) -> None:
    def behind(reader: Reader) -> str:
        row = reader.get("/data").text.partition(f'/observations/SPX/{LAST}"')[2].partition("</tr>")[0]
        number = re.search(r"\d+", re.sub(r"<[^>]+>", " ", row.partition("</td>")[2]))
        return number[0] if number else ""

    assert behind(changed(at=EMITTED)) == "0"
    assert behind(changed(at=NOW + 30 * DAY)) == "22"

    def nothing() -> TradingCalendar:
        raise ConfigurationError("date", expected="a", got="b", do="c")

    beyond = changed(at=NOW + 30 * DAY, calendar=nothing)
    assert behind(beyond) == "0"
    assert "does not reach today" in words(beyond, "/data")


def test_a_day_without_a_report_says_how_it_was_left(changed: MakeReader, reader: Reader) -> None:
    failed = words(reader, f"/reports/{FAILED_SESSION}")
    assert "Its last run ended FAILED: no settlement of VXN06" in failed
    assert "No further attempt is planned" in failed
    soon = (NOW + DAY).strftime("%Y-%m-%d %H:%M:%S.%f")
    sql = "UPDATE outcomes SET outcome = 'AWAITING_DATA', next_attempt_at = ? WHERE outcome = 'FAILED'"
    waiting = (sql, soon)
    assert "The next attempt is Tue 2006-07-04 18:00" in words(changed(waiting), f"/reports/{FAILED_SESSION}")
    assert "The next attempt was due" in words(changed(waiting, at=NOW + 2 * DAY), f"/reports/{FAILED_SESSION}")
    before_close = dt.datetime(2006, 7, 5, 15, tzinfo=dt.UTC)
    assert "Its close has not come" in words(changed(at=before_close), "/reports/2006-07-05")


def test_the_row_of_a_value_is_found_or_not_claimed() -> None:
    day, series = dt.date(2018, 2, 5), "VX.2018-03-21"
    sheet = b"Product,Symbol\nVXM,VXM/H8,2018-03-21,1\nVX,VX/G8,2018-02-14,33\nVX,VX/H8,2018-03-21,27.975\n"
    found = excerpt(sheet, row_of("cboe-vx-sheet", day, series))
    assert [line.text for line in found or () if line and line.marked] == ["VX,VX/H8,2018-03-21,27.975"]
    days = ",".join(f'{{"date":"20{year:02}-{month:02}-16"}}' for year in range(10, 27) for month in range(1, 13))
    one_line = f'{{"observations":[{days}]}}'.encode()
    (line,) = excerpt(one_line, row_of("fred-series", dt.date(2020, 3, 16), "DFF")) or [None]
    assert line
    assert line.marked
    assert "2020-03-16" in line.text
    assert len(line.text) < 500
    (line,) = excerpt(one_line, row_of("fred-series", dt.date(2020, 3, 17), "DFF")) or [None]
    assert line
    assert not line.marked


@pytest.mark.parametrize("path", ["/history", "/api/history", "/history/download", "/history/series.json"])
def test_a_range_outside_of_what_is_stored_is_said(reader: Reader, path: str) -> None:
    for asked in ("first=2030-01-01", "last=1999-01-01", "first=2006-06-24&last=2006-06-25"):
        answer = reader.get(f"{path}?{asked}")
        assert answer.status_code == 404
        assert f"stored are {FIRST} to {LAST}." in answer.text
        assert ("problem+json" in answer.headers["content-type"]) == path.startswith("/api/")


def test_a_day_at_the_end_of_time_is_a_day(reader: Reader) -> None:
    assert reader.get("/data/SPX?last=9999-12-31").text == reader.get("/data/SPX").text
    assert "Nothing of SPX up to 0001-01-01" in words(reader, "/data/SPX?last=0001-01-01")


def test_a_database_that_is_held_is_said_wherever_it_is_read(changed: MakeReader) -> None:
    def locked(*_: object) -> list[object]:
        raise OperationalError("SELECT", {}, Exception("database is locked"))

    reader = changed(troubles=locked, gaps=locked)
    for path in ("/", "/data/gaps"):
        answer = reader.get(path)
        assert answer.status_code == 503
        assert "Another program holds it" in answer.text


@pytest.mark.parametrize(("document", "why"), [("{}", "is damaged"), ('{"schema_version": 99}', "schema version 99")])
def test_a_report_that_cannot_be_read_is_named_and_spoils_no_other(
    changed: MakeReader, document: str, why: str
) -> None:
    damage = "UPDATE reports SET document = ? WHERE session = ?"
    reader = changed((damage, document, str(LAST)))
    today = words(reader, "/")
    assert f"The report of {LAST} cannot be read" in today
    assert why in today
    assert f"{FAILED_SESSION}" in today
    for path in ("/diff", f"/reports/{LAST}", f"/reports/{LAST}/inputs"):
        answer = reader.get(path)
        assert answer.status_code == 503
        assert f"The report of {LAST} cannot be read" in answer.text
    feed, events = reader.get("/feed.atom"), reader.get("/events.ics")
    assert (feed.status_code, f"/reports/{LAST}" in feed.text) == (200, False)
    assert (events.status_code, "cannot be read" in events.text) == (503, True)
    broken = changed((damage, document, "2006-06-29"))
    assert broken.get(f"/reports/{LAST}").status_code == 200
