"""The mail as its readers have it: on a desk and on a phone, in light and dark, with and without its pictures."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from signals.calendar import TradingCalendar, contract_code
from signals.series import vx_expiry_of, vx_series
from storage.engine import open_engine
from storage.outbox import Message
from storage.unit_of_work import UnitOfWork
from tasks.notify.content import message_key, message_view
from tasks.notify.email import EmailChannel, SmtpServer, compose
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.market import FIRST, LAST, emitted_on
from tests.browser.test_review import overflow, wrong_for_readers_with_assistance
from tests.conftest import now

pytestmark = pytest.mark.server

#: A mail of which the words alone are longer is cut off by some readers.
MOST_BYTES = 100_000

#: Nobody connects to it: mails are looked at, not sent.
SERVER = SmtpServer("127.0.0.1", 9, "none", "", "", "tailguard@example.com", 1.0)

QUESTIONS = ("Hold", "Why", "Changed", "Next change", "Data")


@pytest.fixture(scope="module")
def mail(filled: Path) -> EmailMessage:
    """The mail of the last session, on which the target and two hedges changed, as a channel would send it."""
    engine = open_engine(f"sqlite:///{filled}", read_only=True)
    with UnitOfWork(engine) as work:
        message: Message = next(item for item in work.outbox.all() if (item.session, item.channel) == (LAST, "email"))
        view = message_view(work, message, emitted_on(LAST), EmailChannel(SERVER, lambda: emitted_on(LAST)))
        key = message_key(work, message)
    engine.dispose()
    return compose(view, "tailguard@example.com", message.recipient, key, emitted_on(LAST))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A reader of mails: no review app is started for them."""
    with closing(browser.new_context()) as made:
        made.set_default_timeout(15_000)
        yield made


def shown(mail: EmailMessage, *, with_pictures: bool = True) -> str:
    """Its page, with the pictures that come with it in place of their addresses."""
    html = mail.get_body(("html",))
    assert html
    page: str = html.get_content()
    for part in mail.walk():
        if with_pictures and part.get_content_maintype() == "image":
            picture = base64.b64encode(part.get_payload(decode=True)).decode()
            page = page.replace(f"cid:{part['Content-ID'].strip('<>')}", f"data:image/png;base64,{picture}")
    return page


def test_the_words_are_short_enough_for_every_reader(mail: EmailMessage) -> None:
    assert len(shown(mail, with_pictures=False).encode()) < MOST_BYTES
    assert len(mail.as_bytes()) < 1_000_000


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_its_reader_and_every_picture_is_there(
    page: Page, mail: EmailMessage, width: int, height: int, scheme: str
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two literals
    page.set_content(shown(mail))
    assert overflow(page) <= 0
    pictures = page.evaluate("[...document.images].map(each => [each.naturalWidth, each.alt.length])")
    assert len(pictures) >= 8
    assert all(wide > 0 and words > 40 for wide, words in pictures)
    assert wrong_for_readers_with_assistance(page) == []


def test_the_five_questions_are_answered_above_everything_else(page: Page, mail: EmailMessage) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.set_content(shown(mail))
    plain = mail.get_body(("plain",))
    assert plain
    lines = plain.get_content().splitlines()
    for question in QUESTIONS:
        expect(page.get_by_text(question, exact=True).first).to_be_visible()
        assert any(line.startswith(f"{question} ") for line in lines[:40]), question
    # The last answer is on the second screen of a phone at the latest.
    data = page.get_by_text("Data", exact=True).first.bounding_box()
    assert data
    assert data["y"] < 2 * PHONE[1]


def test_without_pictures_their_words_stand_in_their_place(context: BrowserContext, mail: EmailMessage) -> None:
    page = context.new_page()
    page.set_content(shown(mail, with_pictures=False))
    expect(page.get_by_alt_text("Realised volatility of the S&P 500 over 22 sessions").first).to_be_attached()
    plain = mail.get_body(("plain",))
    assert plain
    words = " ".join(plain.get_content().split())
    alts = page.evaluate("[...document.images].map(each => each.alt)")
    assert [alt for alt in alts if " ".join(alt.split()) not in words] == []


def test_a_value_that_somebody_found_wrong_is_in_no_picture(filled: Path, calendar: TradingCalendar) -> None:
    month_ago = calendar.sessions_in(FIRST, LAST)[-22].item()
    series = vx_series(next(day for day in calendar.vx_expiries.tolist() if day > month_ago))
    engine = open_engine(f"sqlite:///{filled}", read_only=True)
    with UnitOfWork(engine) as work:
        stored = work.reports.newest("veqtor", LAST)
        assert stored
        (value,) = {item.value for item in work.observations.traced(series=series, day=month_ago)}
        said = {
            ignored: next(
                chart.alt
                for chart in EmailChannel(SERVER, now, ignored=ignored).charts(work, stored, None)
                if chart.name == "curve"
            )
            for ignored in ((), ((series, "cboe", month_ago), (series, "cboe-sheet", month_ago)))
        }
    engine.dispose()
    with_it, without = said.values()
    told = f"{month_ago}: {contract_code(vx_expiry_of(series))} {value:g}"
    assert told in with_it
    assert told not in without
