"""Daily runs on live sources, day after day in one database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import Ended, Tailguard
from tests.live_servers import LiveServers, live_servers

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def at(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], LiveServers]]:
    """Make it another instant, for the publishers and for the runs."""
    monkeypatch.setenv("TAILGUARD_SOURCE", "live")
    monkeypatch.setenv("TAILGUARD_SOURCE_SPACING_SECONDS", "0")
    # Books of twenty years take seconds; where one matters, `with_hedges` is asked for.
    monkeypatch.setenv("TAILGUARD_HEDGES", "")
    with live_servers(data_dir, dt.datetime(2026, 7, 1, tzinfo=dt.UTC)) as servers:

        def move(instant: str) -> LiveServers:
            moment = dt.datetime.fromisoformat(instant).replace(tzinfo=dt.UTC)
            with live_servers(data_dir, moment) as others:
                for name in ("yahoo", "cboe", "cboe_web", "fred", "bls"):
                    server = getattr(servers, name)
                    server.usual, server.date = getattr(others, name).usual, moment
            for variable, value in {**servers.settings, "TAILGUARD_CLOCK": moment.isoformat()}.items():
                monkeypatch.setenv(variable, value)
            monkeypatch.setenv("TAILGUARD_SOURCE_ATTEMPTS", "1")
            return servers

        yield move


@pytest.fixture
def with_hedges(at: Callable[[str], LiveServers], monkeypatch: pytest.MonkeyPatch) -> None:
    """The hedges of the default settings."""
    monkeypatch.delenv("TAILGUARD_HEDGES")


def outcome(ended: Ended) -> tuple[int, str, str]:
    found = json.loads(ended.out)
    return ended.code, found["session"], found["outcome"]


@pytest.mark.usefixtures("with_hedges")
def test_runs_of_three_days_keep_one_scale_and_revise_nothing(
    at: Callable[[str], LiveServers], tailguard: Tailguard
) -> None:
    for morning, session in (("07-28", "2026-07-27"), ("07-29", "2026-07-28"), ("07-30", "2026-07-29")):
        at(f"2026-{morning}T06:00")
        done = tailguard("run", "--json")
        assert outcome(done) == (0, session, "EMITTED")
        assert json.loads(done.out)["others"] == []
    history = tailguard("history", "--start", "2026-07-27", "--end", "2026-07-29")
    assert history.code == 0
    assert len(history.out.splitlines()) == 4
    assert "Note: levels count from 2026-" in history.err


def test_a_pause_and_an_older_session_leave_no_hole(at: Callable[[str], LiveServers], tailguard: Tailguard) -> None:
    at("2026-01-07T06:00")
    assert outcome(tailguard("run", "--json")) == (0, "2026-01-06", "EMITTED")
    # Half a year later; and then a session of long before.
    at("2026-07-29T06:00")
    assert outcome(tailguard("run", "--json", "--session", "2026-07-28")) == (0, "2026-07-28", "EMITTED")
    old = tailguard("backfill", "--start", "2024-08-02", "--end", "2024-08-06", "--json")
    assert (old.code, json.loads(old.out)["outcomes"]) == (0, {"EMITTED": 3})
    at("2026-07-30T06:00")
    done = tailguard("run", "--json", "--session", "2026-07-29")
    assert outcome(done) == (0, "2026-07-29", "EMITTED")
    mixed = tailguard("history", "--start", "2024-08-02", "--end", "2026-07-29")
    assert mixed.code == 2
    assert "expected levels that were 100,000 on one session" in mixed.err
    assert "--mode recompute" in mixed.err


def test_without_a_network_a_session_waits_and_one_that_is_out_stays_out(
    at: Callable[[str], LiveServers], tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-07-30T06:00")
    monkeypatch.setenv("TAILGUARD_CBOE_URL", NOWHERE)
    waiting = tailguard("run", "--json")
    assert outcome(waiting) == (3, "2026-07-29", "AWAITING_DATA")
    assert "no usable answer from 127.0.0.1:9" in json.loads(waiting.out)["detail"]
    assert "2026-07-29  AWAITING_DATA" in tailguard("status").out

    at("2026-07-30T11:30")
    assert outcome(tailguard("run", "--json")) == (0, "2026-07-29", "EMITTED")

    # The next attempt of the day, and one after the deadline: the signal is out whatever the network does.
    for later in ("2026-07-30T13:30", "2026-07-30T20:00"):
        at(later)
        monkeypatch.setenv("TAILGUARD_YAHOO_URL", NOWHERE)
        done = tailguard("run", "--json")
        assert outcome(done) == (0, "2026-07-29", "ALREADY_EMITTED")
        assert "could not all be read again" in json.loads(done.out)["detail"]
    assert "2026-07-29  EMITTED" in tailguard("status").out


def test_a_session_nobody_could_read_in_time_has_failed(
    at: Callable[[str], LiveServers], tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-07-30T20:00")
    monkeypatch.setenv("TAILGUARD_YAHOO_URL", NOWHERE)
    assert outcome(tailguard("run", "--json", "--session", "2026-07-29")) == (1, "2026-07-29", "FAILED")


@pytest.mark.usefixtures("with_hedges")
def test_rates_that_cannot_be_read_are_stood_in_for_and_the_report_says_so(
    at: Callable[[str], LiveServers], tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2020-03-13T06:00")
    assert outcome(tailguard("run", "--json")) == (0, "2020-03-12", "EMITTED")
    at("2020-03-17T06:00")
    monkeypatch.setenv("TAILGUARD_FRED_URL", NOWHERE)
    assert outcome(tailguard("run", "--json")) == (0, "2020-03-16", "EMITTED")
    shown = tailguard("report", "show", "2020-03-16").out
    assert "Degraded data in overnight rate:" in shown

    at("2020-03-17T11:30")
    again = tailguard("run", "--json")
    assert outcome(again) == (0, "2020-03-16", "REVISED")
    assert json.loads(again.out)["detail"].startswith("target unchanged; overnight rate of 2020-03-13: ")


def test_a_live_history_says_from_when_its_levels_count(
    at: Callable[[str], LiveServers], tailguard: Tailguard, tmp_path: Path
) -> None:
    at("2026-07-30T06:00")
    done = tailguard("history", "--source", "live", "--start", "2026-07-01", "--end", "2026-07-29")
    assert done.code == 0
    assert len(done.out.splitlines()) == 21
    assert "Note: levels count from 2026-" in done.err
    assert not list(tmp_path.glob("*.db"))


def test_a_dry_run_on_live_sources_stores_nothing(
    at: Callable[[str], LiveServers], tailguard: Tailguard, tmp_path: Path
) -> None:
    at("2026-07-30T06:00")
    done = tailguard("run", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert "S&P 500 Dynamic VEQTOR, session Wednesday 2026-07-29" in done.out
    assert not list(tmp_path.glob("*.db"))
