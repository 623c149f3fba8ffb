from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from signals.errors import ConfigurationError, DataQualityError
from signals.events import event_days
from signals.series import BLS, EVENT_CPI
from storage.engine import open_engine
from storage.models import Observation, Payload
from storage.schema import ensure_schema
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock
from tasks.ingest import IngestSummary, ingest, load_market, read_source, require_market
from tasks.sources.files import FilesSource
from tasks.sources.formats import BLS_SCHEDULE, CBOE_INDEX, CBOE_VX_SHEET, YAHOO_HISTORY
from tasks.sources.payload import Fetched
from tasks.sources.payload import Payload as SourcePayload
from tests.conftest import NOW, now
from tests.market_files import SESSIONS as ALL_SESSIONS
from tests.market_files import write_market

pytestmark = [pytest.mark.server, pytest.mark.both_databases]

LATER = NOW + dt.timedelta(days=1)

#: Half a year is enough here.
LAST = dt.date(2004, 6, 30)
SESSIONS = [day for day in ALL_SESSIONS if day <= LAST]
SPX_FILE = "cboe/index/SPX_History.csv"


def at(instant: dt.datetime) -> Clock:
    return lambda: instant


def ingest_at(directory: Path, engine: Engine, instant: dt.datetime = NOW) -> IngestSummary:
    return ingest(FilesSource(directory, at(instant)), engine, at(instant))


def change(directory: Path, name: str, day: dt.date, value: str) -> None:
    """Replace the last field of the row of a day."""
    path = directory / name
    prefixes = (f"{day},", f"{day:%m/%d/%Y},")
    lines = path.read_text().splitlines()
    (row,) = (row for row, line in enumerate(lines) if line.startswith(prefixes))
    lines[row] = f"{lines[row].rpartition(',')[0]},{value}"
    path.write_text("\n".join(lines) + "\n")


class Version(NamedTuple):
    value: float
    known_at: dt.datetime
    known_at_is_assumed: bool


def versions(engine: Engine, day: dt.date, series: str = "SPX", publisher: str = "cboe") -> list[Version]:
    """Every stored version of a value, in the order they were stored."""
    query = (
        select(Observation.value, Observation.known_at, Observation.known_at_is_assumed)
        .where(Observation.series == series, Observation.publisher == publisher, Observation.day == day)
        .order_by(Observation.id)
    )
    with engine.connect() as connection:
        return [Version(*row) for row in connection.execute(query)]


def count(engine: Engine, table: type[Observation] | type[Payload]) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.fixture(scope="module")
def ingested(made_up_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The whole made-up market, only to be read."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('ingested') / 'test.db'}")
    ensure_schema(engine)
    ingest_at(made_up_dir, engine)
    yield engine
    engine.dispose()


def test_everything_that_a_source_has_is_stored_and_comes_back_the_same(made_up_dir: Path, ingested: Engine) -> None:
    read, _ = read_source(FilesSource(made_up_dir, now))
    with UnitOfWork(ingested) as work:
        stored = load_market(work)
    assert set(stored) == {key for key in read if len(read[key].days)}
    for key, found in stored.items():
        np.testing.assert_array_equal(found.days, read[key].days)
        np.testing.assert_array_equal(found.values, read[key].values)
        assert (found.payloads > 0).all()


def test_every_stored_value_leads_to_the_file_it_was_read_from(made_up_dir: Path, ingested: Engine) -> None:
    with UnitOfWork(ingested) as work:
        payload = load_market(work).find("SPX", "cboe").payload_on(np.datetime64(LAST))
        assert payload is not None
        assert work.observations.payload_body(payload) == (made_up_dir / SPX_FILE).read_bytes()


def test_reading_the_same_files_again_stores_nothing(made_up_dir: Path, engine: Engine) -> None:
    first = ingest_at(made_up_dir, engine)
    stored = count(engine, Observation), count(engine, Payload)
    second = ingest_at(made_up_dir, engine, LATER)

    assert (first.known_payloads, first.new_values, first.changed_values) == (0, stored[0], 0)
    assert second == IngestSummary(first.payloads, first.payloads, 0, 0)
    assert (count(engine, Observation), count(engine, Payload)) == stored


def test_a_changed_value_is_a_new_version_known_since_it_was_fetched(tmp_path: Path, engine: Engine) -> None:
    directory = write_market(tmp_path / "market", LAST)
    ingest_at(directory, engine)
    day = SESSIONS[60]
    (old,) = versions(engine, day)
    change(directory, SPX_FILE, day, "1234.5")
    summary = ingest_at(directory, engine, LATER)

    assert (summary.payloads - summary.known_payloads, summary.new_values, summary.changed_values) == (1, 1, 1)
    assert versions(engine, day) == [old, (1234.5, LATER, False)]
    with UnitOfWork(engine) as work:
        found = load_market(work).find("SPX", "cboe")
    assert found.values[found.days == np.datetime64(day)] == [1234.5]


def test_a_file_with_one_more_row_adds_one_value(tmp_path: Path, engine: Engine) -> None:
    directory = write_market(tmp_path / "market", LAST)
    whole = (directory / SPX_FILE).read_text()
    (directory / SPX_FILE).write_text("\n".join(whole.splitlines()[:-1]) + "\n")
    ingest_at(directory, engine)
    assert versions(engine, LAST) == []
    (directory / SPX_FILE).write_text(whole)
    summary = ingest_at(directory, engine, LATER)

    assert (summary.new_values, summary.changed_values) == (1, 0)
    assert [version.known_at_is_assumed for version in versions(engine, LAST)] == [True]


@pytest.mark.parametrize(
    ("series", "publisher", "day", "known_at"),
    [
        # 16:00 New York plus the assumed lag of the series, in winter and in summer.
        ("SPX", "cboe", dt.date(2006, 1, 17), dt.datetime(2006, 1, 17, 21, 30, tzinfo=dt.UTC)),
        ("SPX", "cboe", dt.date(2006, 6, 27), dt.datetime(2006, 6, 27, 20, 30, tzinfo=dt.UTC)),
        ("DTB3", "fred", dt.date(2006, 6, 27), dt.datetime(2006, 6, 28, 20, 15, tzinfo=dt.UTC)),
        ("VX.2006-07-19", "cboe-archive", dt.date(2006, 6, 27), dt.datetime(2006, 6, 28, 5, 6, tzinfo=dt.UTC)),
    ],
)
def test_the_first_version_of_a_recorded_value_has_an_assumed_availability(
    ingested: Engine, series: str, publisher: str, day: dt.date, known_at: dt.datetime
) -> None:
    (version,) = versions(ingested, day, series, publisher)
    assert (version.known_at, version.known_at_is_assumed) == (known_at, True)


@pytest.mark.parametrize(
    ("name", "day", "known_at"),
    [
        # 45 days after the end of the month, 30 after that of the quarter, by the clock of the first day.
        ("RBUSBIS", dt.date(2020, 1, 1), dt.datetime(2020, 3, 16, 21, tzinfo=dt.UTC)),
        ("RBUSBIS", dt.date(2019, 2, 1), dt.datetime(2019, 4, 14, 21, tzinfo=dt.UTC)),
        ("GDPC1", dt.date(2019, 10, 1), dt.datetime(2020, 1, 30, 20, tzinfo=dt.UTC)),
    ],
)
def test_what_is_of_a_month_or_a_quarter_was_known_some_time_after_its_end(
    tmp_path: Path, engine: Engine, name: str, day: dt.date, known_at: dt.datetime
) -> None:
    path = tmp_path / f"fred/{name}.csv"
    path.parent.mkdir()
    path.write_text(f"observation_date,{name}\n{day},{19000 if name == 'GDPC1' else 101}\n")
    ingest_at(tmp_path, engine)
    assert [version[1:] for version in versions(engine, day, name, "fred")] == [(known_at, True)]


def test_a_value_recorded_before_it_is_usually_out_was_known_when_it_was_recorded(
    tmp_path: Path, engine: Engine
) -> None:
    directory = write_market(tmp_path / "market", LAST)
    evening = dt.datetime(2004, 6, 30, 22, 45, tzinfo=dt.UTC)
    name, key = "cboe/futures/archive/CFE_F05_VX.csv", ("VX.2005-01-19", "cboe-archive")
    path = directory / name
    ingest_at(directory, engine, evening)
    (first,) = versions(engine, LAST, *key)
    *lines, last = path.read_text().splitlines()
    cells = last.split(",")
    cells[6] = "191.00"
    path.write_text("\n".join([*lines, ",".join(cells)]) + "\n")
    ingest_at(directory, engine, evening + dt.timedelta(hours=2))

    assert (first.known_at, first.known_at_is_assumed) == (evening, True)
    with UnitOfWork(engine) as work:
        assert load_market(work)[key].values[-1] == pytest.approx(19.1)
        assert load_market(work, as_of=evening + dt.timedelta(hours=1))[key].values[-1] == first.value


def test_values_that_change_while_the_clock_stands_still_are_versions_one_after_the_other(
    tmp_path: Path, engine: Engine
) -> None:
    directory = write_market(tmp_path / "market", LAST)
    day = SESSIONS[-1]
    ingest_at(directory, engine)
    (first,) = versions(engine, day)
    for value in ("1111.10", "1111.20", "1111.10"):
        change(directory, SPX_FILE, day, value)
        assert ingest_at(directory, engine).changed_values == 1
    found = versions(engine, day)
    assert [version.value for version in found] == [first.value, 1111.10, 1111.20, 1111.10]
    assert [version.known_at for version in found] == sorted({version.known_at for version in found})
    with UnitOfWork(engine) as work:
        assert load_market(work)["SPX", "cboe"].values[-1] == 1111.10


def test_a_release_that_is_moved_is_off_its_old_day(engine: Engine) -> None:
    def schedule(*days: str) -> bytes:
        events = "".join(
            f"BEGIN:VEVENT\r\nSUMMARY:Consumer Price Index\r\nDTSTART;VALUE=DATE:{day}\r\nEND:VEVENT\r\n"
            for day in days
        )
        return f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n".encode()

    @dataclass(frozen=True)
    class Schedule:
        body: bytes
        fetched_at: dt.datetime
        name: str = "live"
        simulated: bool = False
        heals: bool = True

        def fetch(self) -> Fetched:
            return Fetched((SourcePayload(BLS_SCHEDULE, "releases", "bls", self.body, self.fetched_at, False),))

    for at_day, days in ((0, ("20261113", "20261210", "20270113")), (30, ("20261113", "20261218", "20270113"))):
        instant = dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(days=at_day)
        ingest(Schedule(schedule(*days), instant), engine, at(instant))
    with UnitOfWork(engine) as work:
        data = load_market(work)
    assert [str(day) for day in event_days(data, EVENT_CPI, BLS)] == ["2026-11-13", "2026-12-18", "2027-01-13"]


def test_a_broken_file_leaves_no_observation_but_its_body_is_kept(tmp_path: Path, engine: Engine) -> None:
    directory = write_market(tmp_path / "market", LAST)
    change(directory, SPX_FILE, SESSIONS[-1], "n/a")

    with pytest.raises(DataQualityError, match=rf"{SPX_FILE}, line {len(SESSIONS) + 1}: expected a number, got 'n/a'"):
        ingest_at(directory, engine)

    assert count(engine, Observation) == 0
    with engine.connect() as connection:
        key, ingested_at = connection.execute(
            select(Payload.id, Payload.ingested_at).where(Payload.locator.endswith(SPX_FILE))
        ).one()
    assert ingested_at is None
    with UnitOfWork(engine) as work:
        assert work.observations.payload_body(key) == (directory / SPX_FILE).read_bytes()


def test_after_a_broken_file_was_mended_everything_is_stored(tmp_path: Path, engine: Engine) -> None:
    directory = write_market(tmp_path / "market", LAST)
    good = (directory / SPX_FILE).read_bytes()
    change(directory, SPX_FILE, SESSIONS[-1], "n/a")
    with pytest.raises(DataQualityError):
        ingest_at(directory, engine)
    (directory / SPX_FILE).write_bytes(good)
    summary = ingest_at(directory, engine, LATER)

    assert summary.known_payloads == 0
    assert summary.new_values == count(engine, Observation) > 1_000
    assert ingest_at(directory, engine, LATER).known_payloads == summary.payloads


def test_a_file_that_breaks_later_does_not_harm_what_is_stored(tmp_path: Path, engine: Engine) -> None:
    directory = write_market(tmp_path / "market", LAST)
    ingest_at(directory, engine)
    stored = count(engine, Observation)
    change(directory, SPX_FILE, SESSIONS[-1], "1400.25")
    (directory / "fred/DFF.csv").write_text("<html>Too many requests</html>\n")

    with pytest.raises(DataQualityError, match="an HTML page"):
        ingest_at(directory, engine, LATER)

    assert count(engine, Observation) == stored
    assert len(versions(engine, SESSIONS[-1])) == 1


def test_a_file_that_returns_to_an_earlier_body_brings_its_values_back(tmp_path: Path, engine: Engine) -> None:
    directory = write_market(tmp_path / "market", LAST)
    original = (directory / SPX_FILE).read_bytes()
    ingest_at(directory, engine)
    (first,) = versions(engine, LAST)
    change(directory, SPX_FILE, LAST, "1400.25")
    ingest_at(directory, engine, LATER)
    (directory / SPX_FILE).write_bytes(original)
    ingest_at(directory, engine, LATER + dt.timedelta(days=1))

    assert [version.value for version in versions(engine, LAST)] == [first.value, 1400.25, first.value]


class Simulated(FilesSource):
    """The same files, said to be made up."""

    simulated = True


@pytest.mark.parametrize("first", [FilesSource, Simulated])
def test_a_database_is_never_shared_by_a_simulated_and_the_real_market(
    tmp_path: Path, engine: Engine, first: type[FilesSource]
) -> None:
    market = write_market(tmp_path, LAST)
    second = FilesSource if first is Simulated else Simulated
    ingest(first(market, now), engine, now)
    before = count(engine, Observation), count(engine, Payload)

    with pytest.raises(ConfigurationError, match="the two are never mixed") as caught:
        ingest(second(market, now), engine, now)
    with pytest.raises(ConfigurationError, match="the two are never mixed"):
        require_market(engine, second(market, now))

    assert ("simulated" in caught.value.got) == (first is Simulated)
    assert (count(engine, Observation), count(engine, Payload)) == before
    require_market(engine, first(market, now))


def test_what_is_read_from_a_simulated_market_stays_simulated(tmp_path: Path, engine: Engine) -> None:
    market = write_market(tmp_path, LAST)
    source = Simulated(market, now)
    ingest(source, engine, now)
    with UnitOfWork(engine) as work:
        assert load_market(work).simulated
    assert read_source(source)[0].simulated
    assert not read_source(FilesSource(market, now))[0].simulated


@dataclass(frozen=True)
class Answer:
    """A live source with one payload."""

    payload: SourcePayload
    name: str = "live"
    simulated: bool = False
    heals: bool = True

    def fetch(self) -> Fetched:
        return Fetched((self.payload,))


def answered(format_name: str, subject: str, lines: list[str], hour: int, through: dt.date | None = None) -> Answer:
    fetched_at = dt.datetime(2020, 3, 16, hour, tzinfo=dt.UTC)
    body = "".join(f"{line}\n" for line in lines).encode()
    return Answer(SourcePayload(format_name, subject, subject, body, fetched_at, False, through=through))


def held(engine: Engine, series: str, publisher: str, as_of: dt.datetime | None = None) -> dict[str, float]:
    with UnitOfWork(engine) as work:
        found = load_market(work, as_of=as_of).find(series, publisher)
    return {str(day): value for day, value in zip(found.days.tolist(), found.values.tolist(), strict=True)}


def test_what_a_publisher_takes_back_is_gone_and_was_known_until_then(engine: Engine) -> None:
    header, rows = "DATE,SPX", ["03/12/2020,2480.64", "03/13/2020,2711.02", "03/16/2020,2460.00"]
    for hour, there in ((20, rows), (21, rows[:2]), (22, [*rows[:2], "03/16/2020,2386.13"])):
        source = answered(CBOE_INDEX, "SPX", [header, *there], hour)
        ingest(source, engine, at(source.payload.fetched_at))
    assert held(engine, "SPX", "cboe")["2020-03-16"] == 2386.13
    by_hour = {
        hour: held(engine, "SPX", "cboe", dt.datetime(2020, 3, 16, hour, 30, tzinfo=dt.UTC)) for hour in (20, 21)
    }
    assert by_hour[20]["2020-03-16"] == 2460.0
    assert list(by_hour[21]) == ["2020-03-12", "2020-03-13"]


def test_days_that_were_not_asked_for_are_not_taken_back(engine: Engine) -> None:
    header, rows = "Date,Close", ["2020-03-12,2480.64", "2020-03-13,2711.02", "2020-03-16,2386.13"]
    whole = answered(YAHOO_HISTORY, "GSPC", [header, *rows], 20, dt.date(2020, 3, 16))
    older = answered(YAHOO_HISTORY, "GSPC", [header, *rows[:2]], 21, dt.date(2020, 3, 13))
    blank = answered(YAHOO_HISTORY, "GSPC", [header, *rows[:2], "2020-03-16,"], 22, dt.date(2020, 3, 16))
    found = []
    for source in (whole, older, blank):
        ingest(source, engine, at(source.payload.fetched_at))
        found.append(list(held(engine, "SPX", "yahoo"))[-1])
    assert found == ["2020-03-16", "2020-03-16", "2020-03-13"]


@dataclass(frozen=True)
class Overtaken:
    """A source whose answer is on its way while another run fetches and stores a later one."""

    ours: Answer
    theirs: Answer
    engine: Engine
    name: str = "live"
    simulated: bool = False
    heals: bool = True

    def fetch(self) -> Fetched:
        ingest(self.theirs, self.engine, at(self.theirs.payload.fetched_at))
        return self.ours.fetch()


def test_an_answer_that_another_run_overtook_neither_replaces_nor_takes_back_anything(engine: Engine) -> None:
    header, rows = "DATE,SPX", ["03/12/2020,2480.64", "03/13/2020,2711.02", "03/16/2020,2386.13"]
    first = answered(CBOE_INDEX, "SPX", [header, rows[0], "03/13/2020,2700.00"], 20)
    ingest(first, engine, at(first.payload.fetched_at))
    # Asked at once; theirs came an hour later, with a mended value and one more day. Ours alone has a day before.
    ours = answered(CBOE_INDEX, "SPX", [header, "03/11/2020,2741.38", rows[0], "03/13/2020,2705.00"], 21)
    theirs = answered(CBOE_INDEX, "SPX", [header, *rows], 22)
    summary = ingest(Overtaken(ours, theirs, engine), engine, at(ours.payload.fetched_at))

    assert held(engine, "SPX", "cboe") == {
        "2020-03-11": 2741.38, "2020-03-12": 2480.64, "2020-03-13": 2711.02, "2020-03-16": 2386.13
    }  # fmt: skip
    assert (summary.new_values, summary.changed_values) == (1, 0)
    # Read again later, it is news.
    again = answered(CBOE_INDEX, "SPX", [header, *rows[:2], "03/16/2020,2400.00"], 23)
    ingest(again, engine, at(again.payload.fetched_at))
    assert held(engine, "SPX", "cboe")["2020-03-16"] == 2400.0


def test_a_sheet_counts_as_a_whole(engine: Engine) -> None:
    header = "Product,Symbol,Expiration Date,Price"
    rows = ["VX,VX/H0,2020-03-18,53.425", "VX,VX/J0,2020-04-15,43.9", "VX,VX/K0,2020-05-20,34.525"]
    mended = ["VX,VX/H0,2020-03-18,72.625", "VX,VX/K0,2020-05-20,44.875"]
    for hour, there in ((20, rows), (21, mended)):
        source = answered(CBOE_VX_SHEET, "2020-03-16", [header, *there], hour)
        ingest(source, engine, at(source.payload.fetched_at))
    assert held(engine, "VX.2020-03-18", "cboe-sheet") == {"2020-03-16": 72.625}
    assert held(engine, "VX.2020-04-15", "cboe-sheet") == {}


def test_a_sheet_that_is_mended_later_takes_nothing_of_the_days_after_it_back(engine: Engine) -> None:
    header = "Product,Symbol,Expiration Date,Price"
    for day, hour, price in (("2020-03-13", 20, "43.9"), ("2020-03-16", 21, "59.15"), ("2020-03-13", 22, "43.95")):
        rows = ["VX,VX/H0,2020-03-18,53.425", f"VX,VX/J0,2020-04-15,{price}"]
        source = answered(CBOE_VX_SHEET, day, [header, *rows], hour)
        ingest(source, engine, at(source.payload.fetched_at))
    assert held(engine, "VX.2020-04-15", "cboe-sheet") == {"2020-03-13": 43.95, "2020-03-16": 59.15}


def test_a_shorter_recorded_file_takes_nothing_back(tmp_path: Path, engine: Engine) -> None:
    directory = write_market(tmp_path / "market", LAST)
    ingest_at(directory, engine)
    lines = (directory / SPX_FILE).read_text().splitlines()
    (directory / SPX_FILE).write_text("\n".join(lines[:-5]) + "\n")
    ingest_at(directory, engine, LATER)
    assert list(held(engine, "SPX", "cboe"))[-1] == str(SESSIONS[-1])


@pytest.mark.parametrize(("wrong", "used"), [(3, True), (30, False)])
def test_an_answer_that_tells_another_history_is_refused_and_a_mended_value_is_not(
    engine: Engine, wrong: int, used: bool
) -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=day) for day in range(60)]
    right = [f"{day:%m/%d/%Y},{3000 + row}.00" for row, day in enumerate(days)]
    other = [f"{line}0" if row >= wrong else line.replace(",", ",1") for row, line in enumerate(right)]
    for hour, lines in ((20, right), (21, other)):
        source = answered(CBOE_INDEX, "SPX", ["DATE,SPX", *lines], hour)
        summary = ingest(source, engine, at(source.payload.fetched_at))
    assert (summary.refused == ()) == used
    assert held(engine, "SPX", "cboe")["2020-01-01"] == (13000.0 if used else 3000.0)
    if not used:
        assert "got 30 others, the first of 2020-01-01, and 0 missing, of 60" in summary.refused[0]


def test_other_opens_of_the_vix_are_taken_and_do_not_keep_its_closes_out(engine: Engine) -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=day) for day in range(60)]
    for hour, opening in ((20, 14.0), (21, 28.0)):
        rows = [f"{day:%m/%d/%Y},{opening},30,12,{15 + hour / 100:.2f}" for day in days[: hour + 30]]
        source = answered(CBOE_INDEX, "VIX", ["DATE,OPEN,HIGH,LOW,CLOSE", *rows], hour)
        summary = ingest(source, engine, at(source.payload.fetched_at))
        # Closes that all differ by a thousandth at most are the same history.
        assert summary.refused == ()
    assert set(held(engine, "VIX.open", "cboe").values()) == {28.0}
    assert len(held(engine, "VIX", "cboe")) == 51


def test_a_trade_of_the_fund_that_is_none_does_not_keep_its_adjusted_close_out(engine: Engine) -> None:
    header = "Date,Open,High,Low,Close,Adj Close,Volume"
    rows = ["2020-03-12,,,,248.11,231.2,392220700", "2020-03-13,,,,0,250.9,-1"]
    source = answered(YAHOO_HISTORY, "SPY", [header, *rows], 20)
    assert ingest(source, engine, at(source.payload.fetched_at)).refused == ()
    assert list(held(engine, "SPY.adjusted", "yahoo")) == ["2020-03-12", "2020-03-13"]
    assert held(engine, "SPY.volume", "yahoo") == {"2020-03-12": 392220700.0}
    assert held(engine, "SPY.close", "yahoo") == {"2020-03-12": 248.11}


def test_a_dividend_rewrites_the_prices_of_a_fund_and_none_of_its_returns(engine: Engine) -> None:
    days = ["2020-03-10", "2020-03-11", "2020-03-12", "2020-03-13"]
    prices = [87.934, 83.517, 75.201, 83.925]
    for hour, factor in ((20, 1.0), (21, 0.9962)):
        rows = [f"{day},{price * factor:.6f}" for day, price in zip(days, prices, strict=True)]
        source = answered(YAHOO_HISTORY, "XLK", ["Date,Adj Close", *rows], hour)
        summary = ingest(source, engine, at(source.payload.fetched_at))
    assert (summary.new_values, summary.changed_values) == (0, 0)
    assert held(engine, "XLK.return", "yahoo") == {
        "2020-03-11": -0.05023,
        "2020-03-12": -0.09957,
        "2020-03-13": 0.11601,
    }
