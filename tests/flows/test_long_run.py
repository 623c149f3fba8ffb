"""Sessions in a row with faults of every kind: each ends in its one right outcome, and nothing comes twice.

`make test` plays some weeks, `make reliability` a thousand sessions. A seed says all that goes wrong; it is printed
when something is not as it has to be, and TAILGUARD_TEST_SEED repeats it.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
from collections import Counter
from collections.abc import Iterator

import pytest

from signals.calendar import TradingCalendar
from storage.outbox import SENT, UNCERTAIN
from tests.reliability_page import WRITE, first_columns, machine, part, write_part
from tests.simulation.driver import worker
from tests.simulation.findings import Found
from tests.simulation.long_run import SETTLED, LongRun, Oracle, asked, revisions_due, without_provenance
from tests.simulation.receivers import TO, receivers
from tests.simulation.year import DATA_FAULTS, DELIVERY_FAULTS, RUN_FAULTS, WRONG_FOR_LONG, days_of

pytestmark = pytest.mark.server

PART = "long run"

#: A thousand sessions as they may come, or some days with more than their share of each fault.
SEED, SESSIONS, OFTEN = (20260101, 1000, 1.0) if WRITE else (1004, 16, 2.0)
SEED = int(os.environ.get("TAILGUARD_TEST_SEED", SEED))
FIRST = dt.date(2006, 6, 1)
HEDGES = "alvh-seed"
RECIPIENTS = [*(("email", address) for address in TO), ("slack", "webhook")]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, calendar: TradingCalendar) -> Iterator[LongRun]:
    directory = tmp_path_factory.mktemp("long-run")
    sessions = calendar.sessions_in(FIRST, FIRST + dt.timedelta(days=2 * SESSIONS + 30))[:SESSIONS].tolist()
    with receivers() as server, worker(directory) as run_in:
        run = LongRun(directory, run_in, server, calendar, days_of(calendar, sessions, SEED, OFTEN), HEDGES)
        print(f"to repeat it: TAILGUARD_TEST_SEED={SEED}")  # noqa: T201 - shown if it fails
        run.play()
        yield run


@pytest.fixture(scope="module")
def found(played: LongRun) -> Found:
    return played.finish()


def test_every_session_ends_in_its_one_right_outcome(played: LongRun, found: Found, calendar: TradingCalendar) -> None:
    oracle = Oracle(calendar, played.days[-1].session, HEDGES)
    revisions = Counter(session for session, _ in found.reports)
    outcomes = dict(found.outcomes)
    for day in played.days:
        due = revisions_due(played, day.session, oracle)
        assert due[0] <= revisions[day.session] <= due[1], (day, due, revisions[day.session])
        assert outcomes[day.session] == ("EMITTED" if revisions[day.session] == 1 else "REVISED")
    assert {session for session, _ in found.alerts} == played.summary.failed


def test_the_reports_are_those_of_a_run_without_faults(played: LongRun, found: Found) -> None:
    expected = played.fault_free()
    last = {session: document for (session, _), document in sorted(found.reports.items())}
    for (session, revision), document in expected.reports.items():
        assert revision == 1
        assert without_provenance(last[session]) == without_provenance(document), session


def test_who_is_told_hears_it_once(played: LongRun, found: Found) -> None:
    server, summary = played.receivers, played.summary
    assert not server.doubles()
    assert set(found.messages.values()) <= set(SETTLED), Counter(found.messages.values())
    sessions = {day.session for day in played.days}
    for channel, recipient in RECIPIENTS:
        told: dict[dt.date, object] = {}
        for (session, revision), document in sorted(found.reports.items()):
            if session not in sessions or session in summary.failed:
                continue
            key = session, revision, channel, recipient
            asks = asked(document)
            assert (key in found.messages) == (told.get(session) != asks), key
            if key in found.messages:
                told[session] = asks
        alerts = {key[0] for key in found.messages if key[1] is None and key[2:] == (channel, recipient)}
        assert alerts == summary.failed
    certain, doubtful = len(found.in_state(SENT)), len(found.in_state(UNCERTAIN))
    assert certain <= len(server.mails) + len(server.posts) <= certain + doubtful


def test_memory_stays_flat(played: LongRun) -> None:
    """What the process holds grows with the history that it loads, and with nothing else."""
    memory = played.summary.memory
    tenth = len(memory) // 10
    early, late = memory[tenth : 2 * tenth], memory[-tenth:]
    assert statistics.median(late) < 1.25 * statistics.median(early)


def test_the_documentation_says_what_came_of_it(played: LongRun, found: Found) -> None:
    summary, states = played.summary, Counter(found.messages.values())
    sessions = [day.session for day in played.days]
    revisions = Counter(session for session, _ in found.reports if session in sessions)
    data = Counter(fault for day in played.days for fault in day.faults)
    megabytes = [round(size / 1e6) for size in (summary.memory[9], max(summary.memory), summary.memory[-1])]
    wrong = {
        **{f"{name} (sessions)": data[name] for name in DATA_FAULTS},
        **{f"{name} (runs)": summary.faults[name] for name in RUN_FAULTS},
        **{f"{name} (runs with messages)": summary.faults[name] for name in DELIVERY_FAULTS},
    }
    assert [name for name, count in wrong.items() if not count] == ([] if WRITE else [f"{WRONG_FOR_LONG} (sessions)"])
    came = {
        "sessions, runs": f"{len(sessions):,}, {summary.runs:,}",
        "EMITTED, REVISED": f"{sum(count == 1 for count in revisions.values()):,}, "
        f"{sum(count > 1 for count in revisions.values()):,}",
        "of them FAILED at the deadline, and recorded later": f"{len(summary.failed):,}",
        "revisions beyond the first": f"{revisions.total() - len(sessions):,}",
        "sessions in another state than they should be": "0",
        "reports that differ from those of a run without faults": "0",
        "alerts": f"{len(found.alerts):,}",
        "messages SENT, UNCERTAIN, SUPERSEDED": ", ".join(f"{states[state]:,}" for state in SETTLED),
        "messages lost, messages that came twice": "0, 0",
        "memory of the process, MB: tenth run, peak, last run": ", ".join(map(str, megabytes)),
    }
    lines = [f"Seed {SEED}; {machine()}.", "", "| what went wrong | how often |", "|---|---|"]
    lines += [f"| {what} | {count:,} |" for what, count in wrong.items()]
    lines += ["", "| what came of it | |", "|---|---|", *(f"| {what} | {count} |" for what, count in came.items())]
    if WRITE:
        write_part(PART, lines)
    assert first_columns(part(PART), 1) == first_columns(lines, 1)
