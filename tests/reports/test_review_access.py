"""Who is let in: the form with the token, keys of subscriptions, and names that lead here; and what strangers see."""

from __future__ import annotations

import asyncio
import base64
import html
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import create_engine, make_url

from reports.review.keys import subscription
from reports.review.pages import source
from reports.review.problems import Problem
from reports.review.site import Site
from signals.calendar import TradingCalendar
from storage.engine import open_engine
from tests.market_files import LAST
from tests.postgresql import Server
from tests.reports.review_site import REVISED, Reader, config_of, fill, reader_of

pytestmark = pytest.mark.server

TOKEN = "a token of some length"  # noqa: S105 - known to this test only
PUBLIC = "tailguard.example.com"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, made_up_dir: Path, calendar: TradingCalendar) -> str:
    path = tmp_path_factory.mktemp("review") / "tailguard.db"
    return fill(f"sqlite:///{path}", made_up_dir, calendar)


@pytest.fixture(scope="module")
def locked(database: str, calendar: TradingCalendar) -> Reader:
    return reader_of(config_of(database, calendar, token=TOKEN, hosts=(PUBLIC,), version="9.8.7"))


def sent(reader: Reader, form: dict[str, str] | bytes, path: str = "/token", **headers: str) -> httpx.Response:
    """The answer to a form, as a browser sends it."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(reader.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            body = form if isinstance(form, bytes) else urlencode(form).encode()
            named = {"sec-fetch-site": "same-origin"} | {name.replace("_", "-"): each for name, each in headers.items()}
            return await client.post(f"http://localhost{path}", content=body, headers=named)

    return asyncio.run(ask())


def test_the_form_leads_to_the_page_that_was_asked_for(locked: Reader) -> None:
    wanted = "/history?first=2006-06-01&columns=vix"
    refused = locked.get(f"{wanted}&token=wrong")
    assert refused.headers["referrer-policy"] == "same-origin", "else a browser hides where the form comes from"
    (action, method) = re.findall(r'<form action="(/token)" method="(post)"', refused.text)[0]
    (onward,) = re.findall(r'name="onward" value="([^"]*)"', refused.text)
    assert (action, method, html.unescape(onward)) == ("/token", "post", wanted)
    wrong = sent(locked, {"token": "wrong", "onward": wanted})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert html.escape(wanted) in wrong.text
    answer = sent(locked, {"token": f" {TOKEN} ", "onward": wanted})
    assert (answer.status_code, answer.headers["location"], answer.headers["cache-control"]) == (
        303, wanted, "no-store",
    )  # fmt: skip
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert locked.get(wanted, cookie=cookie).status_code == 200
    assert locked.get("/token", cookie=cookie).headers["location"] == "/"


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example/", "/\\evil.example/", "https://evil.example/", "evil", "", "/\t/evil.example",
        "\\/evil.example", "/x\r\nset-cookie: a=b", "javascript:alert(1)", "/é",
    ],
)  # fmt: skip
def test_the_form_leads_to_no_other_host(locked: Reader, onward: str) -> None:
    answer = sent(locked, {"token": TOKEN, "onward": onward})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site", "origin": "http://localhost"}, 403),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, 303),
    ],
)
def test_only_a_page_of_ours_may_send_the_form(locked: Reader, headers: dict[str, str], status: int) -> None:
    assert sent(locked, {"token": TOKEN}, **headers).status_code == status


def test_an_older_browser_names_its_origin(locked: Reader) -> None:
    async def ask(origin: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(locked.app)) as client:
            form = {"token": TOKEN}
            return (await client.post("http://localhost/token", data=form, headers={"origin": origin})).status_code

    found = [asyncio.run(ask(origin)) for origin in ("http://localhost", "https://evil.example", "null")]
    assert found == [303, 403, 403]


def test_the_form_takes_little_and_only_where_there_is_a_token(
    locked: Reader, database: str, calendar: TradingCalendar
) -> None:
    assert sent(locked, b"token=" + b"x" * 10_000).status_code == 413
    assert sent(locked, {"token": TOKEN}, "/outbox").status_code == 405
    assert sent(reader_of(config_of(database, calendar)), {"token": TOKEN}).status_code == 405


@pytest.mark.parametrize(("path", "other"), [("/feed.atom", "/events.ics"), ("/events.ics", "/feed.atom")])
def test_a_subscription_needs_nothing_but_its_address(locked: Reader, path: str, other: str) -> None:
    page = locked.get("/", authorization=f"Bearer {TOKEN}").text
    address = subscription(path, TOKEN)
    assert f'href="{address}"' in page
    answer = locked.get(address)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "?key=" not in answer.text
    key = address.partition("?")[2]
    for elsewhere in (other, "/", f"/reports/{LAST}", "/api/reports"):
        assert locked.get(f"{elsewhere}?{key}").status_code == 401
    assert locked.get(f"{path}?key=").status_code == 401
    assert locked.get(f"{path}?key=%00é").status_code == 401
    assert locked.get(f"{path}?{key[4:].replace('=', '')}").status_code == 401


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/nothing", "/healthy"])
def test_strangers_see_neither_version_nor_key(locked: Reader, path: str) -> None:
    text = locked.get(path).text
    assert "9.8.7" not in text
    assert "?key=" not in text
    assert "9.8.7" in locked.get("/", authorization=f"Bearer {TOKEN}").text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST.", 200), ("[::1]:8321", 200), ("tailguard.example.com:443", 200),
        ("localhost:x@evil.com", 400), ("[::1]evil.com", 400), ("localhost:", 400), ("localhost:0", 400),
        ("localhost:99999", 400), ("localhost:999999", 400), ("localhost evil", 400), ("", 400), ("[::1", 400),
    ],
)  # fmt: skip
def test_a_host_is_a_name_and_perhaps_a_port(locked: Reader, host: str, status: int) -> None:
    assert locked.get("/health", host=host).status_code == status


def test_of_a_file_of_the_host_its_name_alone_is_shown() -> None:
    assert source("/srv/data/yahoo/GSPC.csv") == source("C:\\data\\GSPC.csv") == "GSPC.csv"
    for address in ("https://example.com/a/b.csv", "sample://seed-1/a/b.csv", "GSPC.csv"):
        assert source(address) == address


def test_no_page_shows_a_path_of_the_host(database: str, calendar: TradingCalendar, made_up_dir: Path) -> None:
    reader = reader_of(config_of(database, calendar))
    observation = f"/observations/SPX/{REVISED}"
    versions = reader.get(f"/api/observations?series=SPX&day={REVISED}").json()["versions"]
    payload = f"/payloads/{versions[0]['payload_sha256']}"
    assert all(each["locator"] and "/" not in each["locator"] for each in versions)
    for path in (observation, payload, "/data"):
        answer = reader.get(path)
        assert answer.status_code == 200
        assert str(made_up_dir) not in answer.text


def said(url: str, calendar: TradingCalendar) -> tuple[int, str]:
    """What a program is told of a database."""
    answer = reader_of(config_of(url, calendar)).get("/api/reports")
    return answer.status_code, f"{answer.json()['title']}. {answer.json()['detail']}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "Run `tailguard db upgrade`"),
        ("UPDATE alembic_version SET version_num = '9999'", "upgrade this one"),
        ("UPDATE alembic_version SET version_num = '1975ea83b712'", "another program's"),
        ("DROP TABLE alembic_version", "another program's"),
    ],
)
def test_a_database_of_another_version_says_who_has_to_be_upgraded(
    tmp_path: Path, sqlite_with_schema: bytes, calendar: TradingCalendar, change: str, told: str
) -> None:
    path = tmp_path / "tailguard.db"
    path.write_bytes(sqlite_with_schema)
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    status, words = said(f"sqlite:///{path}", calendar)
    assert (status, told in words) == (503, True), words
    assert ("db upgrade" in words) == ("db upgrade" in told)


def test_an_empty_database_has_no_schema_yet(tmp_path: Path, calendar: TradingCalendar) -> None:
    (tmp_path / "empty.db").touch()
    assert "It has no schema yet. Run `tailguard db upgrade`" in said(f"sqlite:///{tmp_path / 'empty.db'}", calendar)[1]


def test_nothing_ahead_is_no_calendar(tmp_path: Path, sqlite_with_schema: bytes, calendar: TradingCalendar) -> None:
    (tmp_path / "new.db").write_bytes(sqlite_with_schema)
    answer = reader_of(config_of(f"sqlite:///{tmp_path / 'new.db'}", calendar)).get("/events.ics")
    assert (answer.status_code, answer.json()["title"]) == (404, "Nothing ahead yet")


def test_a_link_to_a_database_is_followed_for_each_request(tmp_path: Path, sqlite_with_schema: bytes) -> None:
    link = tmp_path / "link.db"
    for name in ("first", "second"):
        (tmp_path / f"{name}.db").write_bytes(sqlite_with_schema)
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            connection.execute("CREATE TABLE here AS SELECT ? AS name", (name,))
    link.symlink_to("first.db")
    engine = open_engine(f"sqlite:///{link}", read_only=True)
    found = []
    for name in ("first", "second"):
        link.unlink()
        link.symlink_to(f"{name}.db")
        with engine.connect() as connection:
            found.append(connection.exec_driver_sql("SELECT name FROM here").scalar())
    assert found == ["first", "second"]


def test_a_picture_has_another_address_where_it_would_be_another(database: str, calendar: TradingCalendar) -> None:
    def address(**changes: Any) -> str:
        page = reader_of(replace(config_of(database, calendar), **changes)).get(f"/reports/{LAST}").text
        return html.unescape(re.findall(r'src="(/reports/[^"]*/charts/trend\.png[^"]*)"', page)[0])

    closed = TradingCalendar((LAST.replace(day=1),))
    ignored = [("SPX", "cboe", LAST)]
    found = {address(), address(version="0.1"), address(ignored=ignored), address(calendar=lambda: closed)}
    assert len(found) == 4
    assert address() in found


def test_a_server_says_what_is_wrong_in_the_words_of_this_app(postgresql: Server, calendar: TradingCalendar) -> None:
    url = postgresql.database()
    reader = reader_of(config_of(url, calendar))
    place = base64.urlsafe_b64encode(b'{"session": "2006-06-30", "id": 2147483647}').decode()
    for path in ("/outbox?before=2147483647", f"/api/reports?cursor={place}", "/api/outcomes?first=0001-01-01"):
        assert reader.get(path).status_code == 200, path
    assert reader.get("/api/reports?rule_set=%00").status_code == 422
    for rule_set, key in (("\0", 1), ("veqtor", 2**63)):
        with pytest.raises(Problem) as caught, Site(config_of(url, calendar)).work() as work:
            work.reports.heads(rule_set, before=(LAST, key), limit=1)
        assert caught.value.status == 422
    nowhere = make_url(url).set(database="tailguard_nowhere").render_as_string(hide_password=False)
    status, words = said(nowhere, calendar)
    assert (status, "cannot be read" in words, "schema" in words) == (503, True, False)
    admin = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with admin.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    admin.dispose()
    assert "another program's" in said(url, calendar)[1]
