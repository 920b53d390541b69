"""Each symbol ends by itself, and bars within a day are there once and stay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from datasources.simulators.yahoo import YahooSimulator
from moomarkets.domain.clock import ShiftedClock
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.settings import Settings
from moomarkets.system import System

NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)


def _settings(owner_url: str, data_dir: Path, yahoo: str) -> Settings:
    sources = {"yahoo": {"base_url": yahoo, "limits": [[500, 1]]}}
    return Settings(database_url=owner_url, data_dir=data_dir, sources=sources)


def _bars(system: System, table: str) -> list[tuple[object, ...]]:
    with system.installation.reads.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT symbol, count(*) FROM {table} GROUP BY symbol"))]


def test_a_symbol_that_nobody_knows_fails_alone_and_says_why(owner_url: str, tmp_path: Path) -> None:
    scope = {"symbols": ["AAPL", "NOPE", "MSFT"], "from": "2026-11-02"}
    with YahooSimulator(today=NOW) as yahoo:
        clock = ShiftedClock.starting_at(NOW)
        with System(_settings(owner_url, tmp_path, yahoo.url), clock=clock) as system:
            system.groups.create(GroupDefinition("three", "yahoo", ("yahoo_daily_bars",), scope=scope))
            ended = system.groups.run("three").wait(timeout_s=30)
            jobs = {job["symbol"]: job for job in system.jobs.list(group="three") if job["symbol"]}
            bars = _bars(system, "yahoo_daily_bars")

    assert ended is RunStatus.FAILED
    assert {symbol: job["status"] for symbol, job in jobs.items()} == {
        "AAPL": "completed", "NOPE": "failed", "MSFT": "completed",
    }  # fmt: skip
    assert "No data found, symbol may be delisted" in str(jobs["NOPE"]["last_error"])
    assert jobs["NOPE"]["attempts"] == 1
    assert dict(bars) == {"AAPL": 15, "MSFT": 15}


def test_bars_within_a_day_are_fetched_as_far_back_as_there_are_and_once(owner_url: str, tmp_path: Path) -> None:
    scope = {"symbols": ["AAPL"], "interval": "5m"}
    with YahooSimulator(today=NOW) as yahoo:
        clock = ShiftedClock.starting_at(NOW)
        with System(_settings(owner_url, tmp_path, yahoo.url), clock=clock) as system:
            system.groups.create(GroupDefinition("minutes", "yahoo", ("yahoo_intraday_bars",), scope=scope))
            first = system.groups.run("minutes").wait(timeout_s=30)
            sent = len(yahoo.ledger.entries())
            second = system.groups.run("minutes").wait(timeout_s=30)
            bars = _bars(system, "yahoo_intraday_bars")

    assert first is second is RunStatus.COMPLETED
    # 43 weekdays from 23 September to 20 November, all of them days of trade here, with 78 bars each.
    assert bars == [("AAPL", 43 * 78)]
    assert (sent, len(yahoo.ledger.entries())) == (2, 2)
