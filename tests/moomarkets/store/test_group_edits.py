"""A group is read back as it was said, changed without a trace of what it was, and deleted with all that is its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from moomarkets.domain.catch_up import CatchUp, CatchUpPolicy, Overlap
from moomarkets.domain.errors import Conflict, Fenced, InvalidInput, NotFound
from moomarkets.domain.group import Dependency, GroupDefinition, Match, OnFailure
from moomarkets.domain.job import PlannedJob
from moomarkets.store import group_edits, group_graph, groups
from tests.moomarkets.store.scene import LOCAL, START, Scene, after

FULL = GroupDefinition(
    name="full",
    data_source="sim",
    job_types=("fetch",),
    description="all that can be said",
    scope={"newest": 3},
    jobs=(PlannedJob("sum", "add", "sum up", {"of": [1, 2]}, "7203"),),
    schedule={"every_s": 60},
    catch_up=CatchUp(CatchUpPolicy.ALL, 3, 3600.0),
    overlap=Overlap.QUEUE,
    depends_on=(Dependency("up", Match.SAME_DATE, OnFailure.BLOCK),),
    parent="up",
    priority=8,
    max_retries=1,
    retry_delay_s=2,
    max_parallel=4,
    crash_limit=6,
    keep_days=9,
    is_enabled=False,
)


def create(scene: Scene, definition: GroupDefinition = FULL) -> int:
    return scene.do(groups.create, LOCAL, definition, START)


def change(scene: Scene, group: str, **changes: object) -> None:
    def work(connection: Connection) -> None:
        before = group_edits.definition(connection, LOCAL, group)
        group_edits.change(connection, LOCAL, group, replace(before, **changes), after(100))  # type: ignore[arg-type]  # any field

    scene.do(work)


def test_a_group_is_read_back_as_it_was_said(scene: Scene) -> None:
    scene.group("up")

    create(scene)

    assert scene.do(group_edits.definition, LOCAL, "full") == FULL


def test_a_creation_that_is_repeated_after_a_lost_answer_finds_its_group(scene: Scene) -> None:
    definition, key = GroupDefinition("bars", "sim", ("fetch",)), uuid4()
    first = scene.do(groups.create, LOCAL, definition, START, key)

    assert scene.do(groups.create, LOCAL, definition, START, key) == first
    with pytest.raises(Conflict):
        scene.do(groups.create, LOCAL, definition, START, uuid4())


def test_a_change_leaves_what_it_does_not_name(scene: Scene) -> None:
    scene.group("up")
    create(scene)

    change(scene, "full", name="renamed", priority=1, depends_on=(), data_source=None)

    renamed = replace(FULL, name="renamed", priority=1, depends_on=(), data_source=None)
    assert scene.do(group_edits.definition, LOCAL, "renamed") == renamed


def test_a_changed_schedule_counts_from_the_change_and_keeps_its_ledger(scene: Scene) -> None:
    scene.group("bars", schedule={"every_s": 60})
    scene.execute("UPDATE schedules SET counted_from = :now", now=START)
    scene.execute(
        "INSERT INTO occurrences (schedule_id, due_at, status) SELECT id, :now, 'ran' FROM schedules", now=START
    )
    change(scene, "bars", priority=6)
    assert scene.one("SELECT counted_from FROM schedules")[0] == START

    change(scene, "bars", schedule={"every_s": 120})

    assert scene.one("SELECT counted_from FROM schedules")[0] == after(100)
    assert scene.one("SELECT count(*) FROM occurrences")[0] == 1


def test_a_schedule_that_is_taken_away_rests_with_its_ledger(scene: Scene) -> None:
    scene.group("bars", schedule={"every_s": 60})
    scene.execute(
        "INSERT INTO occurrences (schedule_id, due_at, status) SELECT id, :now, 'ran' FROM schedules", now=START
    )

    change(scene, "bars", schedule=None)

    assert scene.one("SELECT is_enabled FROM schedules")[0] is False
    assert scene.one("SELECT count(*) FROM occurrences")[0] == 1
    assert scene.do(group_edits.definition, LOCAL, "bars").schedule is None


def test_the_level_of_a_group_follows_its_parents(scene: Scene) -> None:
    for name, parent in (("a", None), ("b", "a"), ("c", "b")):
        scene.group(name, parent=parent)
    scene.group("above")

    change(scene, "a", parent="above")

    levels = scene.one("SELECT array_agg(level ORDER BY name) FROM job_groups")[0]
    assert levels == [2, 1, 3, 4]


def test_a_circle_of_parents_or_dependencies_is_refused_with_its_path(scene: Scene) -> None:
    scene.group("a")
    scene.group("b", parent="a", depends_on=("a",))

    with pytest.raises(InvalidInput, match=r"b -> a -> b|a -> b -> a"):
        change(scene, "a", parent="b")
    with pytest.raises(InvalidInput, match=r"b -> a -> b|a -> b -> a"):
        change(scene, "a", depends_on=("b",))
    with pytest.raises(InvalidInput, match="parent"):
        scene.group("c", parent="c")


def test_two_edits_at_once_never_make_a_circle_together(scene: Scene) -> None:
    scene.group("a")
    scene.group("b")

    def link(edge: tuple[str, str]) -> bool:
        try:
            scene.database.perform(lambda connection: _link(connection, *edge))
        except InvalidInput:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        linked = list(pool.map(link, [("a", "b"), ("b", "a")]))

    assert sorted(linked) == [False, True]


def _link(connection: Connection, name: str, upstream: str) -> None:
    group_graph.lock(connection, LOCAL)
    before = group_edits.definition(connection, LOCAL, name)
    group_edits.change(connection, LOCAL, name, replace(before, depends_on=(upstream,)))


def test_a_missing_group_is_named_with_those_that_there_are(scene: Scene) -> None:
    scene.group("calendar")

    with pytest.raises(NotFound, match="group calender does not exist; there are: calendar"):
        scene.group("bars", depends_on=("calender",))
    with pytest.raises(NotFound, match="there are: calendar"):
        scene.do(groups.find, LOCAL, "calender")


def test_a_group_on_which_others_rest_is_not_deleted(scene: Scene) -> None:
    scene.group("up")
    scene.group("below", parent="up")
    scene.group("after", depends_on=("up",))

    with pytest.raises(Conflict, match="below, after"):
        scene.do(groups.delete, LOCAL, "up")

    assert scene.do(groups.exists, LOCAL, "up")


def test_a_deleted_group_is_gone_with_all_its_rows_and_a_late_result_is_dropped(scene: Scene) -> None:
    group_id = scene.group("bars", schedule={"every_s": 60})
    scene.run("a", "b", group_id=group_id)
    (attempt,) = scene.claim(1)
    scene.request(group_id)

    assert scene.do(groups.delete, LOCAL, "bars", START) == [attempt.lease.job_id]

    for table in ("job_groups", "runs", "jobs", "executions", "schedules"):
        assert scene.one(f"SELECT count(*) FROM {table}")[0] == 0
    with pytest.raises(Fenced):
        scene.complete(attempt)
    assert scene.group("bars") > group_id


def test_an_edit_while_a_run_is_under_way_concerns_the_next_one(scene: Scene) -> None:
    group_id = scene.group("bars", max_parallel=1)
    scene.run("a", "b", group_id=group_id)

    change(scene, "bars", max_parallel=2)

    for _ in range(2):
        (attempt,) = scene.claim()
        scene.complete(attempt)
    scene.run("a", "b", group_id=group_id)
    assert len(scene.claim()) == 2


def test_a_new_priority_of_a_group_is_that_of_its_jobs_from_the_next_run_on(scene: Scene) -> None:
    group_id = scene.group("bars")
    scene.run("a", "b", group_id=group_id)
    for attempt in scene.claim():
        scene.complete(attempt)
    scene.execute("UPDATE jobs SET priority = 2 WHERE key = 'b'")

    change(scene, "bars", priority=9)
    scene.run("a", "b", group_id=group_id)

    priorities = scene.one("SELECT array_agg(priority ORDER BY key) FROM jobs WHERE job_type = 'fetch'")[0]
    assert priorities == [9, 2]
