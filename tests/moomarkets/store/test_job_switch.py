"""What a person does to one job keeps the counters of its run exact, and the run ends where nothing of it is left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from moomarkets.domain.errors import Conflict, Fenced, InvalidInput, NotFound, Reason
from moomarkets.domain.job import PLAN
from moomarkets.domain.retry import Retry
from moomarkets.store import job_switch
from moomarkets.store.enqueue import enqueue
from moomarkets.store.retries import retry_failed as retry_all
from tests.moomarkets.store.scene import LOCAL, START, Scene, after, wait_until_blocked


def job_id(scene: Scene, key: str) -> int:
    found: int = scene.one("SELECT id FROM jobs WHERE key = :key", key=key)[0]
    return found


def alone(scene: Scene, key: str = "alone", unique_key: str | None = None) -> int:
    """A pending job that stands alone."""
    scene.execute(
        "INSERT INTO jobs (key, job_type, name, status, due_at, unique_key)"
        " VALUES (:key, 'fetch', 'x', 'pending', :now, :unique)",
        key=key,
        now=START,
        unique=unique_key,
    )
    return job_id(scene, key)


def test_a_waiting_job_that_is_switched_off_counts_as_cancelled_and_the_next_run_leaves_it_out(scene: Scene) -> None:
    group_id = scene.group()
    run_id = scene.run("a", "b", group_id=group_id)

    scene.do(job_switch.set_enabled, job_id(scene, "a"), False, START)
    scene.complete(*scene.claim())

    assert scene.counters(run_id) == ("cancelled", 2, 1, 0, 1)
    later = scene.run("a", "b", group_id=group_id)
    assert [attempt.key for attempt in scene.claim()] == ["b"]
    assert scene.counters(later) == ("running", 1, 0, 0, 0)


def test_the_last_waiting_job_that_is_switched_off_ends_its_run(scene: Scene) -> None:
    run_id = scene.run("a")

    scene.do(job_switch.set_enabled, job_id(scene, "a"), False, START)
    scene.do(job_switch.set_enabled, job_id(scene, "a"), False, START)

    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)


def test_a_running_job_that_is_switched_off_ends_its_attempt_and_is_not_tried_again(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()

    scene.do(job_switch.set_enabled, job_id(scene, "a"), False, START)
    scene.fail(attempt, Reason.NETWORK, Retry(1, is_charged=True))

    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)


def test_a_job_that_is_switched_on_again_is_part_of_the_next_run(scene: Scene) -> None:
    group_id = scene.group()
    scene.run("a", group_id=group_id)
    scene.do(job_switch.set_enabled, job_id(scene, "a"), False, START)

    scene.do(job_switch.set_enabled, job_id(scene, "a"), True, START)
    assert scene.claim() == []
    scene.run("a", group_id=group_id)

    assert [attempt.key for attempt in scene.claim()] == ["a"]


def test_the_plan_of_a_group_is_not_switched_off(scene: Scene) -> None:
    scene.admit(scene.request(scene.group()))

    with pytest.raises(InvalidInput, match="switch off its group"):
        scene.do(job_switch.set_enabled, job_id(scene, PLAN), False, START)


def test_a_paused_job_is_not_claimed_and_keeps_its_run_open(scene: Scene) -> None:
    run_id = scene.run("a", "b")
    scene.do(job_switch.pause_job, job_id(scene, "a"), START)
    scene.do(job_switch.pause_job, job_id(scene, "a"), START)
    scene.complete(*scene.claim())
    assert scene.counters(run_id) == ("running", 2, 1, 0, 0)

    scene.do(job_switch.resume_job, job_id(scene, "a"), START)
    scene.complete(*scene.claim())

    assert scene.counters(run_id) == ("completed", 2, 2, 0, 0)


def test_a_paused_job_leaves_its_place_under_the_limit_and_gets_one_back(scene: Scene) -> None:
    scene.run(*"abc", group_id=scene.group(max_parallel=1))

    scene.do(job_switch.pause_job, job_id(scene, "a"), START)
    (second,) = scene.claim()
    scene.do(job_switch.resume_job, job_id(scene, "a"), START)
    assert (second.key, scene.claim()) == ("b", [])
    scene.complete(second)

    assert [attempt.key for attempt in scene.claim()] == ["a"]


def test_a_job_that_does_not_wait_is_not_paused(scene: Scene) -> None:
    scene.run("a")
    scene.claim()

    with pytest.raises(Conflict, match="running"):
        scene.do(job_switch.pause_job, job_id(scene, "a"), START)
    with pytest.raises(NotFound):
        scene.do(job_switch.pause_job, 12345, START)


def test_a_cancelled_job_ends_at_once_and_what_its_attempt_brings_is_dropped(scene: Scene) -> None:
    run_id = scene.run("a", "b")
    first, second = scene.claim()

    assert scene.do(job_switch.cancel_job, first.lease.job_id, START) == [first.lease.job_id]
    assert scene.do(job_switch.cancel_job, first.lease.job_id, START) == []

    with pytest.raises(Fenced):
        scene.complete(first)
    assert scene.execution(first).status == "cancelled"
    assert scene.complete(second)
    assert scene.counters(run_id) == ("cancelled", 2, 1, 0, 1)


def test_a_cancelled_plan_ends_its_run(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    scene.admit(run_id)

    assert scene.do(job_switch.cancel_job, job_id(scene, PLAN), START) == [job_id(scene, PLAN)]

    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_a_job_that_has_ended_is_tried_again_in_its_run(scene: Scene, end: str) -> None:
    run_id = scene.run("a", "b")
    first, second = scene.claim()
    if end == "completed":
        scene.complete(first)
    elif end == "failed":
        scene.fail(first)
    else:
        scene.do(job_switch.cancel_job, first.lease.job_id, START)
    scene.complete(second)

    scene.do(job_switch.retry_job, first.lease.job_id, START)

    assert scene.counters(run_id) == ("running", 2, 1, 0, 0)
    scene.complete(*scene.claim())
    assert scene.counters(run_id) == ("completed", 2, 2, 0, 0)


def test_a_job_of_an_older_run_is_not_tried_again(scene: Scene) -> None:
    group_id = scene.group()
    scene.run("a", group_id=group_id)
    scene.fail(*scene.claim())
    scene.run("b", group_id=group_id)

    with pytest.raises(Conflict, match="run the group"):
        scene.do(job_switch.retry_job, job_id(scene, "a"), START)


def test_a_job_that_waits_for_its_next_try_becomes_due_at_once(scene: Scene) -> None:
    scene.run("a")
    scene.fail(*scene.claim(), Reason.NETWORK, Retry(300, is_charged=True))

    scene.do(job_switch.retry_job, job_id(scene, "a"), after(1))

    assert [attempt.number for attempt in scene.claim(now=after(1))] == [2]


def test_a_job_that_stands_alone_is_paused_cancelled_and_tried_again(scene: Scene) -> None:
    lone = alone(scene)
    scene.do(job_switch.pause_job, lone, START)
    assert scene.claim() == []
    scene.do(job_switch.cancel_job, lone, START)

    scene.do(job_switch.retry_job, lone, START)

    assert [attempt.lease.job_id for attempt in scene.claim()] == [lone]


def test_a_job_whose_unique_key_another_has_taken_is_not_tried_again(scene: Scene) -> None:
    lone = alone(scene, "first", "7203")
    scene.do(job_switch.cancel_job, lone, START)
    alone(scene, "second", "7203")

    with pytest.raises(Conflict, match="unique key"):
        scene.do(job_switch.retry_job, lone, START)


@pytest.mark.parametrize(
    "retry", [job_switch.retry_job, lambda connection, _, now: retry_all(connection, LOCAL, None, now)]
)
def test_a_retry_that_meets_a_job_of_its_unique_key_just_being_stored_is_refused(
    scene: Scene, retry: Callable[..., object]
) -> None:
    old = alone(scene, "old", "7203")
    scene.execute("UPDATE jobs SET status = 'failed'", id=old)

    with ThreadPoolExecutor(1) as pool:
        with scene.database.transaction() as storing:
            enqueue(storing, "fetch", unique_key="7203")
            retrying = pool.submit(scene.do, retry, old, START)
            wait_until_blocked(scene.database)
        with pytest.raises(Conflict, match="unique key"):
            retrying.result()

    assert scene.one("SELECT status FROM jobs WHERE id = :id", id=old)[0] == "failed"
