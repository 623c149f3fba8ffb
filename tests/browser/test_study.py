"""A study as one file, in a real browser: for all readers, on a desk, on a phone and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reports.study.html import study_page
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_review import overflow, wrong_for_readers_with_assistance
from tests.reports.made_study import made_study

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("study") / "study.html"
    path.write_text(study_page(made_study()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def alone(browser: Browser, address: str) -> Iterator[Page]:
    """The file, with no network at all."""
    with closing(browser.new_context(offline=True)) as context:
        page = context.new_page()
        page.goto(address)
        yield page


def test_the_file_is_read_by_all(alone: Page) -> None:
    for (width, height), scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        alone.set_viewport_size({"width": width, "height": height})
        alone.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two literals
        assert overflow(alone) <= 0
        assert wrong_for_readers_with_assistance(alone) == [], scheme
    pictures = alone.evaluate("[...document.images].map(each => [each.naturalWidth, each.alt.length])")
    assert len(pictures) == 9
    assert all(wide > 0 and told > 40 for wide, told in pictures)


def test_the_answer_and_a_picture_are_on_the_first_screen_of_a_desk(alone: Page) -> None:
    width, height = DESKTOP
    alone.set_viewport_size({"width": width, "height": height})
    answer, picture = alone.locator(".answer").bounding_box(), alone.locator("img").first.bounding_box()
    assert answer
    assert picture
    assert answer["y"] < 200
    assert picture["y"] + picture["height"] / 2 < height


def test_it_prints(alone: Page) -> None:
    alone.emulate_media(media="print")
    expect(alone.get_by_role("navigation", name="Sections")).to_be_hidden()
    assert alone.pdf().startswith(b"%PDF")
