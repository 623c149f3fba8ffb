from __future__ import annotations

import datetime as dt
import hashlib
import os
from pathlib import Path

import pytest

from signals.errors import ConfigurationError
from signals.market import MarketData
from signals.series import CBOE, CBOE_ARCHIVE, REIT_FUND, SECTOR_FUNDS, SPX, VIX, YAHOO
from tasks.ingest import read_source
from tasks.sources.files import FilesSource
from tests.market_files import write

NOW = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)

VX_HEADER = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest"
YAHOO_HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"

#: Every single file the source knows, in the order it reads them.
SINGLE_FILES = [
    ("yahoo/GSPC.csv", [YAHOO_HEADER, "2020-03-05,,,,3023.94,3023.94,"]),
    ("yahoo/SP500TR.csv", [YAHOO_HEADER, "2020-03-05,,,,6132.31,6132.31,"]),
    ("yahoo/SPY.csv", [YAHOO_HEADER, "2020-03-05,,,,302.46,281.77,"]),
    ("yahoo/VIX.csv", [YAHOO_HEADER, "2020-03-05,,,,39.62,39.62,"]),
    ("yahoo/IRX.csv", [YAHOO_HEADER, "2020-03-05,,,,0.54,0.54,"]),
    ("cboe/index/VIX_History.csv", ["DATE,OPEN,HIGH,LOW,CLOSE", "03/05/2020,33,41,32,39.62"]),
    ("cboe/index/SPX_History.csv", ["DATE,SPX", "03/05/2020,3023.94"]),
    ("cboe/index/VIX3M_History.csv", ["DATE,OPEN,HIGH,LOW,CLOSE", "03/05/2020,29,32,28,31.82"]),
    ("cboe/index/VIX6M_History.csv", ["DATE,OPEN,HIGH,LOW,CLOSE", "03/05/2020,26,28,25,27.5"]),
    ("cboe/index/VIX9D_History.csv", ["DATE,OPEN,HIGH,LOW,CLOSE", "03/05/2020,40,50,39,47.2"]),
    ("cboe/index/VVIX_History.csv", ["DATE,VVIX", "03/05/2020,131.4"]),
    ("cboe/index/SKEW_History.csv", ["DATE,SKEW", "03/05/2020,118.2"]),
    ("fred/DTB3.csv", ["observation_date,DTB3", "2020-03-05,0.61"]),
    ("fred/DFF.csv", ["observation_date,DFF", "2020-03-05,1.09"]),
    ("fred/RBUSBIS.csv", ["observation_date,RBUSBIS", "2020-02-01,101.52"]),
    ("fred/GDPC1.csv", ["observation_date,GDPC1", "2020-01-01,20665.6"]),
    ("calendar/fomc_dates.csv", ["date,note", "2020-03-18,scheduled"]),
    ("calendar/cpi_release_dates.csv", ["date,note", "2020-03-11,February 2020"]),
    ("calendar/ppi_release_dates.csv", ["date,note", "2020-03-12,February 2020"]),
    *(
        (f"yahoo/{fund}.csv", [YAHOO_HEADER, "2020-03-05,,,,90,88.12,", "2020-03-06,,,,89,86.9,"])
        for fund in (*SECTOR_FUNDS, REIT_FUND)
    ),
    ("breadth/nyse_advance_decline.csv", ["date,advances,declines", "2020-03-05,430,2540"]),
    ("macro/equity_pe.csv", ["date,value", "2020-03-05,20.8"]),
]
#: Files with more than one series.
SERIES = {"yahoo/SPY.csv": 2, "cboe/index/VIX_History.csv": 4, "breadth/nyse_advance_decline.csv": 2}
CONTRACT_FILES = [
    ("cboe/futures/VX/VX_2013-01-16.csv", [VX_HEADER, "2013-01-03,F (Jan 2013),0,0,0,0,0,0,0,0,0"]),
    ("cboe/futures/VX/VX_2020-03-18.csv", [VX_HEADER, "2020-03-05,H (Mar 2020),0,0,0,0,33.1,0,0,0,0"]),
    ("cboe/futures/archive/CFE_F13_VX.csv", [VX_HEADER, "01/03/2013,F (Jan 13),0,0,0,0,15.9,0,0,0,0"]),
    ("cboe/futures/archive/CFE_Z12_VX.csv", [VX_HEADER, "12/03/2012,Z (Dec 12),0,0,0,0,16.9,0,0,0,0"]),
    (
        "cboe/futures/settlement/2020-03-05.csv",
        ["Product,Symbol,Expiration Date,Price", "VX,VX/H0,2020-03-18,33.1"],
    ),
]


def now() -> dt.datetime:
    return NOW


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    # Written backwards: the order of reading is not the order of writing.
    for relative, lines in reversed(SINGLE_FILES + CONTRACT_FILES):
        write(found / relative, lines)
    return found


def read(directory: Path) -> MarketData:
    return read_source(FilesSource(directory, now))[0]


def test_a_missing_directory_is_refused_with_the_option_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere: expected a directory .* got nothing there\. .*--data-dir"):
        FilesSource(tmp_path / "nowhere", now)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    path.write_bytes(b"PK")
    with pytest.raises(ConfigurationError, match=r"data\.zip: expected a directory of recorded files, got a file\."):
        FilesSource(path, now)


@pytest.mark.parametrize("relative", ["yahoo/GSPC.csv", "cboe/futures/VX/VX_2020-03-18.csv"])
def test_a_directory_in_place_of_a_file_is_refused(directory: Path, relative: str) -> None:
    (directory / relative).unlink()
    (directory / relative).mkdir()
    name = Path(relative).name
    with pytest.raises(ConfigurationError, match=rf"{name}: expected a readable file, got Is a directory\."):
        list(FilesSource(directory, now).fetch().complete())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_read_permission_is_refused(directory: Path) -> None:
    (directory / "fred/DFF.csv").chmod(0)
    with pytest.raises(ConfigurationError, match=r"DFF\.csv: expected a readable file, got Permission denied\."):
        list(FilesSource(directory, now).fetch().complete())


def test_a_directory_with_none_of_the_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("no market")
    with pytest.raises(ConfigurationError, match=r"got none of them\. Name another with --data-dir"):
        FilesSource(tmp_path, now)


@pytest.mark.parametrize("relative", [relative for relative, _ in SINGLE_FILES + CONTRACT_FILES])
def test_an_absent_file_leaves_its_series_out_and_the_others_in(directory: Path, relative: str) -> None:
    whole = read(directory)
    (directory / relative).unlink()
    left = read(directory)
    assert len(whole) == sum(SERIES.get(path, 1) for path, _ in SINGLE_FILES + CONTRACT_FILES)
    assert len(left) == len(whole) - SERIES.get(relative, 1)
    assert set(left) < set(whole)


def test_two_publishers_of_a_series_are_kept_apart(directory: Path) -> None:
    found = read(directory)
    assert {publisher for series, publisher in found if series == SPX} == {CBOE, YAHOO}
    assert {publisher for series, publisher in found if series == VIX} == {CBOE, YAHOO}
    assert {publisher for series, publisher in found if series == "VX.2013-01-16"} == {CBOE, CBOE_ARCHIVE}


def test_files_come_in_a_fixed_order(directory: Path) -> None:
    expected = [(directory / relative).as_posix() for relative, _ in SINGLE_FILES + CONTRACT_FILES]
    for _ in range(2):
        assert [payload.locator for payload in FilesSource(directory, now).fetch().complete()] == expected


def test_other_files_are_left_alone(directory: Path) -> None:
    for relative in ("README.md", "yahoo/VXX.csv", "cboe/index/VVIX_History.csv", "cboe/futures/VX/notes.txt"):
        (directory / relative).write_bytes(b"\xff not a table")
    assert len(list(FilesSource(directory, now).fetch().complete())) == len(SINGLE_FILES) + len(CONTRACT_FILES)


def test_a_payload_is_the_file_as_it_is_with_its_hash_and_the_time_it_was_read(directory: Path) -> None:
    for payload in FilesSource(directory, now).fetch().complete():
        body = Path(payload.locator).read_bytes()
        assert payload.body == body
        assert payload.sha256 == hashlib.sha256(body).hexdigest()
        assert payload.fetched_at == NOW
        # A recorded file says nothing about when its values were published.
        assert payload.assumed_availability


def test_hashes_of_an_unchanged_directory_stay_and_a_new_row_changes_its_files(directory: Path) -> None:
    before = {payload.locator: payload.sha256 for payload in FilesSource(directory, now).fetch().complete()}
    path = directory / "fred/DFF.csv"
    with path.open("a") as file:
        file.write("2020-03-06,1.09\n")
    after = {payload.locator: payload.sha256 for payload in FilesSource(directory, now).fetch().complete()}
    assert [locator for locator in before if before[locator] != after[locator]] == [path.as_posix()]
