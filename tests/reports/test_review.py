"""The review app: its pages, what they link to, and what they say where something is wrong."""

from __future__ import annotations

import csv
import io
import re
import shutil
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet
import pytest

from signals.calendar import TradingCalendar
from storage.schema import SCHEMA_REVISION
from tests.market_files import LAST
from tests.postgresql import Server
from tests.reports.review_site import (
    FAILED_SESSION,
    FIRST,
    HOLIDAY,
    HOSTILE,
    REFUSED_BODY,
    REVISED,
    SATURDAY,
    Reader,
    config_of,
    fill,
    reader_of,
    sha256,
)

pytestmark = pytest.mark.server

MENU = ("/", "/calendar", "/history", "/diff", "/data", "/outbox", "/rules", "/study")
PAGES = (
    *MENU,
    f"/reports/{LAST}",
    f"/reports/{REVISED}?revision=1",
    f"/reports/{LAST}/inputs",
    f"/observations/SPX/{LAST}",
    f"/payloads/{sha256(REFUSED_BODY)}",
    f"/payloads/{sha256(b'old')}",
    "/data/SPX",
    "/data/gaps",
    "/calendar?year=2006",
    "/outbox?state=UNCERTAIN",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, made_up_dir: Path, calendar: TradingCalendar) -> Path:
    path = tmp_path_factory.mktemp("review") / "tailguard.db"
    # Everything is shown with hostile words in it.
    fill(f"sqlite:///{path}", made_up_dir, calendar, words=HOSTILE)
    return path


@pytest.fixture(scope="module")
def reader(database: Path, calendar: TradingCalendar) -> Reader:
    return reader_of(config_of(f"sqlite:///{database}", calendar, words=HOSTILE))


class Page(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def links(self) -> set[str]:
        return {str(each["href"]) for tag, each in self.tags if tag == "a" and "href" in each}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_runs_nobodys_words(reader: Reader, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    scripts = [each for tag, each in page.tags if tag == "script"]
    assert all(str(each["src"]).startswith("/static/") for each in scripts)
    assert not [each for _, each in page.tags if any(name.startswith("on") or name == "style" for name in each)]
    assert {tag for tag, _ in page.tags} >= {"main", "header", "nav", "footer", "h1"}
    assert "onerror" not in {name for _, each in page.tags for name in each}
    assert not [href for href in page.links() if not re.match(r"/|#|https://", href)]
    labelled = {each.get("for") for tag, each in page.tags if tag == "label"}
    fields = [each for tag, each in page.tags if tag in ("input", "select") and each.get("type") != "checkbox"]
    assert all(each.get("id") in labelled for each in fields)
    ids = [each["id"] for _, each in page.tags if "id" in each]
    assert len(ids) == len(set(ids))


def test_words_of_others_are_shown_as_they_are(reader: Reader) -> None:
    shown = {
        "/": "alert FAILED",
        "/outbox": "the server said",
        "/data": "cboe-vx-contract VX_2006-07-19",
        f"/reports/{LAST}/inputs": "S&P 500",
        "/calendar?year=2006": "July",
        "/rules": "alice",
    }
    for path, beside in shown.items():
        text = reader.get(path).text
        assert beside in Page(text).words, path
        assert "alert(1)" in text, path
        assert "<script>alert" not in text, path
    assert HOSTILE in Page(reader.get("/outbox").text).words


@pytest.mark.parametrize(
    "path",
    [
        f"/reports/{HOSTILE}",
        f"/reports?session={HOSTILE}",
        f"/diff?first={HOSTILE}",
        f"/history?columns={HOSTILE}",
        f"/history?first={HOSTILE}",
        f"/payloads/{HOSTILE}",
        f"/observations/{HOSTILE}/2006-06-30",
        f"/outbox?state={HOSTILE}",
        f"/payloads/{sha256(b'old')}?day=2006-06-30&series={HOSTILE}",
        f"/{HOSTILE}",
    ],
)
def test_hostile_addresses_are_answered_as_words(reader: Reader, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code in (200, 400, 404, 422)
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text


def test_a_number_leads_to_its_observation_its_file_and_its_bytes(reader: Reader) -> None:
    report = Page(reader.get(f"/reports/{LAST}").text).links()
    assert f"/reports/{LAST}/inputs" in report
    inputs = Page(reader.get(f"/reports/{LAST}/inputs").text).links()
    assert not [href for href in inputs if href.startswith("/observations/") and f"&report={LAST}@1" not in href]
    assert {href for href in report if href.startswith("/observations/")} <= inputs
    assert {href.partition("?")[0] for href in report} >= {f"/observations/{name}/{LAST}" for name in ("SPX", "VIX")}
    observation = reader.get(f"/observations/SPX/{LAST}")
    assert "earlier version" in observation.text
    assert "1,270.5" in observation.text
    (file, *_) = sorted(href for href in Page(observation.text).links() if href.startswith("/payloads/"))
    payload = reader.get(file)
    assert "<mark>" in payload.text
    assert str(LAST) in Page(payload.text).words
    body = reader.get(file.partition("?")[0] + "/body")
    name = file.removeprefix("/payloads/").partition("?")[0]
    assert sha256(body.content) == body.headers["x-content-sha256"] == name
    assert body.headers["content-disposition"].startswith("attachment; ")
    assert body.headers["content-type"] == "application/octet-stream"


def test_a_refused_and_a_pruned_file_say_so(reader: Reader) -> None:
    refused = reader.get(f"/payloads/{sha256(REFUSED_BODY)[:12]}")
    assert "Refused." in refused.text
    assert "a page in place of data" in Page(refused.text).words
    assert reader.get(f"/payloads/{sha256(REFUSED_BODY)}/body").content == REFUSED_BODY
    assert "Pruned." in reader.get(f"/payloads/{sha256(b'old')}").text
    body = reader.get(f"/payloads/{sha256(b'old')}/body")
    assert (body.status_code, "was pruned" in body.text) == (404, True)


def test_revisions_can_be_read_and_compared(reader: Reader) -> None:
    newest = reader.get(f"/reports/{REVISED}")
    assert "Move to 50% S&amp;P 500, 50% VIX futures." in newest.text
    assert f"/diff?first={REVISED}@1&second={REVISED}@2" in Page(newest.text).links()
    first = reader.get(f"/reports/{REVISED}?revision=1").text
    assert "Superseded: revision 2" in first
    words = Page(reader.get(f"/diff?first={REVISED}@1&second={REVISED}@2").text).words
    assert "50% S&P 500, 50% VIX futures" in words
    assert "Swap" in words
    alone = reader.get(f"/diff?second={REVISED}")
    assert f'value="{REVISED}@1"' in alone.text


def test_today_says_what_is_wrong_and_what_comes_next(reader: Reader) -> None:
    words = Page(reader.get("/").text).words
    assert "NoSignal" in words
    assert "Wednesday 2006-07-05" in words
    assert "1 UNCERTAIN" in words
    assert f"{FAILED_SESSION}" in words


def test_the_calendar_says_each_outcome_in_a_letter_and_in_words(reader: Reader) -> None:
    text = reader.get("/calendar?year=2006").text
    assert re.search(rf'href="/reports/{REVISED}" title="{REVISED} revised', text)
    assert re.search(rf'title="{HOLIDAY} no session"', text)
    assert re.search(rf'class="cell failed" title="{FAILED_SESSION} failed: ', text)
    assert "no outcome" in text


def test_the_history_is_paged_bounded_and_downloaded_in_full(reader: Reader) -> None:
    text = reader.get("/history?first=0001-01-01&last=9999-12-31&columns=vix&columns=target_equity").text
    assert f"The first stored session is {FIRST}." in text
    assert f"The last stored session is {LAST}." in text
    found = reader.get("/history/download?columns=vix,target_equity")
    rows = list(csv.DictReader(io.StringIO(found.text)))
    assert list(rows[0]) == ["session", "vix", "target_equity"]
    assert (rows[0]["session"], rows[-1]["session"]) == (str(FIRST), str(LAST))
    series = reader.get("/history/series.json?columns=vix,regime,stop_loss").json()
    assert [each["axis"] for each in series["series"]] == ["points", "state"]
    assert series["series"][0]["values"] == [float(row["vix"]) for row in rows]
    parquet = reader.get("/history/download?columns=vix,stop_loss,trend_run&format=parquet")
    table = pyarrow.parquet.read_table(io.BytesIO(parquet.content))
    assert [str(kind) for kind in table.schema.types] == ["date32[day]", "double", "bool", "int64"]
    assert table["vix"].to_pylist() == [float(row["vix"]) for row in rows]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/reports/2007-01-03", 404, "That day has not come yet."),
        (f"/reports/{SATURDAY}", 404, "It is a Saturday"),
        (f"/reports/{HOLIDAY}", 404, "the New York Stock Exchange was closed"),
        ("/reports/2006-04-03", 404, "`tailguard backfill --start 2006-04-03"),
        (f"/reports/{LAST}?revision=7", 404, "There is no revision 7; the newest is revision 1."),
        ("/reports/2006-02-30", 400, "a date that exists"),
        (f"/reports/{LAST}?revision=0", 400, "revision"),
        (f"/reports/{LAST}/charts/nothing.png", 404, "No such chart"),
        ("/payloads/" + "0" * 64, 404, "No such payload"),
        ("/payloads/xyz", 400, "sha256"),
        ("/observations/NOPE/2006-06-30", 404, "No such series"),
        ("/observations/SPX/2006-06-24", 404, "The nearest days that have one"),
        ("/history?first=2006-06-30&last=2006-06-01", 422, "Swap them."),
        ("/history?columns=nothing", 422, "There are: veqtor_total_return"),
        ("/diff?first=2006", 400, "such as 2020-03-16 or 2020-03-16@2"),
        ("/calendar?year=99999", 400, "year"),
        ("/nowhere", 404, "No such page"),
    ],
)
def test_what_cannot_be_shown_is_said_with_the_way_on(reader: Reader, path: str, status: int, said: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == status
    page = Page(answer.text)
    assert said in page.words
    assert {tag for tag, _ in page.tags} >= {"nav", "h1", "main"}


def test_the_nearest_sessions_are_offered(reader: Reader) -> None:
    links = Page(reader.get(f"/reports/{SATURDAY}").text).links()
    assert {"/reports/2006-06-23", "/reports/2006-06-26"} <= links


def test_a_chart_is_a_picture_that_may_be_kept(reader: Reader) -> None:
    page = Page(reader.get(f"/reports/{LAST}").text)
    pictures = [each for tag, each in page.tags if tag == "img"]
    assert pictures
    assert all(each["alt"] for each in pictures)
    picture = reader.get(str(pictures[0]["src"]))
    assert picture.content.startswith(b"\x89PNG")
    assert "immutable" in picture.headers["cache-control"]


def test_what_a_reader_has_is_not_sent_again(reader: Reader) -> None:
    first = reader.get(f"/reports/{LAST}")
    again = reader.get(f"/reports/{LAST}", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert reader.get(f"/reports/{LAST}", "HEAD").content == b""


def test_feeds_are_there(reader: Reader) -> None:
    assert f"<title>VEQTOR {LAST}" in reader.get("/feed.atom").text.replace("LATE ", "")
    assert reader.get("/events.ics").text.startswith("BEGIN:VCALENDAR")
    assert reader.get("/schemas/report.json").json()["$schema"].startswith("https://json-schema.org/")


def test_the_database_may_be_absent_locked_old_or_replaced_at_any_time(
    database: Path, tmp_path: Path, calendar: TradingCalendar
) -> None:
    path = tmp_path / "secret-place.db"
    reader = reader_of(config_of(f"sqlite:///{path}", calendar))

    def said(page: str) -> tuple[int, str]:
        answer = reader.get(page)
        assert "secret-place" not in answer.text
        assert "Traceback" not in answer.text
        assert "SELECT" not in answer.text
        return answer.status_code, Page(answer.text).words

    status, words = said("/")
    assert status == 503
    assert "tailguard doctor" in words

    shutil.copy(database, path)
    assert said("/")[0] == 200

    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        status, words = said("/calendar")
        assert status == 503
        assert "Another program holds it" in words
        other.execute("ROLLBACK")
        other.execute("UPDATE alembic_version SET version_num = '0001'")
    other.close()
    status, words = said("/data")
    assert status == 503
    assert f"This program reads schema {SCHEMA_REVISION}; the database is at 0001." in words
    assert reader.get("/health").json()["status"] == 503

    path.write_bytes(b"no database at all, but a file that is long enough to be one" * 20)
    assert said("/outbox")[0] == 503
    path.unlink()
    assert said("/rules")[0] == 503
    shutil.copy(database, path)
    assert said(f"/reports/{LAST}")[0] == 200


def test_an_empty_database_says_how_to_fill_it(
    sqlite_with_schema: bytes, tmp_path: Path, calendar: TradingCalendar
) -> None:
    path = tmp_path / "empty.db"
    path.write_bytes(sqlite_with_schema)
    reader = reader_of(config_of(f"sqlite:///{path}", calendar))
    assert "tailguard run" in Page(reader.get("/").text).words
    for page in ("/history", "/diff", "/reports", "/events.ics"):
        assert reader.get(page).status_code == 404
    for page in ("/calendar", "/data", "/outbox", "/rules", "/study", "/feed.atom"):
        assert reader.get(page).status_code == 200, page


def test_what_breaks_inside_stays_inside(database: Path, calendar: TradingCalendar) -> None:
    def broken(*_: object) -> list[object]:
        raise RuntimeError("password in /etc/tailguard")

    reader = reader_of(config_of(f"sqlite:///{database}", calendar, troubles=broken))
    answer = reader.get("/")
    assert answer.status_code == 500
    assert "password" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_postgresql_is_read_alike(
    reader: Reader, postgresql: Server, made_up_dir: Path, calendar: TradingCalendar
) -> None:
    url = postgresql.database(with_schema=False)
    other = reader_of(config_of(fill(url, made_up_dir, calendar, words=HOSTILE), calendar, words=HOSTILE))
    for path in (*PAGES, "/api/reports?limit=500", "/api/outcomes", "/api/history", "/feed.atom"):
        here, there = reader.get(path), other.get(path)
        assert there.status_code == 200, path
        assert re.sub(r"[\d,.]+ bytes", "", there.text) == re.sub(r"[\d,.]+ bytes", "", here.text), path
