"""A run is planned by the definition that it started with: by its job types, and with the jobs that were given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.job import PlannedJob
from moomarkets.jobtypes.plan_group import PlanGroup
from moomarkets.store import groups, sources
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from tests.moomarkets.store.scene import LOCAL, SPEC, Scene


class OneEach:
    """Plans one job for each of the scope's symbols."""

    name, source, dataset = "fetch", "sim", "daily_bars"

    def plan(self, view: object, scope: Mapping[str, Any]) -> list[PlannedJob]:
        return [PlannedJob(symbol, self.name, symbol, {}) for symbol in scope["symbols"]]


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    database = Database(database_url, purpose="tests", pool_size=3)
    database.perform(lambda connection: sources.ensure(connection, SPEC))
    yield Scene(database)
    database.close()


def started(scene: Scene, **said: Any) -> Callable[[], list[str]]:
    """Start a run of a group; what is returned plans it and says the keys of its jobs."""
    definition = GroupDefinition("mine", "sim", **said)
    attempt = scene.admit(scene.request(scene.do(groups.create, LOCAL, definition)))
    tools: Any = SimpleNamespace(
        database=scene.database,
        job_types={"fetch": OneEach()},
        clock=ManualClock(),
        source_ids={"sim": scene.source_id},
        subscriptions={},
    )

    def plan() -> list[str]:
        outcome = PlanGroup().perform(attempt, tools, None)  # type: ignore[arg-type]  # nothing waits here
        scene.complete(attempt, uuid4(), write=outcome.write)
        keys: list[str] = scene.one("SELECT array_agg(key ORDER BY id) FROM jobs WHERE key <> 'plan_group'")[0]
        return keys

    return plan


def test_explicit_jobs_come_after_those_of_the_job_types(scene: Scene) -> None:
    plan = started(
        scene, job_types=("fetch",), scope={"symbols": ["a", "b"]}, jobs=(PlannedJob("sum", "add", "sum up", {}),)
    )

    assert plan() == ["a", "b", "sum"]


def test_a_group_of_explicit_jobs_alone_needs_no_job_type(scene: Scene) -> None:
    assert started(scene, jobs=(PlannedJob("sum", "add", "sum up", {"of": [1]}, "7203"),))() == ["sum"]
    assert scene.one("SELECT job_type, symbol, parameters FROM jobs WHERE key = 'sum'") == ("add", "7203", {"of": [1]})


def test_an_edit_after_the_start_does_not_concern_the_run(scene: Scene) -> None:
    plan = started(scene, job_types=("fetch",), scope={"symbols": ["a"]})
    scene.execute("""UPDATE job_groups SET scope = '{"job_types": ["fetch"], "symbols": ["z"]}'""")

    assert plan() == ["a"]


def test_two_jobs_of_one_key_fail_the_plan_and_say_which(scene: Scene) -> None:
    plan = started(scene, job_types=("fetch",), scope={"symbols": ["a"]}, jobs=(PlannedJob("a", "add", "x", {}),))

    with pytest.raises(AttemptError, match="keys that differ") as raised:
        plan()

    assert raised.value.reason is Reason.INVALID
