"""The review app over a filled database, and a real Chromium that reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from signals.calendar import TradingCalendar
from tests.browser.market import fill
from tests.conftest import ROOT
from tests.flows.conftest import free_port

#: A browser that asks nobody but the page it is shown.
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-sandbox",
]  # fmt: skip

DESKTOP, PHONE = (1280, 900), (390, 844)


def chromium() -> str:
    """The program; the test is skipped where there is none."""
    named = os.environ.get("TAILGUARD_TEST_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium: install Debian's package chromium, or name one in TAILGUARD_TEST_CHROMIUM")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module: while it runs, so does an event loop, which others must not find."""
    program = chromium()
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=program, args=FLAGS)) as it,
    ):
        yield it


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, data_dir: Path, calendar: TradingCalendar) -> Path:
    """A database of recorded data, which nothing changes."""
    return fill(tmp_path_factory.mktemp("browser") / "tailguard.db", data_dir, calendar)


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts ``tailguard review``; returns the address it answers at."""
    directory, started = tmp_path_factory.mktemp("review"), list[subprocess.Popen[bytes]]()

    def start(database: Path, *arguments: str) -> str:
        port = free_port()
        command = [sys.executable, "-m", "flows", "review", "--port", str(port), "--database", f"sqlite:///{database}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TAILGUARD_")}
        log = directory / f"{port}.log"
        with log.open("wb") as output:
            started.append(
                subprocess.Popen(
                    [*command, *arguments],
                    cwd=directory,
                    env=environment | {"PYTHONPATH": str(ROOT), "TAILGUARD_CLOCK": "2026-07-31T23:30:00+00:00"},
                    stdout=output,
                    stderr=output,
                )
            )
        address = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                httpx.get(f"{address}/health", timeout=5)
            except httpx.TransportError:
                assert started[-1].poll() is None, log.read_text()
                time.sleep(0.1)
            else:
                return address
        pytest.fail(f"the review app does not answer: {log.read_text()}")

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(20)


@pytest.fixture(scope="session")
def review(serving: Callable[..., str], filled: Path) -> str:
    """Address of the review app over the filled database."""
    return serving(filled)


@pytest.fixture
def context(browser: Browser, review: str) -> Iterator[BrowserContext]:
    """A fresh reader at a desk."""
    width, height = DESKTOP
    with closing(
        browser.new_context(base_url=review, viewport={"width": width, "height": height}, accept_downloads=True)
    ) as made:
        made.set_default_timeout(15_000)
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must not fail in silence: no error of a script, nothing asked of another host, nothing missing."""
    made, wrong = context.new_page(), list[str]()
    made.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    made.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    made.on("requestfailed", lambda request: wrong.append(f"{request.url} {request.failure}"))
    # Whoever moves on does not wait for what the page before was still loading.
    yield made
    # A page that is not there is an answer too, where a test asks for it.
    assert [each for each in wrong if "a status of 4" not in each and "ERR_ABORTED" not in each] == []
