"""Stored reports, built by hand; the numbers mean nothing."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

from signals.approvals import Approval
from signals.document import encode
from signals.events import Event, EventsAhead
from signals.veqtor.report import (
    SCHEMA_VERSION,
    Flag,
    FuturesLeg,
    IndexLevel,
    Instruction,
    Regime,
    ReportInput,
    SignalReport,
    StopLoss,
    Trend,
    VariantSignal,
    Weights,
    fingerprint,
)
from signals.zones import NEW_YORK
from storage.reports import StoredReport
from tests.reports import hedges

SESSION, EFFECTIVE = hedges.SESSION, dt.date(2006, 4, 4)
EVENING = dt.datetime(2006, 4, 3, 22, 45, 12, 345678, tzinfo=dt.UTC)
DIGEST = "0123456789abcdef"

_FINE = ("OK", "")
_INPUTS = (
    ("SPX", "yahoo", "S&P 500", 1297.81, "points", _FINE),
    ("VIX", "cboe", "VIX", 11.57, "points", ("NOTE", "Yahoo has no close to compare it with")),
    ("VX.2006-04-19", "cboe", "VXJ06 (VX1)", 12.25, "points", _FINE),
    ("VX.2006-05-17", "cboe", "VXK06 (VX2)", 13.17, "points", _FINE),
)
_LEGS = (
    FuturesLeg(1, "VXJ06", dt.date(2006, 4, 19), 12.25, 1.4, 1.3, -0.1, 1, 0, -3_675.0),
    FuturesLeg(2, "VXK06", dt.date(2006, 5, 17), 13.17, 0.6, 0.7, 0.1, 1, 0, 3_951.0),
)


def report(*, simulated: bool = False) -> SignalReport:
    """A report that moves, with every part that a report can have."""
    held, target = Weights(0.975, 0.025, 0.0), Weights(0.9, 0.1, 0.0)
    order = Instruction(1e6, 1_000.0, 9e5, -7.5e4, 1e5, 0.0, _LEGS, 276.0, ("A limit of the broker applies.",))
    return SignalReport(
        schema_version=SCHEMA_VERSION,
        session=SESSION,
        effective_session=EFFECTIVE,
        effective_at=dt.datetime(2006, 4, 4, 16, tzinfo=NEW_YORK),
        first_return_session=dt.date(2006, 4, 5),
        rule_set="veqtor",
        rule_set_digest=DIGEST,
        verdict="Move to 90% S&P 500, 10% VIX futures from the close of 2006-04-04.",
        changes=("Target 97.5/2.5 -> 90/10.",),
        regime=Regime(0.1123, "10-20%", 0.1, 0.2, 0.031, 0.029, 0.1101),
        trend=Trend("no trend", 11.4, 11.9, False, 3, 10, 14.2),
        stop_loss=StopLoss(False, 0.0012, -0.02, -0.0301),
        in_cash=False,
        flags=(Flag("BOUNDARY", "Realised volatility is near 10%."),),
        earned=held,
        held=held,
        target=target,
        indices={
            "veqtor": IndexLevel(102_000.0, 101_000.0, 0.001),
            "sp500-total-return": IndexLevel(1_950.0, None, 0.0012),
            "vix-short-term": IndexLevel(81_000.0, 80_000.0, -0.004),
            "vix-mid-term": IndexLevel(None, None, None),
        },
        constant_maturity_30d=12.61,
        instruction=order,
        back_test=True,
        health="NOTE",
        inputs=tuple(
            ReportInput(series, publisher, label, SESSION, value, unit, *state, "3163a8d25944")
            for series, publisher, label, value, unit, state in _INPUTS
        ),
        simulated=simulated,
        variants=(
            VariantSignal("veqtor-mid-term", DIGEST, unavailable="VXN06 has no settlement"),
            VariantSignal(
                "veqtor-overlay", DIGEST, None, (), False, 0.0012, False, held, held, target,
                IndexLevel(99_000.0, 99_000.0, None), dt.date(2005, 12, 20), order,
            ),
        ),
        calendar="exchange_calendars 4.13",
        events=EventsAhead(dt.date(2006, 4, 10), (Event("CPI release", dt.date(2006, 4, 7)),), ("PPI release",)),
        hedges=hedges.hedges(),
        macro=hedges.macro(),
        approvals=(Approval("veqtor", DIGEST, "desk", EVENING),),
    )  # fmt: skip


def stored(said: SignalReport, revision: int = 1, emitted_at: dt.datetime = EVENING) -> StoredReport:
    """A report as the database returns it."""
    return StoredReport(
        id=said.session.toordinal() * 10 + revision,
        session=said.session,
        rule_set=said.rule_set,
        rule_set_digest=said.rule_set_digest,
        revision=revision,
        fingerprint=fingerprint(said),
        document=json.dumps(encode(said)),
        emitted_at=emitted_at + dt.timedelta(minutes=revision - 1),
    )


def on(said: SignalReport, session: dt.date) -> SignalReport:
    """The same of another session; the next day is the next session."""
    effective = session + dt.timedelta(days=1)
    at = dt.datetime.combine(effective, dt.time(16), NEW_YORK)
    return replace(said, session=session, effective_session=effective, effective_at=at)
