"""What a report is read beside: the stored history up to its session, as it was known when the report was emitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.figures import HedgeFigures, SessionFigures
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork

#: As long as the window of a budget.
HEDGE_SESSIONS = 252


@dataclass(frozen=True)
class ReportContext:
    """Stored history up to a report's session; nothing later, so that the report is rendered the same for ever.

    Attributes
    ----------
    history : tuple of SessionFigures, ascending
        The newest revision of every session that was out when the report was emitted; its own figures are the last.
    hedges : mapping of rule set to tuple of HedgeFigures, ascending
        Those of every hedge of the report in its last `HEDGE_SESSIONS` sessions, by session and layer.
    """

    history: tuple[SessionFigures, ...] = ()
    hedges: Mapping[str, tuple[HedgeFigures, ...]] = field(default_factory=dict)


def load_context(work: UnitOfWork, stored: StoredReport) -> ReportContext:
    """The context of a stored report; of an older revision, with that revision as its own."""
    last, as_of = stored.session, stored.emitted_at
    history = work.figures.history(stored.rule_set, last=last, as_of=as_of)
    first = history[-HEDGE_SESSIONS:][0].session if history else last
    hedges = {
        name: tuple(work.figures.hedges(name, first=first, last=last, as_of=as_of))
        for name in work.figures.hedges_of(stored.id)
    }
    return ReportContext(tuple(history), hedges)
