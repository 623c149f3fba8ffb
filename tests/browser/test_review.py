"""The review app as its readers have it: a real browser, over recorded data."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from storage.engine import open_engine
from storage.unit_of_work import UnitOfWork
from tests.browser.conftest import PHONE
from tests.browser.market import CORRECTED, FIRST, LAST, WRONG_FILE
from tests.conftest import ROOT

pytestmark = pytest.mark.server

PAGES = {
    "today": "/",
    "calendar": "/calendar",
    "report": f"/reports/{LAST}",
    "revision": f"/reports/{CORRECTED}?revision=1",
    "inputs": f"/reports/{LAST}/inputs",
    "observation": f"/observations/SPX/{CORRECTED}",
    "payload": f"/payloads/{hashlib.sha256(WRONG_FILE).hexdigest()}?day={CORRECTED}&series=SPX",
    "diff": f"/diff?first={CORRECTED}@1&second={CORRECTED}@2",
    "history": "/history",
    "data": "/data",
    "series": "/data/SPX",
    "outbox": "/outbox",
    "rules": "/rules",
    "study": "/study",
    "missing": "/reports/2025-07-04",
}

#: Settings of whoever runs the tests are taken away from them, this one too.
WRITES_DOCS = os.environ.get("TAILGUARD_TEST_WRITE_DOCS") == "1"

#: What the documentation shows.
PICTURES = ("today", "calendar", "report", "inputs", "diff", "history", "data")


def wrong_for_readers_with_assistance(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{item['id']}: {node['target']} {node.get('failureSummary', '')}"
        for item in found
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_and_can_be_read_by_all(page: Page, name: str) -> None:
    answer = page.goto(PAGES[name])
    assert answer
    assert answer.status == (404 if name == "missing" else 200)
    expect(page.locator("h1")).to_have_count(1)
    # Pictures below the fold come when they are scrolled to.
    page.evaluate("document.querySelectorAll('img').forEach(each => { each.loading = 'eager' })")
    page.wait_for_load_state("networkidle")
    broken = page.evaluate("[...document.images].filter(each => !each.naturalWidth).map(each => each.src)")
    assert broken == []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two literals
        assert wrong_for_readers_with_assistance(page) == [], scheme
    if WRITES_DOCS and name in PICTURES:
        page.emulate_media(color_scheme="light")
        page.screenshot(path=ROOT / f"docs/review/{name}.png")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert overflow(page) <= 0


def test_a_number_leads_to_the_bytes_it_was_read_from(page: Page, filled: Path) -> None:
    page.goto(f"/reports/{LAST}")
    page.get_by_role("link", name="Inputs", exact=True).first.click()
    page.get_by_role("row").filter(has_text="VIX").first.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(rf"/observations/VIX/{LAST}(\?|$)"))
    version = page.get_by_role("row").filter(has_text="yahoo").or_(page.get_by_role("row").filter(has_text="cboe"))
    version.first.get_by_role("link").last.click()
    expect(page.locator("tr.marked")).to_contain_text(f"{LAST:%Y}")
    sha256 = page.locator("dd.where").first.inner_text()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download, byte for byte").click()
    body = Path(str(downloading.value.path())).read_bytes()
    assert hashlib.sha256(body).hexdigest() == sha256
    engine = open_engine(f"sqlite:///{filled}", read_only=True)
    with UnitOfWork(engine) as work:
        (newest, *_) = [item for item in work.observations.traced(series="VIX", day=LAST) if item.publisher == "cboe"]
    engine.dispose()
    assert newest.payload_sha256 == sha256


def test_two_revisions_are_compared(page: Page) -> None:
    page.goto(f"/reports/{CORRECTED}")
    page.get_by_role("link", name="Compare with revision 1").click()
    closes = page.get_by_role("row").filter(has_text=re.compile(r"5,?082\.77"))
    expect(closes.first).to_contain_text(re.compile(r"4,?982\.77"))
    page.get_by_role("link", name="Swap").click()
    expect(page).to_have_url(re.compile(rf"first={CORRECTED}(@|%40)2"))
    page.goto(f"/reports/{CORRECTED}?revision=1")
    expect(page.locator("main")).to_contain_text("Superseded: revision 2")


def test_a_history_is_chosen_and_taken_away(page: Page, filled: Path) -> None:
    page.goto("/history")
    page.get_by_label("From").fill("2025-03-03")
    page.get_by_label("to", exact=True).fill("2025-04-30")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile("first=2025-03-03.*last=2025-04-30"))
    expect(page.locator("#chart canvas").first).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(str(downloading.value.path())).read_text())))
    engine = open_engine(f"sqlite:///{filled}", read_only=True)
    with UnitOfWork(engine) as work:
        stored = work.figures.history(first=dt.date(2025, 3, 3), last=dt.date(2025, 4, 30))
    engine.dispose()
    assert [row["session"] for row in rows] == [item.session.isoformat() for item in stored]
    named = set(rows[0]) & set(vars(stored[0])) - {"session", "revision", "emitted_at"}
    assert named
    for row, item in zip(rows, stored, strict=True):
        for name in named:
            value = getattr(item, name)
            if isinstance(value, float):
                assert float(row[name]) == value


def test_a_chart_is_zoomed_and_the_range_stays_in_the_address(page: Page) -> None:
    page.goto("/history?first=2025-03-03&last=2025-06-30")
    canvas = page.locator("#chart canvas").first
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    before = page.url
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.4, steps=5)
    page.mouse.up()
    page.wait_for_function("before => location.href !== before", arg=before)
    zoomed = page.url
    page.goto(zoomed)
    expect(canvas).to_be_visible()


def test_it_is_read_with_the_keyboard_alone(page: Page) -> None:
    page.goto(f"/reports/{CORRECTED}")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("/reports/2025-04-07"))
    page.keyboard.press("k")
    expect(page).to_have_url(re.compile(f"/reports/{CORRECTED}"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#jump")).to_be_focused()
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_without_scripts_every_figure_is_there(browser: Browser, review: str) -> None:
    with closing(browser.new_context(base_url=review, java_script_enabled=False)) as plain:
        page = plain.new_page()
        page.goto("/history?first=2025-04-01&last=2025-04-30")
        assert page.get_by_role("row").count() > 20
        page.goto(f"/reports/{LAST}")
        expect(page.locator("figure img").first).to_have_attribute("alt", re.compile(r"\d"))
        page.locator("#jump").fill("2025-04-08")
        page.get_by_role("button", name="Go").click()
        expect(page).to_have_url(re.compile("/reports/2025-04-08"))


def test_a_report_prints_without_what_only_a_screen_needs(page: Page) -> None:
    page.goto(f"/reports/{LAST}")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/reports/2031-01-02", 404, "2026-07-29"),
        ("/reports/1999-01-04", 404, "2025-01-02"),
        ("/reports/2025-07-04", 404, "2025-07-03"),
        ("/reports/yesterday", 400, "yyyy-mm-dd"),
        (f"/reports/{LAST}?revision=9", 404, "revision"),
        (f"/payloads/{'0' * 64}", 404, "tailguard"),
        ("/nowhere", 404, "tailguard"),
    ],
)
def test_what_is_not_there_says_where_to_go(page: Page, path: str, status: int, said: str) -> None:
    answer = page.goto(path)
    assert answer
    assert answer.status == status
    expect(page.locator("body")).to_contain_text(said)
    assert page.get_by_role("main").get_by_role("link").count() > 0


def test_a_token_is_asked_for_once(browser: Browser, serving: Callable[..., str], filled: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("correct-horse-battery-staple\n")
    token.chmod(0o600)
    address = serving(filled, "--token-file", str(token))
    assert httpx.get(f"{address}/api/reports").status_code == 401
    assert httpx.get(f"{address}/api/reports", headers={"Authorization": "Bearer wrong"}).status_code == 401
    with closing(browser.new_context(base_url=address)) as context:
        page = context.new_page()
        refused = page.goto("/")
        assert refused
        assert refused.status == 401
        assert str(LAST) not in page.content()
        page.goto("/?token=correct-horse-battery-staple")
        assert "token" not in page.url
        page.goto(f"/reports/{LAST}")
        expect(page.locator("h1")).to_be_visible()
        (cookie,) = context.cookies()
        assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")


def test_fifty_readers_at_once_all_get_their_pages(review: str) -> None:
    paths = [path for name, path in PAGES.items() if name != "missing"]

    def read(number: int) -> set[int]:
        with httpx.Client(base_url=review, timeout=60) as reader:
            return {reader.get(paths[(number + turn) % len(paths)]).status_code for turn in range(4)}

    with ThreadPoolExecutor(50) as pool:
        assert set().union(*pool.map(read, range(50))) == {200}


def test_the_api_pages_through_all_reports(review: str) -> None:
    found, address = list[str](), f"{review}/api/reports?limit=100"
    with httpx.Client() as reader:
        while address:
            answer = reader.get(address)
            assert answer.status_code == 200
            document = answer.json()
            found += [(item["session"], item["revision"]) for item in document["reports"]]
            address = document["next"] and httpx.URL(review).join(document["next"])
        schema = json.loads(reader.get(f"{review}/openapi.json").content)
    assert len(found) == len(set(found))
    assert {session for session, _ in found} >= {str(FIRST), str(CORRECTED), str(LAST)}
    assert {"/api/reports", "/api/history", "/api/observations", "/api/outcomes"} <= set(schema["paths"])
