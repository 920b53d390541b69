"""The limit of a group: never more of its jobs at a time, and never fewer while others wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Usage
from moomarkets.domain.retry import Retry
from moomarkets.store import completions, job_switch, rescue, retries, runs
from moomarkets.store.completions import Completion
from tests.moomarkets.store.scene import LOCAL, Scene, after

OPEN = "SELECT count(*) FROM jobs WHERE run_id = :id AND status IN ('pending', 'running') AND NOT is_held"
HELD = "SELECT array_agg(key ORDER BY key) FROM jobs WHERE run_id = :id AND is_held"


def limited(scene: Scene, *keys: str, limit: int = 2) -> int:
    return scene.run(*keys, group_id=scene.group(max_parallel=limit))


def test_a_limited_group_has_so_many_jobs_open_and_holds_the_others(scene: Scene) -> None:
    run_id = limited(scene, *"abcde")

    assert [attempt.key for attempt in scene.claim()] == ["a", "b"]
    assert scene.one(HELD, id=run_id)[0] == ["c", "d", "e"]


def test_each_end_lets_go_of_the_next(scene: Scene) -> None:
    run_id = limited(scene, *"abcde")
    first, second = scene.claim()
    scene.complete(first)
    assert [attempt.key for attempt in scene.claim()] == ["c"]

    scene.fail(second)

    assert [attempt.key for attempt in scene.claim()] == ["d"]
    assert scene.one(OPEN, id=run_id)[0] == 2


def test_ends_that_are_stored_together_let_go_of_as_many(scene: Scene) -> None:
    run_id = limited(scene, *"abcde")
    ends = [Completion(attempt, uuid4(), Usage(), after(0)) for attempt in scene.claim()]

    scene.do(completions.complete_many, ends)

    assert [attempt.key for attempt in scene.claim()] == ["c", "d"]
    assert scene.one(HELD, id=run_id)[0] == ["e"]


def test_a_job_that_waits_for_its_next_try_leaves_its_place_to_one_that_is_due(scene: Scene) -> None:
    run_id = limited(scene, *"abc", limit=1)
    (first,) = scene.claim()

    scene.fail(first, Reason.NETWORK, Retry(300, is_charged=True))

    assert [attempt.key for attempt in scene.claim()] == ["b"]
    assert scene.one(HELD, id=run_id)[0] == ["a", "c"]


def test_the_last_job_that_waits_for_its_next_try_keeps_its_place(scene: Scene) -> None:
    run_id = limited(scene, "a", limit=1)
    (first,) = scene.claim()

    scene.fail(first, Reason.NETWORK, Retry(30, is_charged=True))

    assert scene.one(HELD, id=run_id)[0] is None
    assert [attempt.key for attempt in scene.claim(now=after(30))] == ["a"]


def test_the_most_urgent_job_is_let_go_first(scene: Scene) -> None:
    group_id = scene.group(max_parallel=1)
    scene.run(*"abc", group_id=group_id)
    for _ in range(3):
        scene.complete(*scene.claim())
    scene.execute("UPDATE jobs SET priority = 9 WHERE key = 'c'")
    scene.run(*"abc", group_id=group_id)

    order = []
    for _ in range(3):
        (attempt,) = scene.claim()
        order.append(attempt.key)
        scene.complete(attempt)

    assert order == ["c", "a", "b"]


def test_a_job_that_is_given_up_lets_go_of_the_next(scene: Scene) -> None:
    limited(scene, *"ab", limit=1)
    (attempt,) = scene.claim()
    (orphan,) = scene.do(rescue.rescue, [attempt.lease.execution_id], [], after(7))

    scene.do(rescue.give_up, orphan, after(7))

    assert [attempt.key for attempt in scene.claim(now=after(7))] == ["b"]


def test_a_cancelled_run_holds_nothing_back(scene: Scene) -> None:
    run_id = limited(scene, *"abc")

    scene.do(runs.cancel, run_id, after(0))

    assert scene.one(HELD, id=run_id)[0] is None
    assert scene.counters(run_id) == ("cancelled", 3, 0, 0, 3)


def test_jobs_that_are_retried_keep_to_the_limit(scene: Scene) -> None:
    run_id = limited(scene, *"abc")
    for _ in range(2):
        for attempt in scene.claim():
            scene.fail(attempt)
    assert scene.counters(run_id)[0] == "failed"

    assert scene.do(retries.retry_failed, LOCAL, None, after(1)) == 3

    assert scene.one(OPEN, id=run_id)[0] == 2
    assert [attempt.key for attempt in scene.claim(now=after(1))] == ["a", "b"]


def test_the_limit_holds_while_jobs_end_in_many_threads(scene: Scene) -> None:
    run_id = limited(scene, *(f"job {number:02}" for number in range(24)), limit=3)
    most = 0
    with ThreadPoolExecutor(3) as pool:
        while attempts := scene.claim():
            most = max(most, len(attempts))
            list(pool.map(scene.complete, attempts))

    assert most == 3
    assert scene.counters(run_id) == ("completed", 24, 24, 0, 0)


def test_a_job_that_is_resumed_takes_the_place_of_one_that_waits_for_its_next_try(scene: Scene) -> None:
    run_id = limited(scene, "a", "b", limit=1)
    (first,) = scene.claim()
    resting = scene.one("SELECT id FROM jobs WHERE key = 'b'")[0]
    scene.do(job_switch.pause_job, resting, after(0))
    scene.fail(first, Reason.NETWORK, Retry(300, is_charged=True))

    scene.do(job_switch.resume_job, resting, after(0))

    assert [attempt.key for attempt in scene.claim()] == ["b"]
    assert scene.one(HELD, id=run_id)[0] == ["a"]


def test_a_held_job_that_becomes_due_at_once_takes_the_place_of_one_that_waits_for_its_next_try(scene: Scene) -> None:
    run_id = limited(scene, "a", "b", limit=1)
    for delay_s in (300, 600):
        (attempt,) = scene.claim()
        scene.fail(attempt, Reason.NETWORK, Retry(delay_s, is_charged=True))
    assert scene.one(HELD, id=run_id)[0] == ["b"]

    scene.do(job_switch.retry_job, attempt.lease.job_id, after(0))

    assert [attempt.key for attempt in scene.claim()] == ["b"]
    assert scene.one(HELD, id=run_id)[0] == ["a"]
