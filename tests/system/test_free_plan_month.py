"""A month of the whole market on the Free plan, beside the vendor's own client: exactly the needed requests, no 429."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.clock import ShiftedClock
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.limits import Window
from moomarkets.settings import Settings
from moomarkets.system import System
from tests.support.official_client import official_client

LIMIT = Window(5, 1)
TODAY = datetime(2027, 1, 4, 3, tzinfo=UTC)
TRADING_DAYS = 19

SEPTEMBER = GroupDefinition(
    name="september",
    data_source="jquants",
    endpoint_id="jquants/daily_bars",
    job_types=("daily_quotes",),
    scope={"from": "2026-09-01", "to": "2026-09-30"},
    depends_on=("reference",),
)


def simulate() -> JQuantsSimulator:
    return JQuantsSimulator("free", today=TODAY, limit=LIMIT)


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")
def test_ours_keeps_every_day_with_exactly_the_needed_requests_where_the_vendors_client_keeps_nothing(
    owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulate() as provider:
        vendor = official_client(provider.base_url, DEMO_KEY, monkeypatch)
        kept_by_vendor = _frame_or_error(vendor)
        vendor_answers = _answers(provider)

    with simulate() as provider, _system(owner_url, tmp_path, provider) as system:
        system.groups.create(SEPTEMBER)
        system.groups.run("reference")
        status = system.groups.run("september").wait(timeout_s=60)
        our_answers = _answers(provider)
        targets = [entry.target for entry in provider.ledger.entries()]
        with system.installation.reads.transaction() as connection:
            days = connection.execute(
                text("SELECT on_date, count(*) FROM daily_bars GROUP BY on_date ORDER BY on_date")
            ).all()

    assert "RetryError" in kept_by_vendor
    assert vendor_answers[429] > 0
    assert status is RunStatus.COMPLETED
    assert our_answers == Counter({200: TRADING_DAYS + 2})
    asked = Counter(found[1] for target in targets if (found := re.search(r"date=([\d-]+)", target)))
    assert len(asked) == TRADING_DAYS
    assert set(asked.values()) == {1}
    assert [day.isoformat() for day, _ in days] == sorted(asked)
    assert all(count > 4300 for _, count in days)


def _system(owner_url: str, data_dir: Path, provider: JQuantsSimulator) -> System:
    settings = Settings(
        database_url=owner_url,
        data_dir=data_dir,
        sources={
            "jquants": {
                "base_url": provider.base_url,
                "plan": "free",
                "limits": [[LIMIT.count, LIMIT.seconds]],
                "api_key": DEMO_KEY,
            },
            "yahoo": {"is_enabled": False},
        },
    )
    return System(settings, clock=ShiftedClock.starting_at(TODAY))


def _frame_or_error(vendor: Any) -> str:
    try:
        return f"{len(vendor.get_eq_bars_daily_range('20260901', '20260930'))} rows"
    except Exception as error:
        return type(error).__name__


def _answers(provider: JQuantsSimulator) -> Counter[int]:
    return Counter(entry.status for entry in provider.ledger.entries())
