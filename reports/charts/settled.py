"""Curves of VX futures from stored observations, with the settlements that the index uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from itertools import groupby
from operator import itemgetter

import numpy as np

from reports.charts.curve import BAND_SESSIONS, MONTH_SESSIONS, Curve, Curves, Settled, SlotRange
from signals.calendar import TradingCalendar, contract_code, trading_calendar
from signals.market import IgnoredValue, MarketData, MarketHistory, Observations, market_history
from signals.series import SPX, VIX, vx_series
from signals.veqtor.report import SignalReport
from signals.vix_futures import LISTED, SLOTS
from storage.unit_of_work import UnitOfWork

#: Sheets of some sessions before the first are compared with its own (`signals.settlements`).
_SESSIONS_BEFORE = 6


def curves_of(
    work: UnitOfWork,
    report: SignalReport,
    as_of: dt.datetime,
    ignored: Collection[IgnoredValue] = (),
    calendar: TradingCalendar | None = None,
) -> Curves | None:
    """The curves of a session as they were known at an instant; None where it has no settlements.

    The settlements that the instruction of the report rests on stand as it has them. Without a calendar it is that of
    the package, which knows no configured closures.
    """
    calendar = calendar or trading_calendar()
    sessions = calendar.sessions_in(calendar.vx_expiries[0].item(), report.session)[-BAND_SESSIONS - _SESSIONS_BEFORE :]
    if not len(sessions) or sessions[-1].item() != report.session:
        return None
    expiries = calendar.vx_expiries
    front, end = (int(np.searchsorted(expiries, each, side="right")) for each in (sessions[0], sessions[-1]))
    wanted = [SPX, VIX, *(vx_series(expiry) for expiry in expiries[front : end + SLOTS].tolist())]
    rows = work.observations.latest(wanted, first=sessions[0].item(), last=report.session, as_of=as_of)
    data = MarketData(
        Observations(
            series,
            publisher,
            np.array([row[2] for row in found], dtype="datetime64[D]"),
            np.array([row[3] for row in found]),
            np.array([row[4] for row in found], dtype=np.int64),
        )
        for (series, publisher), group in groupby(rows, key=itemgetter(0, 1))
        for found in [list(group)]
    )
    history = market_history(data.without(ignored), calendar, report.session)
    if not len(history.sessions) or history.sessions[-1].item() != report.session:
        return None
    for leg in report.instruction.legs:
        history.panel.settle[-1, leg.slot - 1] = leg.settlement
    today = _curve(history, -1)
    if today is None:
        return None
    settle = history.panel.settle[-BAND_SESSIONS:]
    found = np.isfinite(settle)
    return Curves(
        today=today,
        before=_curve(history, -2),
        month_ago=_curve(history, -1 - MONTH_SESSIONS),
        ranges=tuple(
            SlotRange(
                column + 1,
                float(settle[found[:, column], column].min()),
                float(settle[found[:, column], column].max()),
                int(found[:, column].sum()),
            )
            for column in range(SLOTS)
            if found[:, column].any()
        ),
        ranges_since=history.sessions[-len(settle) :][int(np.argmax(found.any(axis=1)))].item(),
    )


def _curve(history: MarketHistory, row: int) -> Curve | None:
    """The settlements of a row, counted from the end; None where there are none."""
    panel = history.panel
    at = len(panel.sessions) + row
    if at < 0:
        return None
    session = panel.sessions[at].item()
    settled = []
    for slot in range(1, SLOTS + 1):
        price, expiry = float(panel.settle[at, slot - 1]), panel.expiry(at, slot)
        if np.isfinite(price):
            filled = bool(panel.basis[at, slot - 1] != LISTED)
            settled.append(Settled(slot, contract_code(expiry), (expiry - session).days, price, filled))
    return Curve(session, tuple(settled)) if settled else None
