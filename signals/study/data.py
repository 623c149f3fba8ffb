"""What the parts of a study look at: every strategy over the recorded history, as plain arrays that travel."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.alvh.hedge import Hedges, hedges_of
from signals.alvh.macro import macro_panel
from signals.alvh.rules import RuleSet
from signals.alvh.ruleset_files import shipped_rule_set
from signals.errors import ConfigurationError
from signals.options import NamedChains, OptionChain
from signals.study.condor.market import CondorMarket, condor_market
from signals.study.condor.programme import RULES, condor_tracks
from signals.study.hedged import hedge_name
from signals.study.periods import LEAST_RETURNS, periods_of, rows_of
from signals.study.plan import attempt
from signals.study.result import Failure, Period
from signals.study.spec import StudySpec
from signals.study.strategies import study_tracks
from signals.study.tracks import Tracks
from signals.veqtor.signal import VeqtorSignals

#: The rule set that is a portfolio by itself, and always beside the others.
VXTH = "vxth"

#: What a failure of the condor programme as a whole is called.
CONDOR_PROGRAMME = "condor programme"


@dataclass(frozen=True, eq=False)
class StudyData:
    """Everything recorded that a study rests on. It can be pickled: workers get it once.

    Attributes
    ----------
    signals : VeqtorSignals
    rule_sets : tuple of RuleSet
        Hedges whose books could be folded, in their order, with `VXTH`.
    tracks : Tracks
        The condor programme among them, where there is one, under the documented skew.
    condor : CondorMarket, optional
    periods : tuple of Period
    first, last : int
        Rows of the tracks: of the session before the first return that counts, and of the last.
    failures : tuple of Failure
        Strategies that came to nothing.
    """

    signals: VeqtorSignals
    rule_sets: tuple[RuleSet, ...]
    tracks: Tracks
    condor: CondorMarket | None
    periods: tuple[Period, ...]
    first: int
    last: int
    failures: tuple[Failure, ...]


def study_data(
    signals: VeqtorSignals,
    rule_sets: Sequence[RuleSet],
    spec: StudySpec,
    notional_usd: float,
    chains: Mapping[dt.date, OptionChain] | None = None,
) -> StudyData:
    """What a study looks at.

    Parameters
    ----------
    signals : VeqtorSignals
        Up to `spec.end`.
    rule_sets : sequence of RuleSet
        Hedges.
    notional_usd : float
        What their books protect.
    chains : mapping of session to OptionChain, optional
        Quotes of options on the VIX, for the hedges.

    Raises
    ------
    ConfigurationError
        When the range holds less than three sessions of which every strategy has a level.
    DataNotReady, DataQualityError
        When its last session has no signal.
    """
    asked = rows_asked_for(signals, spec)
    hedges, failures = _hedges(signals, _with_vxth(rule_sets), notional_usd, chains)
    tracks, failed = study_tracks(signals, hedges, spec.costs)
    failures += failed
    periods = periods_of(tracks, *asked)
    first, last = rows_of(tracks.sessions, periods[0])

    def programme() -> tuple[CondorMarket, Tracks]:
        market = condor_market(signals, _followed(hedges, tracks, signals, notional_usd))
        joined = (*tracks.tracks, *condor_tracks(market, RULES, spec.costs))
        return market, Tracks(tracks.sessions, tracks.cash, joined)

    condor = attempt(CONDOR_PROGRAMME, programme)
    if isinstance(condor, Failure):
        market, failures = None, (*failures, condor)
    else:
        market, tracks = condor
    folded = tuple(history.rules for history in hedges.histories)
    return StudyData(signals, folded, tracks, market, periods, first, last, failures)


def rows_asked_for(signals: VeqtorSignals, spec: StudySpec) -> tuple[int, int]:
    """Rows of the tracks of the first and the last session of the range; from the first level on where it is earlier.

    Raises
    ------
    ConfigurationError
        When it holds less than three sessions.
    DataNotReady, DataQualityError
        When its last session has no signal.
    """
    sessions = signals.inputs.calendar.sessions_in(max(spec.start, signals.levels_since), spec.end).tolist()
    if len(sessions) <= LEAST_RETURNS:
        raise ConfigurationError(
            "range",
            expected="three sessions or more",
            got=f"{len(sessions)} from {spec.start} to {spec.end}",
            do="Ask for a longer range.",
        )
    base, last = signals.veqtor.base, signals.row(sessions[-1])
    return int(np.searchsorted(signals.inputs.sessions, np.datetime64(sessions[0]))) - base, last - base


def _with_vxth(rule_sets: Sequence[RuleSet]) -> tuple[RuleSet, ...]:
    named = {rules.name for rules in rule_sets}
    return (*rule_sets, *([] if VXTH in named else [shipped_rule_set(VXTH)]))


def _hedges(
    signals: VeqtorSignals,
    rule_sets: Sequence[RuleSet],
    notional_usd: float,
    chains: Mapping[dt.date, OptionChain] | None,
) -> tuple[Hedges, tuple[Failure, ...]]:
    """The books of all rule sets that can be folded, and those that cannot."""
    together = attempt("hedges", lambda: hedges_of(signals, rule_sets, notional_usd, chains))
    if not isinstance(together, Failure):
        return together, ()
    # One by one, to find out which.
    found = [
        (rules, attempt(f"hedge {rules.name}", lambda rules=rules: hedges_of(signals, (rules,), notional_usd, chains)))  # type: ignore[misc] # mypy infers no type for such a lambda
        for rules in rule_sets
    ]
    fold = [rules for rules, hedges in found if not isinstance(hedges, Failure)]
    failures = tuple(hedges for _, hedges in found if isinstance(hedges, Failure))
    return hedges_of(signals, fold, notional_usd, chains), failures


def _followed(hedges: Hedges, tracks: Tracks, signals: VeqtorSignals, notional_usd: float) -> Hedges:
    """The hedges that have a track; others are among the failures already."""
    found = [history for history in hedges.histories if hedge_name(history) in tracks]
    return hedges if len(found) == len(hedges.histories) else Hedges(found, notional_usd, macro_panel(signals))


def inputs_digest(signals: VeqtorSignals, end: dt.date, chains: Mapping[dt.date, OptionChain] | None = None) -> str:
    """A digest of everything recorded up to a session that a study is made from, 64 hexadecimal digits.

    Payloads do not count: the same values from another fetch are the same.
    """
    found = hashlib.sha256(f"{end} {signals.inputs.usable} {signals.inputs.history.data.simulated}".encode())
    inputs, last = signals.inputs, np.datetime64(end)
    for (series, publisher), item in sorted(inputs.history.data.items(), key=lambda pair: pair[0]):
        known = int(np.searchsorted(item.days, last, side="right"))
        found.update(f"\n{series} {publisher} {known}\n".encode())
        found.update(_bytes(item.days[:known].astype("datetime64[D]")))
        found.update(_bytes(item.values[:known].astype(np.float64)))
    found.update(_bytes(inputs.sessions))
    for session in sorted(session for session in chains or {} if session <= end):
        found.update(f"\n{session} {_name(chains, session)}".encode())
    return found.hexdigest()


def _name(chains: Any, session: dt.date) -> str:
    """A name that tells the chain of a session from any other."""
    if isinstance(chains, NamedChains):
        return chains.name(session)
    chain = chains[session]
    arrays = (chain.root, chain.expiry, chain.is_call, chain.strike, chain.bid, chain.ask)
    return hashlib.sha256(b"".join(_bytes(array) for array in arrays)).hexdigest()


def _bytes(array: npt.NDArray[Any]) -> bytes:
    return np.ascontiguousarray(array).tobytes()
