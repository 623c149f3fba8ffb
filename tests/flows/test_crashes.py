"""Runs that are killed, by SIGKILL, at a point of their way, and started again.

What kills is the run's own process at a point that it counts (tests/simulation/points.py), or the servers that it
delivers to, at a moment that only they see. Each evening is first played undisturbed; that says which points there are,
and what has to be found in the end. `make test` kills at a spread of them, `make reliability` at every one.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, make_url, text

from storage.outbox import SENDING, UNCERTAIN
from tests.postgresql import Server
from tests.reliability_page import WRITE, first_columns, machine, part, write_part
from tests.simulation.bridge import Bridge
from tests.simulation.driver import Worker, worker
from tests.simulation.evenings import EVENINGS, Evening, Stage, spread, write_markets
from tests.simulation.findings import Found, Told, check_whole, find, has_schema
from tests.simulation.points import AFTER_COMMIT, BEFORE_COMMIT, CONNECT, OPEN
from tests.simulation.receivers import MAIL, MOMENTS, Receivers, receivers

pytestmark = pytest.mark.server

EXIT_UNDELIVERED = 4
PART = "crashes"


@dataclass
class Killed:
    """What came of killing one kind of evening at one kind of point."""

    points: int = 0
    stored: int = 0
    uncertain: int = 0


Matrix = dict[tuple[str, str], Killed]


@dataclass(frozen=True)
class Played:
    """An evening without a disturbance: the points of its run, and what is found each time it was started again."""

    evening: Evening
    stage: Stage
    restore: Callable[[], None]
    points: list[str]
    found: list[Found]
    received: Counter[tuple[str, ...]]


Play = Callable[[Evening], Played]


def received(server: Receivers) -> Counter[tuple[str, ...]]:
    return Counter([*server.mails, *((post,) for post in server.posts)])


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("crashes")
    write_markets(found)
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Receivers]:
    with receivers() as found:
        yield found


@pytest.fixture(scope="module")
def run_in(directory: Path, server: Receivers) -> Iterator[Worker]:
    with worker(directory) as found:
        warm = Stage(directory, f"sqlite:///{directory / 'warm.db'}", found, server)
        # What is read once in a process is read before children are forked from it.
        found("daily", warm.settings("complete", EVENINGS[0].starts), fork=False)
        server.forget()
        yield found


@pytest.fixture(scope="module")
def on_sqlite(directory: Path, server: Receivers, run_in: Worker) -> Play:
    """Play an evening on SQLite; each only once."""
    known: dict[str, Played] = {}

    def play(evening: Evening) -> Played:
        if evening.name not in known:
            number = EVENINGS.index(evening)
            database, before = directory / f"tailguard-{number}.db", directory / f"before-{number}.db"
            stage = Stage(directory, f"sqlite:///{database}", run_in, server)

            def restore() -> None:
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{database}{suffix}").unlink(missing_ok=True)
                if before.exists():
                    shutil.copyfile(before, database)

            evening.prepare(stage)
            if database.exists():
                shutil.copyfile(database, before)
            known[evening.name] = undisturbed(evening, stage, restore)
        return known[evening.name]

    return play


def undisturbed(evening: Evening, stage: Stage, restore: Callable[[], None]) -> Played:
    stage.receivers.forget()
    restore()
    watched = str(stage.directory / evening.market)
    ended = stage.run_in("daily", stage.settings(evening.market, evening.starts), watched=watched)
    assert ended["ended"] == "well", ended
    found = [started_again(evening, stage, instant) for instant in evening.again]
    return Played(evening, stage, restore, ended["points"], found, received(stage.receivers))


def started_again(evening: Evening, stage: Stage, instant: dt.datetime) -> Found:
    ended = stage.run_in("daily", stage.settings(evening.market, instant))
    assert ended["ended"] == "well", ended
    check_whole(stage.url)
    return find(stage.url)


def kill_and_go_on(
    played: Played, die_at: int | None = None, moment: str | None = None, task: str = "daily"
) -> tuple[bool, int]:
    """Play an evening, kill its run, start it again, and check everything.

    Returns
    -------
    bool, int
        Whether the run had stored what it is there for, and how many messages it left UNCERTAIN.
    """
    evening, stage, server = played.evening, played.stage, played.stage.receivers
    server.forget()
    played.restore()
    server.disturbance = (moment, server.kill) if moment else None
    settings = stage.settings(evening.market, evening.starts)
    watched = str(stage.directory / evening.market)
    killed = stage.run_in(task, settings, started=server.victim.put, die_at=die_at, watched=watched)
    assert (killed["ended"], killed.get("signal")) == ("killed", signal.SIGKILL), killed
    server.behave()

    check_whole(stage.url)
    left = find(stage.url) if has_schema(stage.url) else None
    on_their_way = left.in_state(SENDING) if left else []
    assert len(on_their_way) <= 1
    # What is on its way stays claimed for a while; only then is it known that nobody will tell of it any more.
    claimed = started_again(evening, stage, evening.again[0])
    compare(claimed, played.found[0], dict.fromkeys(on_their_way, SENDING))
    if on_their_way or WRITE:
        later = started_again(evening, stage, evening.again[1])
        compare(later, played.found[1], dict.fromkeys(on_their_way, UNCERTAIN))

    arrived, expected = received(server), played.received
    assert not server.doubles()
    assert arrived <= expected
    assert (expected - arrived).total() <= len(on_their_way)
    if on_their_way:
        output = stage.directory / "status.txt"
        assert stage.run_in("command", settings, arguments=["status"], output=str(output))["code"] == EXIT_UNDELIVERED
        assert "UNCERTAIN: 1" in output.read_text()
    stored = bool(left) and (left.reports.keys(), left.alerts) == (claimed.reports.keys(), claimed.alerts)
    return stored, len(on_their_way)


def compare(found: Found, expected: Found, otherwise: dict[Told, str]) -> None:
    """What is found has to be what an undisturbed evening leaves, but for the state of some messages."""
    assert found.reports == expected.reports
    assert (found.alerts, found.outcomes) == (expected.alerts, expected.outcomes)
    assert found.values == expected.values
    assert found.messages == expected.messages | otherwise


STATEMENTS, COMMITS = "before or after a statement", "just before or after a commit"
FILES, CONNECTIONS = "at a file that it reads", "as it connects to a server"

#: How many of each kind `make test` takes of an evening; the first run, which makes tables, takes long.
_SHARES = {STATEMENTS: 3, COMMITS: 5, FILES: 1, CONNECTIONS: 2}
_SHARES_OF_THE_FIRST = {STATEMENTS: 3, COMMITS: 3, FILES: 1, CONNECTIONS: 0}

#: And how many `make reliability` takes.
_LONG_SHARES = {STATEMENTS: 10, COMMITS: 12, FILES: 3, CONNECTIONS: 4}


def kind_of(point: str) -> str:
    """The kind of a point."""
    if point in (BEFORE_COMMIT, AFTER_COMMIT):
        return COMMITS
    if point == CONNECT:
        return CONNECTIONS
    return FILES if point.startswith(OPEN) else STATEMENTS


def chosen(points: list[str], shares: dict[str, int]) -> list[int]:
    """A spread with a share of each kind."""
    kinds: dict[str, list[int]] = {}
    for number, point in enumerate(points):
        kinds.setdefault(kind_of(point), []).append(number)
    return sorted(
        numbers[at]
        for kind, numbers in kinds.items()
        for at in spread(len(numbers), (_LONG_SHARES if WRITE else shares)[kind])
    )


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return {}


def kill_at(played: Played, number: int, task: str = "daily") -> tuple[bool, int]:
    """Kill at one of the points, and say which one it was if something is wrong."""
    try:
        return kill_and_go_on(played, number, task=task)
    except AssertionError as error:
        error.add_note(f"{played.evening.name}, killed at point {number}, {played.points[number]}")
        raise


def note(matrix: Matrix, what: str, kind: str, came_of_it: tuple[bool, int]) -> None:
    row = matrix.setdefault((what, kind), Killed())
    row.points += 1
    row.stored += came_of_it[0]
    row.uncertain += came_of_it[1]


@pytest.mark.parametrize("evening", EVENINGS, ids=[evening.name for evening in EVENINGS])
def test_a_run_killed_at_any_point_loses_and_doubles_nothing(evening: Evening, on_sqlite: Play, matrix: Matrix) -> None:
    played = on_sqlite(evening)
    first = evening is EVENINGS[0]
    for number in chosen(played.points, _SHARES_OF_THE_FIRST if first else _SHARES):
        note(matrix, evening.name, kind_of(played.points[number]), kill_at(played, number))


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("evening", EVENINGS[1:], ids=[evening.name for evening in EVENINGS[1:]])
def test_a_run_killed_while_it_delivers_leaves_one_message_uncertain(
    evening: Evening, moment: str, on_sqlite: Play, matrix: Matrix
) -> None:
    came_of_it = kill_and_go_on(on_sqlite(evening), moment=moment)
    assert came_of_it == (True, 1)
    note(matrix, evening.name, f"when {moment}", came_of_it)


#: The evening that is also played by Prefect's engine, and the one that is always also played on PostgreSQL.
USUAL, CORRECTED = EVENINGS[1], EVENINGS[2]
#: All are killed on SQLite; it is the one with the most to store that is killed on PostgreSQL too by `make test`.
ON_POSTGRESQL = [USUAL, CORRECTED] if WRITE else [CORRECTED]


@pytest.fixture
def on_postgresql(postgresql: Server, directory: Path, server: Receivers, run_in: Worker) -> Iterator[Play]:
    url = make_url(postgresql.database(with_schema=False))
    name, kept = (f"tailguard_crash_{os.getpid()}{suffix}" for suffix in ("", "_kept"))

    def execute(*statements: str) -> None:
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def copy(one: str, other: str) -> None:
        execute(f"DROP DATABASE IF EXISTS {other} WITH (FORCE)", f"CREATE DATABASE {other} TEMPLATE {one}")

    def play(evening: Evening) -> Played:
        stage = Stage(directory, url.set(database=name).render_as_string(hide_password=False), run_in, server)
        execute(f"CREATE DATABASE {name}")
        evening.prepare(stage)
        copy(name, kept)
        return undisturbed(evening, stage, lambda: copy(kept, name))

    yield play
    execute(*(f"DROP DATABASE IF EXISTS {each} WITH (FORCE)" for each in (name, kept)))


@pytest.mark.parametrize("evening", ON_POSTGRESQL, ids=[evening.name for evening in ON_POSTGRESQL])
def test_on_postgresql_a_killed_run_loses_and_doubles_nothing(
    evening: Evening, on_postgresql: Play, matrix: Matrix
) -> None:
    played = on_postgresql(evening)
    for number in chosen(played.points, {STATEMENTS: 2, COMMITS: 3, FILES: 0, CONNECTIONS: 0}):
        if kind_of(played.points[number]) in (STATEMENTS, COMMITS):
            note(matrix, f"{evening.name}, on PostgreSQL", kind_of(played.points[number]), kill_at(played, number))


def test_a_run_of_prefects_engine_that_is_killed_loses_and_doubles_nothing(
    on_sqlite: Play, directory: Path, prefect_server: str, matrix: Matrix
) -> None:
    played = on_sqlite(USUAL)
    played.restore()
    with worker(directory, PREFECT_API_URL=prefect_server) as run_in:
        stage, evening = replace(played.stage, run_in=run_in), played.evening
        ended = run_in("flow", stage.settings(evening.market, evening.starts), watched=str(directory / evening.market))
        assert ended["ended"] == "well", ended
        commits = [number for number, point in enumerate(ended["points"]) if kind_of(point) == COMMITS]
        by_prefect = replace(played, points=ended["points"], stage=stage)
        for at in spread(len(commits), len(commits) if WRITE else 3):
            came_of_it = kill_at(by_prefect, commits[at], task="flow")
            note(matrix, f"{evening.name}, by Prefect's engine", COMMITS, came_of_it)


def test_a_run_whose_prefect_server_goes_away_delivers_all_the_same(
    on_sqlite: Play, directory: Path, prefect_server: str, server: Receivers
) -> None:
    played = on_sqlite(USUAL)
    played.restore()
    server.forget()
    # Prefect would ask for a minute, each time that it has something to tell.
    settings = {"PREFECT_CLIENT_MAX_RETRIES": "0"}
    with (
        Bridge(urlsplit(prefect_server)) as bridge,
        worker(directory, PREFECT_API_URL=bridge.url, **settings) as run_in,
    ):
        server.disturbance = MAIL, bridge.cut
        run_in("flow", played.stage.settings(USUAL.market, USUAL.starts))
    assert server.disturbance is None
    for instant, expected in zip(USUAL.again, played.found, strict=True):
        compare(started_again(USUAL, played.stage, instant), expected, {})
    assert received(server) == played.received


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of six megabytes."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(directory)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk to fill, and not everywhere")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.parametrize("room", [0, 65_536, 196_608])
def test_a_run_that_fills_the_disk_leaves_nothing_half(room: int, on_sqlite: Play, small_disk: Path) -> None:
    played = on_sqlite(USUAL)
    played.restore()
    database = small_disk / "tailguard.db"
    shutil.copyfile(make_url(played.stage.url).database or "", database)
    stage = replace(played.stage, url=f"sqlite:///{database}")
    stage.receivers.forget()
    free = os.statvfs(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(free.f_bavail * free.f_frsize - room))
    assert stage.run_in("daily", stage.settings(USUAL.market, USUAL.starts))["ended"] != "well"
    filler.unlink()
    check_whole(stage.url)
    for instant, expected in zip(USUAL.again, played.found, strict=True):
        compare(started_again(USUAL, stage, instant), expected, {})
    assert received(stage.receivers) == played.received


def test_the_table_of_the_documentation_is_what_came_of_it(matrix: Matrix) -> None:
    if {evening.name for evening in EVENINGS} - {what for what, _ in matrix}:
        pytest.skip("not every run has been killed")
    rows = [
        f"| {what} | {where} | {row.points:,} | {row.stored:,} | {row.uncertain:,} |"
        for (what, where), row in matrix.items()
    ]
    total = [sum(getattr(row, name) for row in matrix.values()) for name in ("points", "stored", "uncertain")]
    lines = [f"{machine()}.", "", "| the run that is killed | where | kills | stored already | UNCERTAIN |"]
    lines += ["|---|---|---|---|---|", *rows]
    lines.append("| all of them | | " + " | ".join(f"{count:,}" for count in total) + " |")
    if WRITE:
        write_part(PART, lines)
    # The short form leaves out a kind here and there.
    known = first_columns(part(PART), 2)
    assert [row for row in first_columns(lines, 2) if row not in known] == []
