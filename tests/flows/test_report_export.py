"""Reports as files, on the command line."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import json
import os
import re
import stat
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as Xml

import pytest
from icalendar import Calendar
from pyarrow import parquet

from reports.export.documents import PROVENANCE
from signals.document import document_hash, encode
from signals.veqtor.report import SignalReport, fingerprint
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.engine import open_engine
from tasks.persist import emit
from tasks.runs import start_run
from tests.conftest import ROOT, now
from tests.flows.conftest import Ended, Tailguard
from tests.market_files import LAST, SESSIONS
from tests.reports import hedges

pytestmark = pytest.mark.server

DAYS = SESSIONS[-4:]
LATER = now() + dt.timedelta(hours=1)
BEFORE = "2026-11-20T19:00"

Export = Callable[..., Ended]


@pytest.fixture(scope="module")
def reports(made_up_signals: VeqtorSignals) -> list[SignalReport]:
    """Four sessions, the last with a hedge."""
    found = [signal_report(made_up_signals, day, 1e6) for day in DAYS]
    return [*found[:-1], replace(found[-1], hedges=(hedges.seed(),))]


@pytest.fixture
def database(
    tmp_path: Path, sqlite_with_schema: bytes, reports: list[SignalReport], monkeypatch: pytest.MonkeyPatch
) -> str:
    """They are stored, and an hour later a correction of the second."""
    (tmp_path / "reports.db").write_bytes(sqlite_with_schema)
    url = f"sqlite:///{tmp_path / 'reports.db'}"
    engine = open_engine(url)
    run = start_run(engine, "daily", "files", None, now)
    emit(engine, run, reports, [], now)
    emit(engine, run, [replace(reports[1], constant_maturity_30d=1.0)], [], lambda: LATER)
    engine.dispose()
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", url)
    return url


@pytest.fixture
def export(tailguard: Tailguard, database: str) -> Export:
    return lambda *arguments: tailguard("report", "export", *arguments)


def test_documents_are_those_that_are_stored_with_their_provenance(export: Export, reports: list[SignalReport]) -> None:
    ended = export()
    found = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert [(item["session"], item["revision"]) for item in found] == [
        (str(day), revision) for day, revision in zip(DAYS, (1, 2, 1, 1), strict=True)
    ]
    said = {name: value for name, value in found[0].items() if name not in PROVENANCE}
    assert said == json.loads(json.dumps(encode(reports[0])))
    assert found[0]["document_sha256"] == document_hash(said)
    assert found[0]["fingerprint"] == fingerprint(reports[0])
    assert found[1]["emitted_at"] == LATER.isoformat()
    assert [json.loads(line) for line in export("--format", "ndjson").out.splitlines()] == found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--all-revisions"], [(0, 1), (1, 1), (1, 2), (2, 1), (3, 1)]),
        (["--as-of", BEFORE], [(0, 1), (1, 1), (2, 1), (3, 1)]),
        (["--first", DAYS[1], "--last", DAYS[2]], [(1, 2), (2, 1)]),
        (["--session", DAYS[1], "--revision", "1"], [(1, 1)]),
        (["--last", DAYS[0]], [(0, 1)]),
    ],
)
def test_a_range_and_revisions_can_be_chosen(
    export: Export, arguments: list[object], expected: list[tuple[int, int]]
) -> None:
    for form in ("ndjson", "csv"):
        out = export("--format", form, *arguments).out
        rows = csv.DictReader(io.StringIO(out)) if form == "csv" else map(json.loads, out.splitlines())
        assert [(row["session"], int(row["revision"])) for row in rows] == [
            (str(DAYS[number]), revision) for number, revision in expected
        ]


@pytest.mark.parametrize("table", ["figures", "hedges", "allocations", "hedge-targets"])
def test_parquet_and_csv_say_the_same(export: Export, table: str) -> None:
    rows = list(csv.DictReader(io.StringIO(export("--format", "csv", "--table", table).out)))
    ended = export("--format", "parquet", "--table", table, "--output", "t.parquet")
    assert (ended.code, ended.out) == (0, "Wrote 4 reports to t.parquet.\n")
    found = parquet.read_table("t.parquet").to_pylist()
    assert len(found) == len(rows) > 0

    def cell(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else value.isoformat() if isinstance(value, dt.date) else str(value)

    assert [{name: cell(value) for name, value in row.items()} for row in found] == rows


def test_parquet_is_never_written_to_a_terminal(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ended = export("--format", "parquet")
    assert (ended.code, ended.out) == (2, "")
    assert "Name a file with --output" in ended.err


def test_parquet_without_its_package_says_what_to_install(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ended = export("--format", "parquet", "--output", "f.parquet")
    assert ended.code == 2
    assert "pip install 'tailguard[parquet]'" in ended.err
    assert not list(Path().glob("*parquet*"))


def test_a_file_is_written_whole_and_replaced_only_when_asked(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("r.json").write_text("mine")
    refused = export("--output", "r.json")
    assert refused.code == 2
    assert "replace it with --force" in refused.err
    assert Path("r.json").read_text() == "mine"

    def breaks(*_: object) -> bytes:
        raise RuntimeError("in the middle")

    with monkeypatch.context() as broken:
        broken.setattr("reports.export.documents.document_hash", breaks)
        with pytest.raises(RuntimeError):
            export("--output", "r.json", "--force")
    assert Path("r.json").read_text() == "mine"
    assert export("--output", "r.json", "--force").code == 0
    assert len(json.loads(Path("r.json").read_text())) == 4
    assert [path.name for path in Path().iterdir() if "r.json" in path.name] == ["r.json"]
    assert "one that can be written" in export("--output", "nowhere/r.json").err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--session", "2020-13-01"], "expected a date as yyyy-mm-dd, got '2020-13-01'"),
        (["--first", "yesterday"], "expected a date as yyyy-mm-dd, got 'yesterday'"),
        (["--session", "2099-01-05"], f"4 sessions from {DAYS[0]} to {LAST} are stored"),
        (["--first", "1900-01-01", "--last", "1999-12-31"], f"4 sessions from {DAYS[0]} to {LAST} are stored"),
        (["--first", str(LAST), "--last", str(DAYS[0])], "Swap --first and --last"),
        (["--session", str(DAYS[0]), "--revision", "7"], f"report of session {DAYS[0]}, revision 7"),
        (["--as-of", "2001-01-01"], "as of 2001-01-01 23:59 New York"),
        (["--session", str(DAYS[0]), "--last", str(LAST)], "no --first or --last with it"),
        (["--revision", "1", "--all-revisions"], "no --all-revisions with it"),
        (["--table", "hedges"], "--format csv or parquet with it, got --format json"),
        (["--format", "ics", "--session", "2099-01-05"], "are stored"),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_told(export: Export, arguments: list[str], said: str) -> None:
    ended = export(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_an_empty_database_says_how_to_fill_it(tailguard: Tailguard, tmp_path: Path, sqlite_with_schema: bytes) -> None:
    (tmp_path / "empty.db").write_bytes(sqlite_with_schema)
    for arguments in (["export"], ["export", "--format", "ics"], ["open"]):
        ended = tailguard("report", *arguments, "--database", f"sqlite:///{tmp_path / 'empty.db'}")
        assert ended.code == 2
        assert "`tailguard run" in ended.err


def test_the_calendar_is_that_of_the_newest_report_unless_a_range_is_asked_for(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closes(*arguments: object) -> list[str]:
        events = Calendar.from_ical(export("--format", "ics", *arguments).out).walk("VEVENT")
        return [str(event["SUMMARY"]) for event in events if "Effective close" in event["SUMMARY"]]

    (newest,) = closes()
    assert str(LAST) in newest
    assert len(closes("--first", DAYS[0])) == 4
    monkeypatch.setenv("TAILGUARD_REVIEW_URL", "https://desk.example.com")
    assert f"URL:https://desk.example.com/reports/{LAST}?revision=1" in export("--format", "ics").out


def test_the_feed_has_an_entry_for_each_revision(
    tailguard: Tailguard, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = tailguard("report", "feed")
    assert refused.code == 2
    assert "set TAILGUARD_REVIEW_URL" in refused.err
    assert tailguard("report", "feed", "--base-url", "javascript:alert(1)").code == 2
    monkeypatch.setenv("TAILGUARD_REVIEW_URL", "https://desk.example.com")
    for limit, count in (("3", 3), ("50", 5)):
        # Replaced, as a feed is.
        ended = tailguard("report", "feed", "--limit", limit, "--output", "feed.atom")
        assert (ended.code, ended.out) == (0, f"Wrote {count} entries to feed.atom.\n")
        feed = Xml.fromstring(Path("feed.atom").read_bytes())  # noqa: S314 - our own
        assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == count
    assert stat.S_IMODE(Path("feed.atom").stat().st_mode) & 0o077 == 0o077 & ~umask() & 0o066


def umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


def test_the_schema_is_printed_as_published(tailguard: Tailguard) -> None:
    ended = tailguard("report", "schema")
    assert (ended.code, ended.out) == (0, (ROOT / "docs" / "report.schema.json").read_text())


def test_a_report_opens_as_one_private_file_with_its_charts(
    tailguard: Tailguard, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) is None)
    ended = tailguard("report", "open", DAYS[1])
    assert ended.code == 0
    assert opened == [ended.out.strip()]
    path = Path(unquote(urlsplit(opened[0]).path))
    assert path.name == f"tailguard-{DAYS[1]}-r2.html"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    page = path.read_text()
    assert f"session {DAYS[1]:%A} {DAYS[1]}" in page
    pictures = re.findall(r'src="([^"]*)"', page)
    assert pictures
    for picture in pictures:
        kind, _, data = picture.partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    ended = tailguard("report", "open", DAYS[1])
    assert ended.code == 1
    assert "No browser was found" in ended.err


def test_a_report_opens_where_the_review_app_is(
    tailguard: Tailguard, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_REVIEW_URL", "https://desk.example.com")
    monkeypatch.setattr(webbrowser, "open", lambda _: pytest.fail("it was to be printed only"))
    ended = tailguard("report", "open", "--print-only")
    assert (ended.code, ended.out) == (0, f"https://desk.example.com/reports/{LAST}?revision=1\n")
    assert tailguard("report", "open", "2099-01-05").code == 2
    assert tailguard("report", "open", "tomorrow").code == 2
