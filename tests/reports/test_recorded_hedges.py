"""Reports of recorded sessions with every rule set that ships."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import MISSING, fields, replace

import pytest
from jsonschema import Draft202012Validator

from flows.rule_sets import rule_sets_named
from reports.export.documents import exported
from reports.export.schema import report_schema
from reports.html import render_html
from reports.view import SUBJECT_LIMIT
from signals.alvh.hedge import Hedges
from signals.alvh.history import row_of_hedge
from signals.alvh.rules import SHIPPED
from signals.document import decode, encode
from signals.veqtor.report import SignalReport, fingerprint
from signals.veqtor.signal import VeqtorSignals
from tasks.compute import reports_on
from tasks.hedges import ReportHedges
from tests.reports.stored import stored
from tests.reports.test_renderings import check, sampled, view_of
from tests.signals.recorded_books import NOTIONAL, only

pytestmark = pytest.mark.server

#: What a mail reader shows without cutting it off.
MAIL_BYTES = 100_000


@pytest.fixture(scope="module")
def reports(recorded_signals: VeqtorSignals, recorded_hedges: Hedges) -> list[SignalReport]:
    known = ("2018-02-05", "2020-02-28", "2020-03-16", "2022-06-13", "2024-08-05", "2025-04-08")
    sessions = sorted({*sampled(recorded_signals, 20), *map(dt.date.fromisoformat, known)})
    books = only(recorded_hedges, recorded_signals, *SHIPPED)
    hedges = ReportHedges(recorded_signals, rule_sets_named(SHIPPED), NOTIONAL, make=lambda *_: books)
    assert hedges.rule_sets == tuple(history.rules for history in books.histories)
    return reports_on(recorded_signals, sessions, 1e6, {}, ("veqtor-mid-term", "veqtor-overlay"), hedges)


def test_every_rendering_is_complete_and_in_its_limits(reports: list[SignalReport]) -> None:
    for report in reports:
        view = view_of(report)
        check(view)
        assert len(render_html(view).encode()) < MAIL_BYTES
        assert len(view.subject) <= SUBJECT_LIMIT + 40, view.subject


def test_every_session_of_the_rule_sets_has_a_signal_and_a_row(reports: list[SignalReport]) -> None:
    for report in reports:
        began = report.session >= dt.date(2006, 3, 31)
        assert [bool(hedge.unavailable) for hedge in report.hedges] == [not began] * len(SHIPPED)
        for hedge in report.hedges if began else ():
            assert row_of_hedge(report.session, hedge)["session"] == report.session


def test_documents_hold_everything_and_no_nan(reports: list[SignalReport]) -> None:
    for report in reports:
        text = json.dumps(encode(report), allow_nan=False)
        assert decode(SignalReport, json.loads(text)) == report


def test_every_document_is_as_the_published_schema_says(reports: list[SignalReport]) -> None:
    check_format = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(json.loads(report_schema()), format_checker=check_format)
    for report in reports:
        document = exported(stored(report))
        validator.validate(document)
        # As a report of the first version was stored.
        later = {field.name for field in fields(SignalReport) if field.default is not MISSING}
        first = {name: value for name, value in document.items() if name not in later} | {"schema_version": 1}
        validator.validate(first)


def test_the_fingerprint_does_not_depend_on_the_notional(
    recorded_signals: VeqtorSignals, reports: list[SignalReport]
) -> None:
    # Contracts that are counted whole decide nothing in rule sets without top-ups.
    names = ("alvh-seed", "alvh-442", "vxth")
    larger = ReportHedges(recorded_signals, rule_sets_named(names), 3e6)
    for report in reports:
        one = replace(report, hedges=tuple(hedge for hedge in report.hedges if hedge.rule_set in names))
        other = larger.added_to(replace(report, hedges=()))
        same = tuple(replace(hedge, indicators=(), indicators_of="") for hedge in one.hedges)
        too = tuple(replace(hedge, indicators=(), indicators_of="") for hedge in other.hedges)
        assert fingerprint(replace(other, hedges=too)) == fingerprint(replace(one, hedges=same))
