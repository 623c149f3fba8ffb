"""The interface for programs, and who may use the app at all."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reports.export.documents import exported
from reports.review.guard import COOKIE
from signals.calendar import TradingCalendar
from storage.engine import open_engine
from storage.schema import SCHEMA_REVISION
from storage.unit_of_work import UnitOfWork
from tests.market_files import LAST
from tests.reports.review_site import FAILED_SESSION, FIRST, REVISED, SATURDAY, Reader, config_of, fill, reader_of

pytestmark = pytest.mark.server

TOKEN = "a token of some length"  # noqa: S105 - known to this test only


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, made_up_dir: Path, calendar: TradingCalendar) -> str:
    path = tmp_path_factory.mktemp("review") / "tailguard.db"
    return fill(f"sqlite:///{path}", made_up_dir, calendar)


@pytest.fixture(scope="module")
def reader(database: str, calendar: TradingCalendar) -> Reader:
    return reader_of(config_of(database, calendar))


@pytest.fixture(scope="module")
def locked(database: str, calendar: TradingCalendar) -> Reader:
    return reader_of(config_of(database, calendar, token=TOKEN, hosts=("tailguard.example.com",)))


def cursor(**place: object) -> str:
    """A place in a list that the app never gave."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def followed(reader: Reader, path: str | None, key: str) -> list[dict[str, object]]:
    """Every item of a list, page by page."""
    found = []
    while path:
        document = reader.get(path).json()
        found += document[key]
        path = document["next"]
    return found


def test_every_report_is_listed_once_page_by_page(reader: Reader) -> None:
    whole = reader.get("/api/reports?limit=500").json()
    assert whole["next"] is None
    sessions = [(each["session"], each["revision"]) for each in whole["reports"]]
    assert sessions == sorted(sessions, reverse=True)
    assert sessions[0] == (str(LAST), 1)
    assert sessions[-1] == (str(FIRST), 1)
    assert {(str(REVISED), 1), (str(REVISED), 2)} <= set(sessions)
    assert followed(reader, "/api/reports?limit=7", "reports") == whole["reports"]
    some = followed(reader, f"/api/reports?limit=2&first={REVISED}&last={REVISED}&as_of=2006-06-30T23:30Z", "reports")
    assert [each["revision"] for each in some] == [1]


def test_a_report_is_the_document_that_was_stored(reader: Reader) -> None:
    found = reader.get(f"/api/reports/{REVISED}").json()
    assert (found["revision"], found["newest_revision"]) == (2, 2)
    assert found["report"]["target"] == {"equity": 0.5, "volatility": 0.5, "cash": 0.0}
    assert found["report"]["session"] == str(REVISED)
    assert (found["previous"], found["following"]) == ("2006-06-27", "2006-06-29")
    assert reader.get(f"/api/reports/{REVISED}?revision=1").json()["report"]["target"]["equity"] != 0.5


def test_its_document_is_what_is_exported_and_as_the_schema_says(reader: Reader, database: str) -> None:
    answer = reader.get(f"/api/reports/{REVISED}")
    with UnitOfWork(open_engine(database, read_only=True)) as work:
        stored = work.reports.newest("veqtor", REVISED)
    assert stored
    assert answer.json()["report"] == exported(stored)
    assert stored.document[:-1] in answer.text, "digit for digit"
    schema = reader.get("/schemas/report.json").json()
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.json()["report"])


def test_figures_outcomes_and_observations_can_be_had(reader: Reader) -> None:
    rows = followed(reader, "/api/history?columns=vix&columns=target_equity&limit=10", "rows")
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert {row[0]: row[2] for row in rows}[str(REVISED)] == 0.5
    outcomes = followed(reader, "/api/outcomes?limit=9", "outcomes")
    assert (outcomes[0]["session"], outcomes[0]["outcome"]) == (str(FAILED_SESSION), "FAILED")
    assert {each["session"]: each["outcome"] for each in outcomes}[str(REVISED)] == "REVISED"
    found = reader.get(f"/api/observations?series=SPX&day={LAST}").json()
    yahoo = [each["value"] for each in found["versions"] if each["publisher"] == "yahoo"]
    assert (found["publishers"], yahoo[0], len(yahoo)) == (["yahoo", "cboe"], 1270.5, 2)
    assert reader.get("/health").json() == {"status": "ok", "schema_revision": SCHEMA_REVISION}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/reports/{SATURDAY}", 404),
        ("/api/reports/yesterday", 422),
        ("/api/reports?limit=501", 422),
        ("/api/reports?cursor=bm90IG91cnM", 422),
        ("/api/reports?first=2006-06-30&last=2006-06-01", 422),
        ("/api/history?columns=secrets", 422),
        ("/api/observations?series=SPX", 422),
        (f"/api/observations?series=SPX&day={SATURDAY}", 404),
        ("/api/nothing", 404),
        # A day before the first, and keys that no column can hold.
        (f"/api/outcomes?cursor={cursor(session='0001-01-01')}", 422),
        (f"/api/reports?cursor={cursor(session='2006-06-30', id=10**30)}", 422),
        (f"/api/reports?cursor={cursor(session='2006-06-30', id=2**31)}", 422),
        ("/api/reports?rule_set=%00", 422),
        ("/api/reports/2006-06-30?revision=0", 422),
        ("/api/reports/2006-06-30?revision=%2B1", 422),
    ],
)
def test_errors_are_problem_documents(reader: Reader, path: str, status: int) -> None:
    answer = reader.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


def test_the_interface_describes_itself(reader: Reader) -> None:
    document = reader.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/reports", "/api/reports/{session}", "/api/history", "/api/observations", "/api/outcomes", "/health",
    }  # fmt: skip
    for path, methods in document["paths"].items():
        assert set(methods) == {"get"}
        described = methods["get"]
        assert described["description"] or described["summary"], path
        assert {"200", "400", "422", "500", "503"} <= set(described["responses"]), path
        for status, response in described["responses"].items():
            kind = {"200": "application/json", "400": "text/plain"}.get(status, "application/problem+json")
            assert set(response["content"]) == {kind}, (path, status)
        assert all(each.get("description") for each in described.get("parameters", [])), path


@pytest.mark.parametrize("path", [f"/reports/{REVISED}", f"/reports/{REVISED}/text", f"/reports/{REVISED}/inputs"])
def test_an_empty_revision_is_none(reader: Reader, path: str) -> None:
    assert reader.get(f"{path}?revision=").content == reader.get(path).content
    assert reader.get(f"/outbox?before=&x={path}").status_code == 200
    assert reader.get("/outbox?before=2147483648").status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading_is_answered(reader: Reader, method: str) -> None:
    answer = reader.get("/outbox", method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/reports", "/static/nothing.js", "/health"])
def test_every_answer_keeps_others_out(reader: Reader, path: str) -> None:
    headers = reader.get(path).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_static_files_are_kept_for_ever_under_names_that_change_with_them(reader: Reader) -> None:
    (style,) = re.findall(r'href="(/static/review\.[0-9a-f]{10}\.css)"', reader.get("/").text)
    answer = reader.get(style)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]
    assert reader.get("/static/../pages.py").status_code == 404


@pytest.mark.parametrize(
    ("host", "known"),
    [("localhost", True), ("127.0.0.1:8321", True), ("[::1]:8321", True), ("evil.example", False), ("10.0.0.7", False)],
)
def test_a_name_that_somebody_has_point_here_is_not_answered(
    database: str, calendar: TradingCalendar, host: str, known: bool
) -> None:
    app = reader_of(config_of(database, calendar)).app
    assert (Reader(app, host).get("/health").status_code == 200) is known
    everywhere = reader_of(config_of(database, calendar, any_address=True, token=TOKEN)).app
    assert (Reader(everywhere, host).get("/health").status_code == 200) is (host != "evil.example")


@pytest.mark.parametrize("path", ["/", f"/reports/{LAST}", "/api/reports", "/feed.atom", "/openapi.json", "/nowhere"])
def test_without_the_token_nothing_is_shown(locked: Reader, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": f"{COOKIE}={TOKEN}"}, {"cookie": f"{COOKIE}="}):
        answer = locked.get(path, **headers)
        assert answer.status_code == 401
        assert str(LAST) not in answer.text.replace(path, "")
    assert locked.get(f"{path}?token=wrong").status_code == 401


def test_the_token_is_taken_as_a_header_or_once_as_a_cookie(locked: Reader) -> None:
    assert locked.get("/api/reports", authorization=f"Bearer {TOKEN}").status_code == 200
    answer = locked.get(f"/history?columns=vix&token={TOKEN}")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert (answer.status_code, answer.headers["location"]) == (303, "/history?columns=vix")
    assert TOKEN not in answer.text
    value = cookie.partition(";")[0]
    assert locked.get("/", cookie=value).status_code == 200


def test_a_link_in_a_mail_reaches_its_page_and_no_other_host(locked: Reader) -> None:
    # The browser keeps a strict cookie back on the way from elsewhere; the page that leads on is ours.
    answer = locked.get(f"/reports/{LAST}?revision=1", sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert f'content="0;url=/reports/{LAST}?revision=1"' in answer.text
    for path in ("//evil.example/", "/\\evil.example/"):
        answer = locked.get(path, sec_fetch_site="cross-site", sec_fetch_mode="navigate")
        assert "url=/evil.example/" in answer.text or "url=/%5Cevil.example/" in answer.text
