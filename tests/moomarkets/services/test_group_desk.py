"""All that can be done with groups, beside a supervisor or without one, and what is refused before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from moomarkets.domain.catch_up import CatchUp
from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.domain.group import Dependency, GroupDefinition, Match, OnFailure
from moomarkets.domain.job import PLAN, PlannedJob
from moomarkets.services.groups import GroupDesk
from moomarkets.services.runs import Runs
from moomarkets.store import runs, sources
from moomarkets.store.database import Database
from tests.moomarkets.store.scene import LOCAL, SPEC

NEW = GroupDefinition("mine", "sim", ("fetch",), scope={"newest": 2})


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, purpose="tests", pool_size=2)
    database.perform(lambda connection: sources.ensure(connection, SPEC))
    yield database
    database.close()


@pytest.fixture
def desk(database: Database) -> GroupDesk:
    return GroupDesk(database, LOCAL, ("fetch", "sum", PLAN))


class Forgetful(GroupDesk):
    """A desk that loses the first answer to each change, and so asks again."""

    def _perform(self, work: Callable[[Connection], object], *, cancels: bool = False) -> Any:
        super()._perform(work, cancels=cancels)
        return super()._perform(work, cancels=cancels)


def deep(levels: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(levels):
        value = {"in": value}
    return value


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": "a\nb"}, "name: expected 1 to 200 visible"),
    ({"description": "x" * 10_001}, "description"),
    ({"description": "nul\0"}, "description"),
    ({"priority": 0}, r"priority: expected a whole number from 1 \(low\) to 10"),
    ({"priority": 11}, "priority"),
    ({"priority": 5.0}, "priority"),
    ({"priority": True}, "priority"),
    ({"max_parallel": 0}, "max_parallel: expected a whole number from 1 to 10,000, or none, got 0"),
    ({"max_parallel": True}, "max_parallel"),
    ({"crash_limit": 1001}, "crash_limit"),
    ({"keep_days": 0.5}, "keep_days"),
    ({"is_enabled": 1}, "is_enabled"),
    ({"job_types": ("fetsh",)}, r"job_types: expected one of fetch, sum \(did you mean fetch\?\), got 'fetsh'"),
    ({"job_types": (PLAN,)}, "job_types"),
    ({"job_types": "fetch"}, "job_types: expected a list"),
    ({"job_types": ()}, "job_types: expected at least one, or explicit jobs"),
    ({"scope": {"x": float("nan")}}, "scope"),
    ({"scope": {"x": object()}}, "scope"),
    ({"scope": {"x": "y" * 1_100_000}}, "scope: expected at most 1,048,576 bytes"),
    ({"scope": deep(60)}, "scope: expected at most 50 levels"),
    ({"scope": {"jobs": []}}, "scope"),
    ({"jobs": (PlannedJob(PLAN, "fetch", "x", {}),)}, "jobs key"),
    ({"jobs": (PlannedJob("a", "feth", "x", {}),)}, "jobs job_type"),
    ({"jobs": (PlannedJob("a", "fetch", "x", {}), PlannedJob("a", "sum", "y", {}))}, "jobs: expected keys that differ"),
    ({"schedule": {"cron": "61 * * * *"}}, "minute|cron"),
    ({"schedule": {"cron": "0 1 * * *", "timezone": "Asia/Tokio"}}, "did you mean Asia/Tokyo"),
    ({"schedule": {"every_s": 0}}, "every_s"),
    ({"schedule": {"every_s": 60, "anchor": datetime(2026, 11, 20, tzinfo=UTC)}}, "schedule: expected JSON"),
    ({"catch_up": CatchUp(max_runs=0)}, "catch_up max: expected a whole number from 1"),
    ({"overlap": "que"}, r"overlap: expected one of skip, queue, cancel_running \(did you mean queue\?\)"),
    ({"depends_on": (Dependency("up", "newest"),)}, "depends_on match: expected one of latest, same_date"),  # type: ignore[arg-type]
    ({"depends_on": ("up", Dependency("up", on_failure=OnFailure.RUN))}, "depends_on: expected each group on one kind"),
    ({"depends_on": ("mine",)}, "depends_on: expected groups that do not depend on themselves, got 'mine -> mine'"),
    ({"parent": "mine"}, "parent: expected a group that is not below it, got 'mine -> mine'"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_makes_no_sense_is_refused_with_its_field_and_nothing_is_stored(
    desk: GroupDesk, change: dict[str, Any], message: str
) -> None:
    desk.create(replace(NEW, name="up"))

    with pytest.raises(InvalidInput, match=message):
        desk.create(replace(NEW, **change))

    assert [group["name"] for group in desk.list()] == ["up"]


def test_the_same_is_refused_in_an_edit_and_the_group_stays_as_it_was(desk: GroupDesk) -> None:
    desk.create(NEW)

    for changes in ({"priority": 11}, {"job_types": ["nothing"]}, {"depends_on": ["mine"]}, {"prioritty": 3}):
        with pytest.raises(InvalidInput):
            desk.edit("mine", **changes)

    assert desk.definition("mine") == NEW


def test_an_edit_changes_what_it_names_the_name_too(desk: GroupDesk) -> None:
    desk.create(NEW)

    desk.edit("mine", name="ours", priority=9, job_types=["sum"])

    assert desk.definition("ours") == replace(NEW, name="ours", priority=9, job_types=("sum",))
    with pytest.raises(NotFound, match="group mine does not exist; there are: ours"):
        desk.edit("mine", priority=1)


def test_a_creation_is_repeated_without_harm(desk: GroupDesk) -> None:
    key = uuid4()

    assert desk.create(NEW, key) == desk.create(NEW, key)
    with pytest.raises(Conflict):
        desk.create(NEW)


def test_a_job_is_added_to_a_group_and_one_of_the_same_key_is_replaced(desk: GroupDesk) -> None:
    desk.create(replace(NEW, data_source=None, job_types=(), jobs=(PlannedJob("a", "fetch", "first", {}),)))

    desk.schedule_job("mine", PlannedJob("b", "sum", "second", {"of": [1]}))
    desk.schedule_job("mine", PlannedJob("a", "sum", "instead", {}))

    assert [(job.key, job.name) for job in desk.definition("mine").jobs] == [("b", "second"), ("a", "instead")]


def test_dependencies_are_set_as_a_whole_and_the_tree_shows_parents(desk: GroupDesk) -> None:
    desk.create(replace(NEW, name="up"))
    desk.create(replace(NEW, depends_on=("up",), parent="up"))
    edge = Dependency("up", Match.SAME_DATE, OnFailure.BLOCK)

    desk.set_dependencies("mine", [edge])

    assert desk.definition("mine").depends_on == (edge,)
    ((top, below),) = [(group["name"], group["children"]) for group in desk.tree()]
    assert (top, [child["name"] for child in below]) == ("up", ["mine"])  # type: ignore[attr-defined]  # records


def test_a_run_is_asked_for_about_a_date_and_stopped_with_all_that_wait(desk: GroupDesk, database: Database) -> None:
    desk.create(NEW)
    run_id = desk.request("mine", for_on=date(2026, 11, 2))
    assert desk.request("mine") == run_id

    desk.stop("mine")

    (run,) = database.perform(lambda connection: connection.exec_driver_sql("SELECT status, for_on FROM runs").all())
    assert run == ("cancelled", date(2026, 11, 2))
    assert database.perform(runs.waiting) == []


def test_a_group_is_paused_resumed_and_switched_off_and_on(desk: GroupDesk) -> None:
    desk.create(NEW)
    desk.pause("mine")
    desk.pause("mine")
    assert desk.list()[0]["status"] == "paused"

    desk.resume("mine")
    desk.disable("mine")

    assert (desk.list()[0]["status"], desk.list()[0]["is_enabled"]) == ("idle", False)
    desk.enable("mine")
    assert desk.list()[0]["is_enabled"] is True


def test_a_group_is_deleted_unless_others_rest_on_it(desk: GroupDesk) -> None:
    desk.create(replace(NEW, name="up"))
    desk.create(replace(NEW, depends_on=("up",)))
    with pytest.raises(Conflict, match="mine"):
        desk.delete("up")

    desk.delete("mine")
    desk.delete("up")

    assert desk.list() == []


def test_a_change_whose_answer_was_lost_is_asked_for_again_without_harm(database: Database, desk: GroupDesk) -> None:
    desk.create(NEW)
    forgetful = Forgetful(database, LOCAL, ("fetch",))

    forgetful.edit("mine", name="yours", priority=9)
    assert desk.definition("yours") == replace(NEW, name="yours", priority=9)
    forgetful.delete("yours")

    assert desk.list() == []
    with pytest.raises(NotFound):
        forgetful.delete("yours")
    with pytest.raises(NotFound):
        forgetful.edit("yours", name="mine")


@pytest.mark.parametrize("name", ["nul\0", "half a character \ud800"])
def test_a_name_that_no_group_can_have_is_not_found(database: Database, desk: GroupDesk, name: str) -> None:
    assert not desk.exists(name)
    for look in (desk.pause, desk.definition, desk.request, desk.delete, Runs(database, LOCAL).group):
        with pytest.raises(NotFound):
            look(name)


@pytest.mark.parametrize("for_on", ["2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)])
def test_a_run_is_about_a_date_and_nothing_else(desk: GroupDesk, for_on: Any) -> None:
    desk.create(NEW)

    with pytest.raises(InvalidInput, match="for_on: expected a date"):
        desk.request("mine", for_on)


def test_a_retry_is_narrowed_by_words_that_exist(desk: GroupDesk) -> None:
    desk.create(NEW)

    assert desk.retry_failed("mine", reason="network", error_class="retryable") == 0
    with pytest.raises(InvalidInput, match="reason"):
        desk.retry_failed("mine", reason="bad luck")
    with pytest.raises(NotFound):
        desk.retry_failed("nobody")
