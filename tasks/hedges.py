"""The hedges of a report: computed once per run, and never in the way of its other signals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Protocol

from signals.alvh.hedge import hedges_of
from signals.alvh.report import HedgeSignal, Reading
from signals.alvh.rules import RuleSet
from signals.errors import TailguardError
from signals.options import OptionChain
from signals.provenance import SIMULATED
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals

_LOG = logging.getLogger(__name__)


class Books(Protocol):
    """What `signals.alvh.hedge.hedges_of` returns."""

    def on(self, session: date) -> tuple[HedgeSignal, ...]:
        """The signal of each rule set, in their order."""
        ...

    def macro_on(self, session: date) -> tuple[Reading, ...]:
        """The macro panel."""
        ...


Make = Callable[[VeqtorSignals, Sequence[RuleSet], float, Mapping[date, OptionChain] | None], Books]


@dataclass(frozen=True)
class ReportHedges:
    """The hedges of some rule sets over one history, folded when the first report asks for them.

    Attributes
    ----------
    signals : VeqtorSignals
    rule_sets : tuple of RuleSet
        In the order of the report.
    notional_usd : float
    chains : mapping of session to OptionChain, optional
    make : callable
        Folds the books.
    """

    signals: VeqtorSignals
    rule_sets: tuple[RuleSet, ...]
    notional_usd: float
    chains: Mapping[date, OptionChain] | None = None
    make: Make = hedges_of
    _told: set[str] = field(default_factory=set, init=False, repr=False)

    @cached_property
    def books(self) -> Books:
        """The folded books.

        Raises
        ------
        DataNotReady, DataQualityError
            When the history lacks what they need.
        """
        return self.make(self.signals, self.rule_sets, self.notional_usd, self.chains)

    def added_to(self, report: SignalReport) -> SignalReport:
        """The report with the hedges and the macro panel of its session.

        Where they cannot be computed, for whatever reason, each is unavailable and says why: the signal of the report
        does not wait for them.
        """
        if not self.rule_sets:
            return report
        try:
            hedges, macro = self.books.on(report.session), self.books.macro_on(report.session)
        except TailguardError as error:
            return replace(report, hedges=self._unavailable(str(error).rstrip(".")))
        except Exception as error:  # noqa: BLE001 - a mistake in a hedge must not hold up the other signal
            name = type(error).__name__
            if name not in self._told:
                self._told.add(name)
                _LOG.error("the hedges of %s could not be computed", report.session, exc_info=error)
            return replace(report, hedges=self._unavailable(f"an error nobody foresaw, {name}"))
        if report.simulated:
            hedges = tuple(replace(hedge, indicators=_simulated(hedge.indicators)) for hedge in hedges)
            macro = _simulated(macro)
        return replace(report, hedges=hedges, macro=macro)

    def _unavailable(self, why: str) -> tuple[HedgeSignal, ...]:
        return tuple(
            HedgeSignal(
                rule_set=rules.name,
                version=rules.version,
                rule_set_digest=rules.digest,
                description=rules.description,
                notional_usd=self.notional_usd,
                unavailable=why,
            )
            for rules in self.rule_sets
        )


def _simulated(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Readings that name no publisher: none published them."""
    return tuple(replace(item, source=SIMULATED) if item.source else item for item in readings)
