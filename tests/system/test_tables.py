"""What is stored equals what the vendor's own client reads, and what the files of real histories hold."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.yahoo import YahooSimulator
from moomarkets.domain.clock import ShiftedClock
from moomarkets.domain.dataset import ColumnType
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.limits import Window
from moomarkets.settings import Settings
from moomarkets.system import System
from tests.datasources.test_yahoo_histories import history
from tests.support.official_client import official_client

FAST = Window(1000, 1)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROWS_OF_BOTH_INDICES = 10_062


def _settings(owner_url: str, data_dir: Path, jquants: str, yahoo: str) -> Settings:
    return Settings(
        database_url=owner_url,
        data_dir=data_dir,
        sources={
            "jquants": {"base_url": jquants, "plan": "light", "limits": [[500, 1]], "api_key": DEMO_KEY},
            "yahoo": {"base_url": yahoo, "limits": [[50, 1]]},
        },
    )


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")
def test_our_tables_equal_the_frames_of_the_official_client(
    owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JQuantsSimulator(today=NOW, issues=200, page_bytes=20_000, limit=FAST) as provider:
        settings = _settings(owner_url, tmp_path, provider.base_url, "http://127.0.0.1:9")
        with System(settings, clock=ShiftedClock.starting_at(NOW)) as system:
            system.groups.run("reference")
            assert system.groups.run("daily-bars").wait(timeout_s=60) is RunStatus.COMPLETED
            stored = {name: _stored(system, name) for name in ("listed_issues", "trading_calendar", "daily_bars")}
        vendor = official_client(provider.base_url, DEMO_KEY, monkeypatch)
        days = sorted({row[1] for row in stored["daily_bars"]})

        frames = {
            "listed_issues": vendor.get_eq_master(),
            "trading_calendar": vendor.get_mkt_calendar(),
            "daily_bars": vendor.get_eq_bars_daily_range(days[0].strftime("%Y%m%d"), days[-1].strftime("%Y%m%d")),
        }

    for name, rows in stored.items():
        assert len(rows) > 100
        assert rows == _framed(name, frames[name]), name


def test_the_stored_rows_of_two_real_indices_equal_the_files(owner_url: str, tmp_path: Path) -> None:
    histories = {"^GSPC": history("sp500"), "^IXIC": history("nasdaq")}
    group = GroupDefinition(
        name="indices",
        data_source="yahoo",
        endpoint_id="yahoo/yahoo_daily_bars",
        job_types=("yahoo_daily_bars",),
        scope={"symbols": list(histories), "from": "1999-01-04", "to": "2018-12-31"},
    )
    with (
        YahooSimulator(histories) as provider,
        System(_settings(owner_url, tmp_path, "http://127.0.0.1:9", provider.url)) as system,
    ):
        system.groups.create(group)
        status = system.groups.run("indices").wait(timeout_s=60)
        stored = _stored(system, "yahoo_daily_bars")

    expected = [
        (symbol, bar.on_date, bar.open, bar.high, bar.low, bar.close, bar.adjusted_close, bar.volume)
        for symbol, bars in histories.items()
        for bar in bars
    ]
    assert status is RunStatus.COMPLETED
    assert [row[:8] for row in stored] == sorted(expected)
    assert len(stored) == ROWS_OF_BOTH_INDICES


def _stored(system: System, name: str) -> list[tuple[object, ...]]:
    dataset = DATASETS[name]
    columns = ", ".join(dataset.column_names[:-1])
    with system.installation.reads.transaction() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM {name} ORDER BY {', '.join(dataset.key)}"))
        return [tuple(row) for row in rows]


def _framed(name: str, frame: Any) -> list[tuple[object, ...]]:
    """The vendor's frame as rows of our table: dates as dates, not-a-number as None."""
    columns = DATASETS[name].columns[:-1]
    key = [DATASETS[name].column_names.index(column) for column in DATASETS[name].key]
    rows = [
        tuple(_value(value, column.type) for value, column in zip(row, columns, strict=True))
        for row in frame[[column.field for column in columns]].itertuples(index=False)
    ]
    return sorted(rows, key=lambda row: [str(row[index]) for index in key])


def _value(value: Any, kind: ColumnType) -> object:
    if kind is ColumnType.DATE:
        return value.date()
    if kind is ColumnType.NUMBER:
        return None if value is None or math.isnan(value) else float(value)
    return value
