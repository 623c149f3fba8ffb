"""What was known at an instant: signals computed again from the observations of then, and stored nowhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import click

from flows.cli.instants import new_york
from flows.cli.options import existing_database
from flows.sessions import LATEST, parse_session
from flows.wiring import services
from reports.text import render_text
from reports.view import report_view
from signals.errors import ConfigurationError, DataNotReady
from signals.quality import require_agreement
from signals.veqtor.signal import VeqtorSignals
from storage.unit_of_work import UnitOfWork
from tasks.chains import stored_chains
from tasks.compute import compute_stored, reports_on
from tasks.schedule import DISPUTES_END_BEFORE_DEADLINE, deadline, session_due


def signals_as_of(as_of: dt.datetime, through: dt.date) -> tuple[VeqtorSignals, dict[int, str], str]:
    """The signals of the sessions up to `through` from what was known then, and what that rests on, in a sentence.

    Raises
    ------
    ConfigurationError
        When nothing was known then.
    DataNotReady, DataQualityError
        When too little was.
    """
    work, engine = services(), existing_database()
    if as_of > work.clock():
        raise ConfigurationError(
            "--as-of",
            expected="an instant that has passed",
            got=new_york(as_of),
            do=f"It is {new_york(work.clock())}.",
        )
    with UnitOfWork(engine) as unit:
        count, assumed = unit.observations.known_by(as_of)
    if not count:
        raise ConfigurationError(
            f"what was known on {new_york(as_of)}",
            expected="observations",
            got="none: nothing in this database was known then",
            do="`tailguard data show` says what is stored and since when it is known.",
        )
    try:
        signals, hashes = compute_stored(engine, work.calendar, through, work.judgement(as_of), as_of)
    except DataNotReady as error:
        raise too_early(as_of, error) from error
    if assumed == count:
        known = f"all {count:,} observations known then by the times at which they are assumed to have been published"
    elif assumed:
        known = (
            f"the {count:,} observations known then, {assumed:,} of them by the times at which they are assumed to "
            "have been published, the others since they were fetched"
        )
    else:
        known = f"the {count:,} observations that had been fetched by then"
    basis = f"As of {new_york(as_of)}: computed from {known}. Nothing was fetched, stored or sent."
    return signals, hashes, basis


def too_early(as_of: dt.datetime, error: DataNotReady) -> DataNotReady:
    """The same error, for somebody who looks back."""
    return DataNotReady(
        f"as of {new_york(as_of)}, {error.about}",
        expected=error.expected,
        got=error.got,
        do="Name a later instant; `tailguard data show --session DATE` says when each value became known.",
        missing=error.missing,
    )


def show_as_of(as_of: dt.datetime, session: str | None, rule_sets: Sequence[str] = ()) -> None:
    """Print the report of a session as it would have been at an instant; by default of the last that had closed."""
    work = services(rule_sets)
    work.require_rule_sets()
    day = session_due(as_of, work.calendar)
    if session not in (None, LATEST):
        day = parse_session(session, work) or day
    if not work.calendar.is_session(day):
        raise work.calendar.not_a_session(day)
    if work.calendar.close_time(day) > as_of:
        raise ConfigurationError(
            f"session {day} as of {new_york(as_of)}",
            expected="a session that had closed by then",
            got=f"one that closed on {new_york(work.calendar.close_time(day))}",
            do=f"The last one that had is {work.calendar.last_session_closed_by(as_of, dt.timedelta(0))}.",
        )
    signals, hashes, basis = signals_as_of(as_of, day)
    if session == LATEST:
        day = signals.inputs.last_session
    try:
        signals.inputs.require(day)
        signals.inputs.require_orders(day)
        if as_of < deadline(day, work.calendar) - DISPUTES_END_BEFORE_DEADLINE:
            require_agreement(signals.inputs, day)
    except DataNotReady as error:
        raise too_early(as_of, error) from error
    hedges = work.hedges(signals, stored_chains(existing_database(), work.calendar, as_of))
    settings = work.settings
    (report,) = reports_on(signals, [day], settings.notional_usd, hashes, settings.variants, hedges, work.approvals)
    click.echo(render_text(report_view(report, revision=1, emitted_at=as_of, basis=basis)), nl=False)
