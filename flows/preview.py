"""A backfill without its effects: what it would compute, emit, revise and wait for. Without Prefect."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from flows.ranges import Mode, chunks, progress_bar
from flows.wiring import Services
from signals.errors import ConfigurationError, DataNotReady
from signals.veqtor.rules import VEQTOR
from storage.engine import open_engine
from storage.runs import REVISED, SessionOutcome
from storage.schema import current_revision, require_schema
from tasks.chains import fetched_chains, stored_chains
from tasks.compute import compute, reports_on
from tasks.ingest import require_market
from tasks.preview import market_after, outcomes_of
from tasks.runs import stored_sessions
from tasks.sources.fetched import fetch_once
from tasks.sources.payload import Source

#: How many revisions are shown with what would change.
SHOWN_REVISIONS = 5


@dataclass
class Preview:
    """What would become of a range.

    Attributes
    ----------
    sessions : int
        In the range.
    already_there : int
        Sessions that have a report.
    simulated : bool
        Whether the market is the sample one.
    computed : int
        Sessions that would be computed.
    outcomes : Counter of outcome
        What would become of those.
    revised : list of SessionOutcome
        The first of them that would be revised, and what would change.
    waiting : int
        Sessions from the first without its inputs on: none of them would be computed.
    waiting_for : DataNotReady or None
        What that first one waits for.
    """

    sessions: int
    already_there: int
    simulated: bool
    computed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    revised: list[SessionOutcome] = field(default_factory=list)
    waiting: int = 0
    waiting_for: DataNotReady | None = None


def preview(
    work: Services, sessions: list[dt.date], mode: Mode, source: str | None = None, data_dir: Path | None = None
) -> Preview:
    """What a backfill of some sessions would do now. The source is asked; the database is read at most."""
    engine = _readable(work)
    try:
        # Only a database that is there can be joined: asking for one makes it.
        chosen = work.source(source, data_dir, sessions[-1], sessions[0], joining=engine is not None)
        if engine is not None:
            require_market(engine, chosen)
        return _preview(work, engine, chosen, sessions, mode)
    finally:
        if engine is not None:
            engine.dispose()


def _readable(work: Services) -> Engine | None:
    """The database, if it is there; one that is not, or is empty, is left like that."""
    try:
        engine = open_engine(work.settings.database_url.get_secret_value(), read_only=True)
    except ConfigurationError as error:
        if error.got == "no such file":
            return None
        raise
    if current_revision(engine) is None:
        engine.dispose()
        return None
    require_schema(engine)
    return engine


def _preview(work: Services, engine: Engine | None, source: Source, sessions: list[dt.date], mode: Mode) -> Preview:
    there = stored_sessions(engine, VEQTOR.digest, sessions) if engine is not None else set()
    wanted = [session for session in sessions if mode == Mode.RECOMPUTE or session not in there]
    found = Preview(len(sessions), len(there), source.simulated)
    if not wanted:
        return found
    fetched = fetch_once(source)
    data, hashes = market_after(engine, fetched)
    signals = compute(data, work.calendar, sessions[-1], work.judgement())
    ready = [session for session in wanted if session <= signals.inputs.last_session]
    found.computed, found.waiting = len(ready), len(wanted) - len(ready)
    known = stored_chains(engine, work.calendar) if engine is not None else {}
    hedges = work.hedges(signals, {**fetched_chains(fetched.payloads, work.calendar), **known})
    settings, last = work.settings, None
    with progress_bar(len(wanted)) as advance:
        for chunk in chunks(ready):
            reports = reports_on(
                signals, chunk, settings.notional_usd, hashes, settings.variants, hedges, work.approvals
            )
            outcomes = outcomes_of(engine, reports, adding_variants=mode == Mode.RECOMPUTE, preceding=last)
            found.outcomes.update(item.outcome for item in outcomes)
            found.revised += [item for item in outcomes if item.outcome == REVISED]
            del found.revised[SHOWN_REVISIONS:]
            last = reports[-1]
            advance(len(chunk))
    if found.waiting:
        try:
            signals.inputs.require(wanted[len(ready)])
        except DataNotReady as error:
            found.waiting_for = error
    return found
