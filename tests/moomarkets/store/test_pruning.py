"""Old history goes, in small steps; what shows how things stand, and whatever is not over, stays."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest

from moomarkets.domain.job import Usage
from moomarkets.domain.submission import Submission
from moomarkets.store import executions, pruning
from moomarkets.store.enqueue import enqueue_many
from moomarkets.store.pruning import Pruned, prune
from tests.moomarkets.store.scene import START, Scene, after, nothing

DAY_S = 86400.0


def ended(scene: Scene, day: int, group_id: int | None = None, key: str = "a") -> int:
    """A run with one attempt, both of which began and ended on that day; returns the run's id."""
    run_id = scene.run(key, group_id=group_id, now=after(day * DAY_S))
    (attempt,) = scene.claim(now=after(day * DAY_S))
    scene.complete(attempt, now=after(day * DAY_S))
    date(scene)
    return run_id


def date(scene: Scene) -> None:
    """Have rows made when they began: the scene is not now."""
    scene.execute("UPDATE executions SET created_at = started_at WHERE created_at <> started_at")
    scene.execute("UPDATE jobs SET created_at = due_at WHERE created_at <> due_at")


def prune_all(scene: Scene, kind: str, at: datetime, size: int = 1000, keep_days: int = 30) -> int:
    """Go through all rows of that kind; returns how many are gone."""
    gone, step = 0, Pruned(0, 0, False)
    while not step.is_over:
        step = scene.do(prune, kind, keep_days=keep_days, size=size, after=step.last_id, now=at)
        gone += step.count
    return gone


def test_attempts_are_forgotten_after_their_days_and_not_before(scene: Scene) -> None:
    group_id = scene.group()
    for day in (0, 1):
        ended(scene, day, group_id)

    at_the_brink = prune_all(scene, "executions", after(30 * DAY_S))
    after_that = prune_all(scene, "executions", after(30 * DAY_S + 1))

    # Each run has two attempts: at its plan, and at its job.
    assert (at_the_brink, after_that) == (0, 2)
    assert scene.one("SELECT count(*) FROM executions")[0] == 2


def test_a_group_may_keep_its_history_longer_or_shorter(scene: Scene) -> None:
    long, short, usual = scene.group(keep_days=100), scene.group(keep_days=2), scene.group()
    for group_id in (long, short, usual):
        ended(scene, 0, group_id)

    after_3 = prune_all(scene, "executions", after(3 * DAY_S), size=1)
    after_31 = prune_all(scene, "executions", after(31 * DAY_S), size=1)

    assert (after_3, after_31) == (2, 2)
    assert scene.one("SELECT DISTINCT job_group_id FROM jobs JOIN executions ON job_id = jobs.id")[0] == long


def test_an_attempt_that_runs_is_never_forgotten(scene: Scene) -> None:
    scene.run("a")
    scene.claim()
    date(scene)

    assert prune_all(scene, "executions", after(1000 * DAY_S)) == 1
    assert scene.one("SELECT status FROM executions")[0] == "running"


def test_a_walk_ends_where_the_rows_are_too_young(scene: Scene) -> None:
    for day in (0, 40):
        ended(scene, day)

    first = scene.do(prune, "executions", keep_days=30, size=2, now=after(41 * DAY_S))
    second = scene.do(prune, "executions", keep_days=30, size=2, after=first.last_id, now=after(41 * DAY_S))

    assert (first.count, first.is_over) == (2, False)
    assert (second.count, second.is_over) == (0, True)


def test_of_the_runs_of_a_group_the_newest_stays_however_old(scene: Scene) -> None:
    first, second = scene.group(), scene.group()
    runs = [ended(scene, day, group_id) for group_id in (first, second) for day in (0, 1, 2)]

    gone = prune_all(scene, "runs", after(1000 * DAY_S), size=3)

    assert gone == 4
    assert scene.one("SELECT array_agg(id ORDER BY id) FROM runs")[0] == [runs[2], runs[5]]


def test_runs_and_instants_are_kept_as_long_as_their_group_says(scene: Scene) -> None:
    for name, keep_days in (("short", 5), ("usual", None), ("long", 100)):
        group_id = scene.group(name, keep_days=keep_days, schedule={"every_s": 60})
        for day in (0, 49):
            ended(scene, day, group_id)
            scene.execute(
                "INSERT INTO occurrences (schedule_id, due_at, status)"
                " SELECT id, CAST(:at AS timestamptz), 'ran' FROM schedules WHERE job_group_id = :group_id",
                at=after(day * DAY_S),
                group_id=group_id,
            )

    gone = [
        [prune_all(scene, kind, after(day * DAY_S)) for kind in ("runs", "occurrences")]
        for day in (4, 6, 29, 31, 99, 101)
    ]

    assert gone == [[0, 0], [1, 1], [0, 0], [1, 1], [0, 0], [1, 1]]


def test_runs_that_are_not_over_stay(scene: Scene) -> None:
    group_id = scene.group()
    waiting = scene.request(group_id)
    scene.request(scene.group())
    scene.execute(
        "INSERT INTO runs (job_group_id, creation_key, kind) VALUES (:id, gen_random_uuid(), 'scheduled')", id=group_id
    )

    assert prune_all(scene, "runs", after(1000 * DAY_S)) == 0
    assert scene.one("SELECT status FROM runs WHERE id = :id", id=waiting)[0] == "pending"


def test_settled_instants_are_forgotten_but_for_the_newest_of_each_schedule(scene: Scene) -> None:
    scene.group(schedule={"every_s": 60})
    for day, status in ((0, "pending"), (1, "ran"), (2, "skipped"), (3, "ran")):
        scene.execute(
            "INSERT INTO occurrences (schedule_id, due_at, status)"
            " SELECT id, CAST(:at AS timestamptz), :status FROM schedules",
            at=after(day * DAY_S),
            status=status,
        )

    gone = prune_all(scene, "occurrences", after(1000 * DAY_S), size=1)

    assert gone == 2
    assert scene.one("SELECT array_agg(due_at ORDER BY due_at) FROM occurrences")[0] == [START, after(3 * DAY_S)]


def test_jobs_that_stand_alone_go_once_they_are_over_with_their_attempts_and_those_of_groups_stay(scene: Scene) -> None:
    ended(scene, 0)
    ids = scene.do(enqueue_many, Submission("fetch", [{}, {}], due_at=START), str(uuid4()))
    over, waiting = scene.claim(1), ids[1]
    scene.do(executions.complete, over[0], uuid4(), Usage(), nothing, START)
    date(scene)

    gone = prune_all(scene, "jobs", after(31 * DAY_S), size=1)

    assert gone == 1
    assert scene.one("SELECT id FROM jobs WHERE job_group_id IS NULL")[0] == waiting
    assert scene.one("SELECT count(*) FROM executions WHERE job_id = :id", id=over[0].lease.job_id)[0] == 0
    assert scene.one("SELECT count(*) FROM jobs WHERE job_group_id IS NOT NULL")[0] == 2


def test_nodes_that_nobody_has_seen_for_a_day_are_buried_unless_they_hold_something(scene: Scene) -> None:
    lost, holding, fresh = (scene.register().id for _ in range(3))
    scene.run("a")
    scene.claim(node_id=holding)
    scene.execute("UPDATE nodes SET seen_at = :at", at=after(-DAY_S - 1))
    scene.execute("UPDATE nodes SET seen_at = :at WHERE id = :id", at=after(-DAY_S + 1), id=fresh)

    prune_all(scene, "nodes", START)

    buried = scene.one("SELECT array_agg(id) FROM nodes WHERE stopped_at IS NOT NULL AND id <> :id", id=scene.node.id)
    assert buried[0] == [lost]


def test_nodes_are_forgotten_with_the_last_of_their_attempts(scene: Scene) -> None:
    ended(scene, 0)
    idle = scene.register().id
    scene.execute("UPDATE nodes SET stopped_at = :at", at=START)

    before = prune_all(scene, "nodes", after(30 * DAY_S))
    gone = prune_all(scene, "nodes", after(31 * DAY_S))

    assert (before, gone) == (0, 1)
    assert scene.one("SELECT count(*) FROM nodes WHERE id = :id", id=idle)[0] == 0


@pytest.mark.parametrize("kind", ["executions", "runs", "jobs"])
def test_rows_that_somebody_has_locked_are_left_for_the_next_round(scene: Scene, kind: str) -> None:
    group_id = scene.group()
    for day in (0, 1):
        ended(scene, day, group_id)
    scene.do(enqueue_many, Submission("fetch", [{}], due_at=START), "key")
    (attempt,) = scene.claim()
    scene.complete(attempt)
    date(scene)

    with scene.database.transaction() as connection:
        connection.exec_driver_sql(f"SELECT 1 FROM {kind} FOR UPDATE")
        while_locked = prune_all(scene, kind, after(1000 * DAY_S))

    assert while_locked == 0
    assert prune_all(scene, kind, after(1000 * DAY_S)) > 0


def test_every_kind_can_be_gone_through_where_there_is_nothing(scene: Scene) -> None:
    assert [prune_all(scene, kind, after(1000 * DAY_S)) for kind in pruning.KINDS] == [0] * len(pruning.KINDS)
