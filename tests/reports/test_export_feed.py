"""The feed as a reader of XML reads it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from xml.etree import ElementTree as Xml

from reports.export.feed import atom_feed
from tests.reports.stored import EFFECTIVE, EVENING, on, report, stored

BASE = "https://desk.example.com/signals/?a=1&b=<2>"
SPACE = {"a": "http://www.w3.org/2005/Atom"}


def read(feed: bytes) -> Xml.Element:
    return Xml.fromstring(feed)  # noqa: S314 - our own


def texts(feed: bytes, name: str) -> list[str]:
    return [element.text or "" for element in read(feed).findall(f"a:entry/a:{name}", SPACE)]


def test_an_entry_says_what_to_do_and_links_to_its_report() -> None:
    feed = read(atom_feed([stored(report())], "https://desk.example.com/"))
    assert feed.findtext("a:updated", namespaces=SPACE) == EVENING.isoformat()
    assert [link.attrib for link in feed.findall("a:link", SPACE)] == [
        {"rel": "self", "type": "application/atom+xml", "href": "https://desk.example.com/feed.atom"},
        {"rel": "alternate", "type": "text/html", "href": "https://desk.example.com/"},
    ]
    (entry,) = feed.findall("a:entry", SPACE)
    title = entry.findtext("a:title", namespaces=SPACE)
    assert title is not None
    assert title.startswith("VEQTOR 2006-04-03: 90% equity, 10% VIX futures")
    assert entry.findtext("a:updated", namespaces=SPACE) == EVENING.isoformat()
    (link,) = entry.findall("a:link", SPACE)
    assert link.get("href") == "https://desk.example.com/reports/2006-04-03?revision=1"
    summary = entry.findtext("a:summary", namespaces=SPACE) or ""
    assert summary.startswith(report().verdict)
    assert "\nChanged: Target 97.5/2.5 -> 90/10." in summary
    assert "\nalvh-seed: Open l1, roll l2 and sell a quarter of l3" in summary


def test_ids_stay_and_a_correction_is_an_entry_of_its_own() -> None:
    found = [stored(on(report(), EFFECTIVE)), stored(report(), 2), stored(report())]
    feed, again = atom_feed(found, BASE), atom_feed(found[1:], "https://elsewhere.example.com")
    assert len(set(texts(feed, "id"))) == 3
    assert texts(feed, "id")[1:] == texts(again, "id")
    assert all(name.startswith("urn:uuid:") for name in texts(feed, "id"))
    assert "CORRECTION 2" in texts(feed, "title")[1]
    assert "CORRECTION" not in texts(feed, "title")[2]
    assert texts(feed, "updated")[1] == (EVENING + dt.timedelta(minutes=1)).isoformat()
    assert read(feed).findtext("a:updated", namespaces=SPACE) == texts(feed, "updated")[1]


def test_a_simulated_report_is_marked_and_is_not_the_real_one() -> None:
    real, simulated = (atom_feed([stored(report(simulated=flag))], BASE) for flag in (False, True))
    assert texts(simulated, "title")[0].startswith("SIMULATED ")
    assert "SIMULATED: every number" in texts(simulated, "summary")[0]
    assert texts(real, "id") != texts(simulated, "id")
    terms = [element.get("term") for element in read(simulated).findall("a:entry/a:category", SPACE)]
    assert terms == ["change", "simulated"]


def test_hostile_text_stays_text() -> None:
    verdict = "</summary><script>alert(1)</script>&amp;\0\x1b\ud800\uffff é"
    feed = atom_feed([stored(replace(report(), verdict=verdict))], BASE)
    assert texts(feed, "summary")[0].startswith("</summary><script>alert(1)</script>&amp; é\n")
    assert b"<script" not in feed
    (link,) = read(feed).findall("a:entry/a:link", SPACE)
    assert link.get("href") == f"{BASE}/reports/2006-04-03?revision=1"


def test_a_feed_of_nothing_is_one() -> None:
    feed = read(atom_feed([], BASE))
    assert feed.findtext("a:updated", namespaces=SPACE) == "1970-01-01T00:00:00+00:00"
    assert feed.findall("a:entry", SPACE) == []
