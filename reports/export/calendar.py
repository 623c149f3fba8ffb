"""What lies ahead according to reports, as iCalendar (RFC 5545): when to act, and what expires, rolls or is announced.

An event has the same UID in every export, so that importing a later one moves or rewords it. Days are all-day events;
the close at which a report acts is an instant, in UTC. Several reports may say the same: the newest one is taken.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reports.export.summary import printable, summary
from reports.stored import content_of
from reports.view import DISCLAIMER, SIMULATED, report_view
from signals.alvh.history import instrument_of
from signals.alvh.report import HedgeSignal, Package
from signals.series import vx_expiry_of
from signals.veqtor.report import SignalReport
from storage.reports import StoredReport

#: UIDs are made in it from what an event is about.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tailguard:events")

_PRODUCT = "-//tailguard//reports//EN"
_OCTETS = 75
_MOST_REVISIONS = 1000

#: Category of the close at which to act.
_SIGNAL = "SIGNAL"

#: Month of a VX expiry -> its letter in the contract's name.
_MONTHS = "FGHJKMNQUVXZ"


@dataclass(frozen=True)
class _Event:
    """One event; `about` is what it is, whatever is said of it and whenever it happens."""

    about: str
    when: dt.date | dt.datetime
    summary: str
    text: str
    category: str


def events_calendar(reports: Iterable[StoredReport], base_url: str | None = None) -> bytes:
    """A calendar of what lies ahead of some reports.

    Parameters
    ----------
    reports : iterable of StoredReport
        At least one, as a calendar without an event is none; in any order, usually the newest alone.
    base_url : str, optional
        Of the review app; events then link to their report.
    """
    newest: dict[str, tuple[int, list[str]]] = {}
    simulated = False
    for stored in reports:
        report = content_of(stored)
        simulated = simulated or report.simulated
        sequence = _sequence(stored)
        for event in _events(report, stored):
            lines = _component(event, report, stored, sequence, base_url)
            uid = lines[1]
            if uid not in newest or newest[uid][0] <= sequence:
                newest[uid] = (sequence, lines)
    name = f"{'SIMULATED ' if simulated else ''}tailguard"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{_PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{name}",
        f"X-WR-CALNAME:{name}",
        *(line for _, component in newest.values() for line in component),
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _events(report: SignalReport, stored: StoredReport) -> Iterator[_Event]:
    yield _close(report, stored)
    yield from _vx_expiries(report)
    if report.events is not None:
        for event in report.events.events:
            yield _Event(f"announcement {event.kind} {event.day}", event.day, event.kind, "", "ANNOUNCEMENT")
    for hedge in report.hedges:
        yield from _hedge(hedge, report)


def _close(report: SignalReport, stored: StoredReport) -> _Event:
    view = report_view(report, revision=stored.revision, emitted_at=stored.emitted_at)
    text = summary(view)
    if report.events is not None and report.events.unknown:
        unknown = ", ".join(report.events.unknown)
        text.append(f"No schedule reaches {report.events.through}, so not in this calendar: {unknown}.")
    if not report.simulated:
        text.append(DISCLAIMER)
    return _Event(
        f"close {report.rule_set} {report.session}",
        report.effective_at,
        f"Effective close: {view.subject.removeprefix('SIMULATED ')}",
        "\n".join(text),
        _SIGNAL,
    )


def _vx_expiries(report: SignalReport) -> Iterator[_Event]:
    """The contracts the indices hold: the settlements the report rests on."""
    series = {expiry for item in report.inputs if (expiry := vx_expiry_of(item.series)) is not None}
    expiries = sorted(expiry for expiry in series if expiry > report.session)
    for place, expiry in enumerate(expiries):
        contract, text = _contract(expiry), ""
        summary = f"{contract} expires"
        if place == 0:
            second, third = (_contract(_months_later(expiry, months)) for months in (1, 2))
            summary += f"; the daily roll goes from {second} to {third}"
            text = f"From the close of this day on, the short-term index sells {second} and buys {third}."
        yield _Event(f"vx expiry {expiry}", expiry, summary, text, "EXPIRY")


def _contract(expiry: dt.date) -> str:
    # As `signals.calendar` does, which loads the trading calendar.
    return f"VX{_MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"


def _months_later(day: dt.date, months: int) -> dt.date:
    years, month = divmod(day.month - 1 + months, 12)
    return dt.date(day.year + years, month + 1, 1)


def _hedge(hedge: HedgeSignal, report: SignalReport) -> Iterator[_Event]:
    """The next roll of each layer, and the expiry of what it holds next."""
    for layer in hedge.layers:
        package = layer.target
        if package is None:
            continue
        who, what, size = f"{hedge.rule_set} {layer.layer}", instrument_of(package), _size(package, hedge)
        about = f"{who} {what}"
        if layer.next_roll is not None and not layer.next_roll_is_expiry:
            text = f"{size} Decided at this close, filled at the next one. As of {report.session}; a profit, a budget "
            text += "or a change of the hedge state may come first."
            yield _Event(f"roll {about}", layer.next_roll, f"{who}: roll {what}", text, "ROLL")
        text = f"{size} As of {report.session}."
        yield _Event(f"expiry {about}", package.expiry, f"{who}: {what} expires", text, "EXPIRY")


def _size(package: Package, hedge: HedgeSignal) -> str:
    each = "contracts" if len(package.legs) == 1 else "packages"
    return (
        f"{package.contracts:,.2f} {each}, {package.contracts_rounded:,d} whole ones, for a portfolio of "
        f"{hedge.notional_usd:,.0f} USD."
    )


def _sequence(stored: StoredReport) -> int:
    """Grows with the session and then with the revision, in every database alike."""
    return stored.session.toordinal() * _MOST_REVISIONS + min(stored.revision, _MOST_REVISIONS - 1)


def _component(
    event: _Event, report: SignalReport, stored: StoredReport, sequence: int, base_url: str | None
) -> list[str]:
    label = "SIMULATED " if report.simulated else ""
    # What is said of the close has the notice already.
    notice = SIMULATED if report.simulated and event.category != _SIGNAL else ""
    text = "\n".join(part for part in (event.text, notice) if part)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uuid.uuid5(NAMESPACE, printable(label + event.about))}",
        f"DTSTAMP:{_instant(stored.emitted_at)}",
        f"SEQUENCE:{sequence}",
        f"DTSTART:{_instant(event.when)}"
        if isinstance(event.when, dt.datetime)
        else f"DTSTART;VALUE=DATE:{event.when:%Y%m%d}",
        f"SUMMARY:{_escaped(label + event.summary)}",
        f"CATEGORIES:{event.category}{',SIMULATED' if report.simulated else ''}",
        "TRANSP:TRANSPARENT",
    ]
    if text:
        lines.append(f"DESCRIPTION:{_escaped(text)}")
    if base_url is not None:
        lines.append(f"URL:{base_url.rstrip('/')}/reports/{stored.session}?revision={stored.revision}")
    return [*lines, "END:VEVENT"]


def _instant(instant: dt.datetime) -> str:
    return f"{instant.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    """Text as a value: what separates is escaped, and what no value may hold is left out."""
    kept = printable(text)
    for char in ("\\", ";", ","):
        kept = kept.replace(char, f"\\{char}")
    return kept.replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """A line in lines of 75 octets, none of which ends inside a character."""
    pieces, room = [b""], _OCTETS
    for char in line:
        octets = char.encode()
        if len(pieces[-1]) + len(octets) > room:
            pieces.append(b" ")
        pieces[-1] += octets
    return b"\r\n".join(pieces) + b"\r\n"
