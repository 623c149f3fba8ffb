"""Which of Cboe's files are asked for, and that the recorded ones say the same in each of their places."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from signals.calendar import TradingCalendar
from tasks.sources.cboe import archive_files, contract_files, index_files
from tasks.sources.formats import CBOE_INDEX, CBOE_VX_CONTRACT, CBOE_VX_SHEET, EVENT_DATES, parse
from tasks.sources.payload import Payload

NOW = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)
D = dt.date.fromisoformat


def recorded(format_name: str, path: Path) -> Payload:
    return Payload(format_name, path.stem, path.name, path.read_bytes(), NOW, assumed_availability=True)


def test_before_2013_every_contract_is_in_the_archive(calendar: TradingCalendar) -> None:
    files = archive_files("https://cdn.example", calendar, D("2008-09-15"), D("2008-10-31"))
    assert [file.subject for file in files] == [
        *("CFE_U08_VX", "CFE_V08_VX", "CFE_X08_VX", "CFE_Z08_VX", "CFE_F09_VX", "CFE_G09_VX", "CFE_H09_VX"),
        *("CFE_J09_VX", "CFE_K09_VX", "CFE_M09_VX", "CFE_N09_VX"),
    ]
    assert files[0].url == "https://cdn.example/resources/futures/archive/volume-and-price/CFE_U08_VX.csv"
    assert not any(file.may_be_absent for file in files)
    assert contract_files("", calendar, D("2008-09-15"), D("2008-10-31")) == []


def test_contracts_of_2013_are_read_from_both_places(calendar: TradingCalendar) -> None:
    window = D("2012-12-20"), D("2013-06-28")
    archived = [file.subject for file in archive_files("", calendar, *window)]
    own = [file.subject for file in contract_files("", calendar, *window)]
    assert (archived[0], archived[-1], len(archived)) == ("CFE_F13_VX", "CFE_Z13_VX", 12)
    assert (own[0], own[-1], len(own)) == ("VX_2013-01-16", "VX_2014-03-18", 15)


def test_from_2014_on_the_archive_has_nothing(calendar: TradingCalendar) -> None:
    assert archive_files("", calendar, D("2013-12-18"), D("2026-07-29")) == []


def test_only_months_that_were_never_listed_may_be_absent_from_the_archive(
    calendar: TradingCalendar, data_dir: Path
) -> None:
    files = archive_files("", calendar, D("2004-01-02"), D("2013-12-31"))
    there = {path.stem for path in (data_dir / "cboe/futures/archive").glob("*.csv")}
    assert {file.subject for file in files if not file.may_be_absent} == there
    assert len(files) == 120


def test_every_contract_with_a_file_of_its_own_is_recorded(calendar: TradingCalendar, data_dir: Path) -> None:
    files = contract_files("", calendar, D("2004-01-02"), D("2026-09-22"))
    there = {path.stem for path in (data_dir / "cboe/futures/VX").glob("*.csv")}
    assert {file.subject for file in files if not file.may_be_absent} <= there
    assert files[0].subject == "VX_2013-01-16"


def test_indices_are_asked_for_by_name() -> None:
    assert [file.subject for file in index_files("")] == ["VIX", "SPX"]
    (file,) = index_files("https://cdn.example", ["VVIX"])
    assert file.url == "https://cdn.example/api/global/us_indices/daily_prices/VVIX_History.csv"


@pytest.mark.parametrize(
    ("name", "day", "value"),
    [("VIX3M", "2008-11-20", 69.24), ("VIX6M", "2020-03-16", 55.40), ("VIX9D", "2018-02-05", 59.34)],
)
def test_the_recorded_terms_of_volatility_are_read(data_dir: Path, name: str, day: str, value: float) -> None:
    path = data_dir / f"cboe/index/{name}_History.csv"
    (found,) = parse(Payload(CBOE_INDEX, name, path.name, path.read_bytes(), NOW, assumed_availability=True))
    assert found.series == name
    assert dict(zip(map(str, found.days), found.values.tolist(), strict=True))[day] == value


def test_a_recorded_sheet_has_the_settlements_of_the_contracts(data_dir: Path) -> None:
    sheets = sorted((data_dir / "cboe/futures/settlement").glob("*.csv"))
    contracts: dict[str, dict[str, float]] = {}
    for sheet in sheets:
        found = parse(recorded(CBOE_VX_SHEET, sheet))
        assert len(found) >= 8
        for each in found:
            if each.series not in contracts:
                path = data_dir / f"cboe/futures/VX/VX_{each.series.removeprefix('VX.')}.csv"
                (whole,) = parse(recorded(CBOE_VX_CONTRACT, path))
                contracts[each.series] = dict(zip(map(str, whole.days), whole.values.tolist(), strict=True))
            assert each.values.tolist() == [contracts[each.series][sheet.stem]]


def test_the_recorded_dates_of_events_are_read(data_dir: Path) -> None:
    (fomc,) = parse(recorded(EVENT_DATES, data_dir / "calendar/fomc_dates.csv"))
    (cpi,) = parse(recorded(EVENT_DATES, data_dir / "calendar/cpi_release_dates.csv"))
    assert (len(fomc.days), str(fomc.days[-1]), len(cpi.days)) == (191, "2027-12-08", 57)
    assert dt.date(2020, 3, 15) not in fomc.days.tolist()
