"""The calendar as an independent reader reads it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from icalendar import Calendar, Event

from reports.export.calendar import events_calendar
from signals.events import EventsAhead
from tests.reports import hedges
from tests.reports.stored import EFFECTIVE, EVENING, SESSION, on, report, stored

HOSTILE = "a;b,c\\d\r\nBEGIN:VEVENT\nX\0\x1b\ud800é€😀"


def events(*found: bytes) -> dict[str, Event]:
    """Events by summary, of calendars that are imported one after the other."""
    by_uid: dict[str, Event] = {}
    for text in found:
        for event in Calendar.from_ical(text).walk("VEVENT"):
            known = by_uid.get(str(event["UID"]))
            if known is None or known["SEQUENCE"] <= event["SEQUENCE"]:
                by_uid[str(event["UID"])] = event
    return {str(event["SUMMARY"]): event for event in by_uid.values()}


def test_what_lies_ahead_is_in_the_calendar() -> None:
    found = events(events_calendar([stored(report())]))
    days = {summary: event.decoded("DTSTART") for summary, event in found.items()}
    (close,) = (summary for summary in days if summary.startswith("Effective close: VEQTOR 2006-04-03"))
    assert days.pop(close) == dt.datetime(2006, 4, 4, 20, tzinfo=dt.UTC)
    assert days == {
        "CPI release": dt.date(2006, 4, 7),
        "VXJ06 expires; the daily roll goes from VXK06 to VXM06": dt.date(2006, 4, 19),
        "VXK06 expires": dt.date(2006, 5, 17),
        "alvh-seed l1: roll butterfly 2006-04-12 14.5/18/21": dt.date(2006, 3, 22),
        "alvh-seed l1: butterfly 2006-04-12 14.5/18/21 expires": dt.date(2006, 4, 12),
        "alvh-seed l2: roll call-spread 2006-05-17 15/22.5": dt.date(2006, 4, 26),
        "alvh-seed l2: call-spread 2006-05-17 15/22.5 expires": dt.date(2006, 5, 17),
        "alvh-seed l3: roll call 2006-11-15 17": dt.date(2006, 10, 25),
        "alvh-seed l3: call 2006-11-15 17 expires": dt.date(2006, 11, 15),
        "alvh-442 30d: roll call 2006-05-17 12.5": dt.date(2006, 4, 26),
        "alvh-442 30d: call 2006-05-17 12.5 expires": dt.date(2006, 5, 17),
        "alvh-442 110d: roll call 2006-08-16 13": dt.date(2006, 7, 26),
        "alvh-442 110d: call 2006-08-16 13 expires": dt.date(2006, 8, 16),
    }
    assert "PPI release" in found[close]["DESCRIPTION"]
    assert report().verdict in found[close]["DESCRIPTION"]
    assert "58.75 packages, 59 whole ones" in found["alvh-seed l2: roll call-spread 2006-05-17 15/22.5"]["DESCRIPTION"]
    assert {event.decoded("DTSTAMP") for event in found.values()} == {EVENING.replace(microsecond=0)}


def test_what_is_held_to_its_expiry_has_no_roll() -> None:
    seed = hedges.seed()
    kept = replace(seed, layers=tuple(replace(layer, next_roll_is_expiry=True) for layer in seed.layers))
    found = events(events_calendar([stored(replace(report(), hedges=(kept,)))]))
    assert not [summary for summary in found if "roll call" in summary or "roll butterfly" in summary]


def test_importing_a_later_report_moves_an_event_and_adds_none_twice() -> None:
    first = events_calendar([stored(report())])
    layers = hedges.seed().layers
    rolled = tuple(replace(layer, next_roll=dt.date(2006, 4, 27)) for layer in layers)
    later = on(replace(report(), hedges=(replace(hedges.seed(), layers=rolled),)), EFFECTIVE)
    found = events(first, events_calendar([stored(later)]))
    name = "alvh-seed l2: roll call-spread 2006-05-17 15/22.5"
    assert found[name].decoded("DTSTART") == dt.date(2006, 4, 27)
    # The close of the second report is the only new one.
    assert len(found) == len(events(first)) + 1
    # In whichever order they are imported, or given.
    assert events(events_calendar([stored(later)]), first)[name].decoded("DTSTART") == dt.date(2006, 4, 27)
    both = events(events_calendar([stored(later), stored(report())]))
    assert {name: event.decoded("DTSTART") for name, event in both.items()} == {
        name: event.decoded("DTSTART") for name, event in found.items()
    }


def test_a_correction_replaces_the_close_of_what_it_corrects() -> None:
    found = events(*(events_calendar([stored(report(), revision)]) for revision in (2, 1)))
    (close,) = (summary for summary in found if summary.startswith("Effective close"))
    assert "CORRECTION 2" in close


def test_a_simulated_market_is_marked_and_replaces_nothing_of_the_real_one() -> None:
    real, simulated = (events_calendar([stored(report(simulated=flag))]) for flag in (False, True))
    marked = events(simulated)
    assert all(summary.startswith("SIMULATED ") for summary in marked)
    assert all("SIMULATED: every number" in event["DESCRIPTION"] for event in marked.values())
    assert len(events(real, simulated)) == 2 * len(marked)
    assert str(Calendar.from_ical(simulated)["X-WR-CALNAME"]) == "SIMULATED tailguard"


def test_lines_are_folded_between_characters_and_end_as_the_standard_says() -> None:
    text = events_calendar([stored(replace(report(), verdict="é€😀 " * 200))])
    lines = text.split(b"\r\n")
    assert b"\n" not in b"".join(lines)
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()
    (close,) = (event for name, event in events(text).items() if name.startswith("Effective close"))
    assert str(close["DESCRIPTION"]).startswith("é€😀 " * 200)


def test_hostile_text_stays_text() -> None:
    bad = replace(
        report(), verdict=HOSTILE, hedges=(replace(hedges.seed(), rule_set=HOSTILE),),
        events=EventsAhead(SESSION, (), (HOSTILE,)),
    )  # fmt: skip
    text = events_calendar([stored(bad)])
    assert len(events(text)) == len(events(events_calendar([stored(replace(report(), hedges=(hedges.seed(),)))]))) - 1
    assert re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", text) is None
    (close,) = (event for name, event in events(text).items() if name.startswith("Effective close"))
    assert str(close["DESCRIPTION"]).startswith("a;b,c\\d\nBEGIN:VEVENT\nXé€😀\n")


def test_events_link_to_their_report_where_there_is_an_address() -> None:
    found = events(events_calendar([stored(report())], "https://desk.example.com/"))
    assert {str(event["URL"]) for event in found.values()} == {"https://desk.example.com/reports/2006-04-03?revision=1"}
