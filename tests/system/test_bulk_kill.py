"""Killed at any point of a bulk job, somebody else goes on: the month is there once and whole, or not at all."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.yahoo import YahooSimulator
from moomarkets.jobtypes.bulk_fetch import BulkFetch
from moomarkets.testing.failpoints import VARIABLE
from tests.support.providers import WIDE, Providers
from tests.system.test_failpoints import Line

# A month that ended weeks ago, so that there surely is a file of it.
BEGIN = (date.today() - timedelta(days=60)).replace(day=1)
MONTH, DAYS = f"{BEGIN:%Y-%m}", tuple(BEGIN + timedelta(days=ahead) for ahead in range(28))
# The list, the address, the file; then what follows them.
DEATHS = (
    "request_sent=kill", "response_received=kill@2", "response_received=kill@3", "response_parsed=kill",
    "rows_written=kill", "finish_before_commit=kill", "finish_after_commit=kill",
)  # fmt: skip


@pytest.fixture
def line(owner_url: str, tmp_path: Path) -> Iterator[Line]:
    with (
        JQuantsSimulator("light", issues=10, limit=WIDE, addons=("minute",)) as jquants,
        YahooSimulator() as yahoo,
    ):
        made = Line(owner_url, tmp_path, Providers(jquants, yahoo))
        yield made
        made.close()


def test_whoever_dies_in_a_bulk_job_leaves_no_half_month_and_no_row_twice(line: Line) -> None:
    assert line.start("--once").wait() == 0
    job = BulkFetch("trades", MONTH, DAYS).job(f"trades {MONTH}", "trades", "trades of a month")
    columns, values = "key, job_type, name, parameters, status", f"'{json.dumps(job.parameters)}', 'pending'"
    line.change(f"INSERT INTO jobs ({columns}) VALUES ('{job.key}', 'trades', 'trades', {values})")
    halves = []

    for death in DEATHS:
        # What dies again and again would wait longer each time.
        line.change("UPDATE jobs SET crash_count = 0")
        assert line.start("--once", **{VARIABLE: death}).wait() == -signal.SIGKILL, death
        halves.append((line.one("SELECT count(*) FROM trades"), line.one(COVERED)))

    whole = halves.pop()
    assert set(halves) == {((0,), (0,))}
    assert line.is_finished_by_the_next()
    assert (line.one("SELECT count(*) FROM trades"), line.one(COVERED)) == whole
    assert whole[1] == (len(DAYS),)
    assert line.one("SELECT sum(rows) FROM coverage WHERE dataset = 'trades'") == whole[0]
    assert line.one("SELECT count(*) FROM jobs WHERE status <> 'completed'") == (0,)


COVERED = "SELECT count(*) FROM coverage WHERE dataset = 'trades'"
