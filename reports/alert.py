"""What recipients read when a session ends without a signal.

It has the shape of a report, so that every channel can send it: why there is no signal, what holds meanwhile, and the
command that helps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from reports.tables import Section, Table
from reports.view import DISCLAIMER, SIMULATED, ReportView
from signals.errors import ConfigurationError, DataNotReady, DataQualityError, TailguardError, TransientSourceError
from signals.veqtor.report import SignalReport
from signals.zones import NEW_YORK
from storage.outbox import IN_DOUBT, StoredAlert

#: With what stands before it, a subject stays below 120 characters.
TITLE_LIMIT = 80


def alert_words(error: BaseException | None, why: Sequence[str] = ()) -> tuple[str, str]:
    """What an alert says of why there is no signal: in a few words, and in sentences, one a line.

    Parameters
    ----------
    error : BaseException, optional
        What kept a run from emitting; None where no run came in time. The text of one nobody foresaw may hold a secret,
        so only its name is told.
    why : sequence of str
        Sentences to say in place of the error's own words.
    """
    if error is None:
        title, own = "no run emitted it in time", "No run had emitted the session when its deadline passed."
    elif isinstance(error, DataNotReady):
        title, own = f"waiting for {_listed(error.missing, TITLE_LIMIT - len('waiting for '))}", str(error)
    elif isinstance(error, TransientSourceError):
        title, own = "a publisher does not answer", str(error)
    elif isinstance(error, DataQualityError):
        # Of a file or an address, the end tells the most.
        title, own = f"data that cannot be right: {error.about.rpartition('/')[2] or error.about}", str(error)
    elif isinstance(error, ConfigurationError):
        title, own = f"configuration: {error.about}", str(error)
    elif isinstance(error, TailguardError):
        title, own = error.about, str(error)
    elif isinstance(error, KeyboardInterrupt):
        title, own = "the run was interrupted", "The run was interrupted before it had emitted the session."
    else:
        name = type(error).__name__
        title = f"the run failed: {name}"
        own = f"The run ended with an error nobody foresaw, {name}. `tailguard status` shows what it said."
    sentences = [words for words in why if words.strip()] or [own]
    return _cut(" ".join(title.split())), "\n".join(_sentence(words) for words in sentences)


def alert_view(
    alert: StoredAlert,
    *,
    shown_at: dt.datetime,
    simulated: bool,
    last: SignalReport | None,
    emitted_since: bool = False,
) -> ReportView:
    """The view of an alert.

    Parameters
    ----------
    shown_at : datetime.datetime, time zone aware
        When it reaches its reader: what can be done depends on whether the deadline has passed.
    simulated : bool
        Whether the database is about the sample market.
    last : SignalReport, optional
        The newest report, whose target is in force.
    emitted_since : bool
        Whether the session has got its report meanwhile, of which the reader was not told.
    """
    session = f"session {alert.session:%A} {alert.session}"
    is_open = shown_at <= alert.deadline_at
    deadline = _moment(alert.deadline_at)
    label = "SIMULATED " if simulated else ""
    standing = f"Deadline {deadline}." if is_open else f"The deadline, {deadline}, has passed."
    doubtful = alert.kind == IN_DOUBT
    what = "SIGNAL IN DOUBT" if doubtful else "NO SIGNAL"
    said = "Check the signal of" if doubtful else "No signal for"
    return ReportView(
        title=f"{label}{what}: S&P 500 Dynamic VEQTOR, {session}",
        subject=f"{label}{what} VEQTOR {alert.session}: {alert.title}",
        verdict=f"{'SIMULATED. ' if simulated else ''}{said} {session}: {alert.title}. {standing}",
        notices=(
            *([SIMULATED] if simulated else []),
            *(["The report of this session has been stored since."] if emitted_since and not doubtful else []),
        ),
        sections=(
            Section("What it rested on, and why not" if doubtful else "What is missing, and why", _said(alert)),
            Section("What it means", _doubt(last) if doubtful else _meaning(alert, last)),
            _advice(alert, deadline, is_open=is_open, emitted_since=emitted_since or doubtful),
        ),
        footer=(
            f"Alert {alert.kind}, rule set {alert.rule_set_digest}, raised "
            f"{alert.raised_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC. It is sent once; should the session be emitted "
            "in a run that notifies, its report follows.",
            SIMULATED if simulated else DISCLAIMER,
        ),
        simulated=simulated,
    )


def _said(alert: StoredAlert) -> tuple[str, ...]:
    return tuple(alert.text.splitlines())


def _doubt(last: SignalReport | None) -> tuple[str, ...]:
    told = f" It asks for {_holding(last)} from the close of {last.effective_session}." if last else ""
    return (
        f"The signal was computed from a value that its publisher took back, or that another one contradicts.{told}",
        "It stands until a revision supersedes it, which is sent if the target changes. Compare its inputs with "
        "another source before acting on it.",
    )


def _meaning(alert: StoredAlert, last: SignalReport | None) -> tuple[str, ...]:
    if last is None:
        return ("No report was ever emitted: there is no target to keep.",)
    holding = _holding(last)
    which = f"session {last.session:%A} {last.session}"
    if last.session >= alert.session:
        stand = f"The target of the last report, of {which}, is in force: {holding}."
    else:
        stand = (
            f"The target of the last report, of {which}, stays in force until the report of a later session acts: "
            f"{holding}, from the close of {last.effective_session}."
        )
    # The index rolls between two targets too.
    return (stand, "Its VIX futures go on rolling every session.") if last.target.volatility else (stand,)


def _advice(alert: StoredAlert, deadline: str, *, is_open: bool, emitted_since: bool) -> Section:
    day = alert.session
    if emitted_since:
        sentence, command = "This prints it:", f"tailguard report show {day}"
    elif is_open:
        sentence = (
            f"No further attempt is scheduled before the deadline, {deadline}. Until then this computes, stores and "
            "sends the signal, once nothing above stands in its way:"
        )
        command = f"tailguard run --session {day} --source {alert.source}"
    else:
        sentence = (
            f"The deadline, {deadline}, has passed: the signal can no longer be acted on in time. Once nothing above "
            "stands in its way, this stores it for the record, and tells nobody:"
        )
        command = f"tailguard backfill --start {day} --end {day} --source {alert.source}"
    # A table of one cell, so that it is set apart, and can be copied.
    return Section("What to do", (sentence,), Table(("",), ((command,),)))


def _holding(report: SignalReport) -> str:
    target = report.target
    parts = ((target.equity, "S&P 500"), (target.volatility, "VIX futures"), (target.cash, "cash"))
    return ", ".join(f"{weight * 100:g}% {name}" for weight, name in parts if weight)


def _listed(labels: Sequence[str], room: int) -> str:
    """As many labels as there is room for, and how many more."""
    for count in range(len(labels), 0, -1):
        rest = len(labels) - count
        said = ", ".join(labels[:count]) + (f" and {rest} more" if rest else "")
        if len(said) <= room or count == 1:
            return said
    return "its data"


def _sentence(words: str) -> str:
    """One line that begins with a capital, unless it begins with an address or a name."""
    first, *others = words.split()
    return " ".join([first[0].upper() + first[1:] if first.isalpha() else first, *others])


def _cut(text: str) -> str:
    return text if len(text) <= TITLE_LIMIT else text[: TITLE_LIMIT - 1] + "…"


def _moment(instant: dt.datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%A %Y-%m-%d %H:%M} New York"
