"""A group for each dataset of J-Quants: what it stores is what the vendor's own client reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from datasources.jquants.endpoints import JQUANTS
from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.clock import ShiftedClock
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.limits import Window
from moomarkets.settings import Settings
from moomarkets.system import System
from tests.support.official_calls import QUESTIONS, framed, in_order
from tests.support.official_client import official_client

NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)
JOB_TYPES = {"listed_issues": "listed_companies", "daily_bars": "daily_quotes"}
# These fetch all that there is, whatever is asked.
JOB_TYPES_OF_ALL = {"trading_calendar", "listed_issues"}
ADD_ONS = ("minute", "tdnet")


@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")
def test_the_stored_rows_of_every_dataset_are_those_of_the_official_client(
    owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JQuantsSimulator(
        "premium", today=NOW, issues=60, page_bytes=10_000, limit=Window(2000, 1), addons=ADD_ONS
    ) as provider:
        with System(_settings(owner_url, tmp_path, provider), clock=ShiftedClock.starting_at(NOW)) as system:
            runs = {name: _run(system, name) for name in QUESTIONS}
            ended = {name: run.wait(timeout_s=60) for name, run in runs.items()}
            stored = {name: _stored(system, name) for name in QUESTIONS}
        vendor = official_client(provider.base_url, DEMO_KEY, monkeypatch)
        frames = {name: question.theirs(vendor) for name, question in QUESTIONS.items()}
        # That job fetches all there is.
        frames["trading_calendar"] = vendor.get_mkt_calendar()
        vendor._request_session().close()

    assert ended == dict.fromkeys(QUESTIONS, RunStatus.COMPLETED)
    for name, rows in stored.items():
        dataset = JQUANTS.endpoint(name).dataset
        assert rows, name
        assert in_order(dataset, rows) == in_order(dataset, framed(dataset, frames[name])), name


def _settings(owner_url: str, data_dir: Path, provider: JQuantsSimulator) -> Settings:
    jquants = {
        "base_url": provider.base_url,
        "plan": "premium",
        "add_ons": list(ADD_ONS),
        "limits": [[2000, 1]],
        "api_key": DEMO_KEY,
    }
    return Settings(database_url=owner_url, data_dir=data_dir, sources={"jquants": jquants})


def _run(system: System, name: str) -> Any:
    job_type = JOB_TYPES.get(name, name)
    group = GroupDefinition(
        name=f"{name}-only",
        data_source="jquants",
        endpoint_id=f"jquants/{name}",
        job_types=(job_type,),
        scope=_scope(name),
    )
    system.groups.create(group)
    return system.groups.run(group.name)


def _scope(name: str) -> dict[str, object]:
    """The days that the call asks for."""
    asked = QUESTIONS[name].ours if name not in JOB_TYPES_OF_ALL else {}
    day = asked.get("date") or asked.get("disc_date")
    if day:
        return {"from": day, "to": day}
    return {part: asked[part] for part in ("from", "to") if part in asked}


def _stored(system: System, name: str) -> list[tuple[object, ...]]:
    dataset = JQUANTS.endpoint(name).dataset
    columns = ", ".join(dataset.column_names[:-1])
    with system.installation.reads.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM {dataset.name}"))]
