"""A year of the simulated market, with splits, rights and delistings, and the outage of 2020: nothing is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.limits import Window
from moomarkets.settings import Settings
from moomarkets.system import System

WIDE = Window(1000, 1)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [(date(2025, 11, 20), date(2026, 11, 20), 240), (date(2020, 9, 1), date(2020, 11, 30), 61)],
    ids=["a year with splits and delistings", "the outage of 2020"],
)
def test_a_good_market_is_stored_day_by_day_without_a_finding(
    first: date, last: date, days: int, owner_url: str, tmp_path: Path
) -> None:
    with (
        JQuantsSimulator("premium", today=date(2026, 11, 20), issues=120, limit=WIDE) as provider,
        System(_settings(owner_url, tmp_path, provider)) as system,
    ):
        scope = {"from": first.isoformat(), "to": last.isoformat()}
        system.groups.create(GroupDefinition("bars", "jquants", ("daily_quotes",), scope=scope))
        status = system.groups.run("bars").wait(timeout_s=240)
        stored = system.installation.reads.perform(_days)
        refused, found = system.quarantine.list(), system.quarantine.findings()

    assert status is RunStatus.COMPLETED
    assert (refused, found) == ([], [])
    assert len(stored) >= days


def _settings(owner_url: str, data_dir: Path, provider: JQuantsSimulator) -> Settings:
    jquants = {"base_url": provider.base_url, "plan": "premium", "limits": [[1000, 1]], "api_key": DEMO_KEY}
    return Settings(
        database_url=owner_url,
        data_dir=data_dir,
        executors=4,
        sources={"jquants": jquants, "yahoo": {"is_enabled": False}},
    )


def _days(connection: object) -> Sequence[object]:
    return connection.execute(text("SELECT DISTINCT on_date FROM daily_bars")).all()  # type: ignore[attr-defined]
