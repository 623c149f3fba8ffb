"""Reports as an Atom feed (RFC 4287): an entry for each revision, so that a correction is news of its own."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from xml.etree import ElementTree as Xml

from reports.export.summary import printable, summary
from reports.stored import content_of
from reports.view import report_view
from signals.veqtor.report import SignalReport
from storage.reports import StoredReport

#: Ids are made in it from what an entry is about.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tailguard:feed")

_ATOM = "http://www.w3.org/2005/Atom"
_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def atom_feed(reports: Iterable[StoredReport], base_url: str, *, path: str = "/feed.atom") -> bytes:
    """A feed of reports, in the order they are given: usually the newest first.

    Parameters
    ----------
    reports : iterable of StoredReport
    base_url : str
        Of the review app, which entries link to; feeds of two addresses are two feeds with the same entries.
    path : str
        Of the feed below it.
    """
    base = base_url.rstrip("/")
    stored = list(reports)
    entries = [_entry(each, base) for each in stored]
    feed = Xml.Element("feed", xmlns=_ATOM)
    _add(feed, "id", uuid.uuid5(NAMESPACE, base).urn)
    _add(feed, "title", "tailguard reports")
    _add(feed, "subtitle", f"The newest {len(stored)} reports, each revision by itself.")
    _add(feed, "updated", _instant(max((each.emitted_at for each in stored), default=_NEVER)))
    _add(_add(feed, "author"), "name", "tailguard")
    _add(feed, "generator", "tailguard")
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{base}{path}")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{base}/")
    feed.extend(entries)
    written: bytes = Xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _entry(stored: StoredReport, base: str) -> Xml.Element:
    report = content_of(stored)
    view = report_view(report, revision=stored.revision, emitted_at=stored.emitted_at)
    entry = Xml.Element("entry")
    about = f"{'simulated ' if report.simulated else ''}{stored.rule_set_digest} {stored.session} {stored.revision}"
    _add(entry, "id", uuid.uuid5(NAMESPACE, about).urn)
    _add(entry, "title", view.subject)
    _add(entry, "updated", _instant(stored.emitted_at))
    _add(entry, "published", _instant(stored.emitted_at))
    page = f"{base}/reports/{stored.session}?revision={stored.revision}"
    _add(entry, "link", rel="alternate", type="text/html", href=page)
    for term in _terms(report, stored):
        _add(entry, "category", term=term)
    _add(entry, "summary", "\n".join(summary(view)))
    return entry


def _terms(report: SignalReport, stored: StoredReport) -> list[str]:
    """What a reader may filter by."""
    terms = ["change" if report.target != report.held else "no-change"]
    if stored.revision > 1:
        terms.append("correction")
    if report.simulated:
        terms.append("simulated")
    return terms


def _add(parent: Xml.Element, name: str, text: str = "", /, **attributes: str) -> Xml.Element:
    child = Xml.SubElement(parent, name, attributes)
    if text:
        child.text = printable(text)
    return child


def _instant(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat()
