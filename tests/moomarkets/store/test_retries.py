from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from moomarkets.domain.errors import ErrorClass, Reason
from moomarkets.domain.job import PLAN
from moomarkets.domain.retry import Retry
from moomarkets.store import retries, runs
from tests.moomarkets.store.scene import LOCAL, START, Scene


def failed_run(scene: Scene, name: str = "bars") -> int:
    """A run with one job that completed and one that failed."""
    run_id = scene.run("good", "bad", group_id=scene.group(name))
    good, bad = scene.claim()
    scene.complete(good)
    scene.fail(bad)
    return run_id


def claim_due(scene: Scene) -> list[str]:
    due = scene.one("SELECT clock_timestamp() AS at").at
    return [attempt.key for attempt in scene.claim(now=due)]


def test_failed_jobs_are_put_back_and_their_run_goes_on(scene: Scene) -> None:
    run_id = failed_run(scene)
    assert scene.counters(run_id) == ("failed", 2, 1, 1, 0)

    assert scene.do(retries.retry_failed, LOCAL, None) == 1

    assert scene.counters(run_id) == ("running", 2, 1, 0, 0)
    (again,) = scene.claim(now=scene.one("SELECT clock_timestamp()")[0])
    assert (again.key, again.number) == ("bad", 1)
    assert scene.complete(again)
    assert scene.counters(run_id) == ("completed", 2, 2, 0, 0)


def test_a_retry_can_be_narrowed_to_one_group(scene: Scene) -> None:
    failed_run(scene, "bars")
    failed_run(scene, "lists")

    assert scene.do(retries.retry_failed, LOCAL, "lists") == 1
    assert scene.do(retries.retry_failed, LOCAL, "lists") == 0
    assert scene.do(retries.retry_failed, LOCAL + 1, None) == 0
    assert scene.do(retries.retry_failed, LOCAL, "nobody") == 0


def test_a_failed_plan_is_planned_again(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    scene.fail(scene.admit(run_id))

    assert scene.do(retries.retry_failed, LOCAL, None) == 1

    assert scene.counters(run_id) == ("running", 0, 0, 0, 0)
    (plan,) = scene.claim(job_types=[PLAN], now=scene.one("SELECT clock_timestamp()")[0])
    scene.complete(plan, write=lambda connection: runs.plan(connection, run_id, []) and None)
    assert scene.counters(run_id) == ("completed", 0, 0, 0, 0)


def test_a_group_whose_newer_run_is_under_way_is_left_to_it(scene: Scene) -> None:
    group_id = scene.group()
    scene.run("bad", group_id=group_id)
    scene.fail(*scene.claim())
    scene.request(group_id)

    assert scene.do(retries.retry_failed, LOCAL, None) == 0


def test_failed_jobs_of_a_run_that_still_runs_are_put_back_too(scene: Scene) -> None:
    run_id = scene.run("bad", "good")
    bad, good = scene.claim()
    scene.fail(bad)

    assert scene.do(retries.retry_failed, LOCAL, None) == 1
    assert not scene.complete(good)

    assert scene.counters(run_id) == ("running", 2, 1, 0, 0)
    assert claim_due(scene) == ["bad"]


def test_a_run_that_goes_on_after_it_was_cancelled_tries_its_jobs_again(scene: Scene) -> None:
    run_id = scene.run("bad", "waiting")
    scene.fail(*scene.claim(1))
    scene.do(runs.cancel, run_id, START)
    scene.do(retries.retry_failed, LOCAL, None)
    (again,) = scene.claim(now=scene.one("SELECT clock_timestamp()")[0])

    scene.fail(again, Reason.NETWORK, Retry(1, is_charged=True))

    assert scene.job(again).status == "pending"


def test_a_run_that_was_cancelled_after_a_failure_goes_on_with_the_failed_job_alone(scene: Scene) -> None:
    run_id = scene.run("bad", "waiting")
    scene.fail(*scene.claim(1))
    scene.do(runs.cancel, run_id, START)
    assert scene.counters(run_id) == ("failed", 2, 0, 1, 1)

    assert scene.do(retries.retry_failed, LOCAL, None) == 1

    assert claim_due(scene) == ["bad"]


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ({"reason": Reason.NETWORK}, 1),
        ({"error_class": ErrorClass.NON_RETRYABLE}, 1),
        ({"error_class": ErrorClass.RETRYABLE, "reason": Reason.INVALID}, 0),
    ],
)
def test_a_retry_can_be_narrowed_to_what_the_last_attempt_failed_with(
    scene: Scene, narrowed: dict[str, Any], count: int
) -> None:
    scene.run("one", "other")
    one, other = scene.claim()
    scene.fail(one, Reason.NETWORK)
    scene.fail(other, Reason.INVALID)

    assert scene.do(retries.retry_failed, LOCAL, None, **narrowed) == count


def test_failed_jobs_that_stand_alone_are_put_back_with_all_others(scene: Scene) -> None:
    scene.execute(
        "INSERT INTO jobs (key, job_type, name, status, due_at) VALUES ('x', 'fetch', 'x', 'pending', :now)", now=START
    )
    scene.fail(*scene.claim())

    assert scene.do(retries.retry_failed, LOCAL, None) == 1
    assert claim_due(scene) == ["x"]


def test_a_run_that_is_asked_for_while_failed_jobs_are_put_back_comes_after_them_or_instead(scene: Scene) -> None:
    group_id = scene.group("bars")
    for _ in range(5):
        scene.run("bad", group_id=group_id)
        scene.fail(*scene.claim())
        with ThreadPoolExecutor(2) as pool:
            retried = pool.submit(scene.do, retries.retry_failed, LOCAL, "bars", START)
            asked = pool.submit(scene.request, group_id)
            outcome = (retried.result(), asked.result())
        statuses = scene.one("SELECT array_agg(status ORDER BY id) FROM runs WHERE status IN ('pending', 'running')")[0]

        assert (outcome[0], statuses) in ((1, ["running"]), (0, ["pending"]))
        scene.do(runs.cancel, outcome[1], START)


def test_a_skipped_run_does_not_hide_the_failed_one_before_it(scene: Scene) -> None:
    group_id = scene.group("bars")
    run_id = scene.run("bad", group_id=group_id)
    scene.fail(*scene.claim())
    scene.do(runs.skip, scene.request(group_id), "dependency: group up's run 1 failed", START)

    assert scene.do(retries.retry_failed, LOCAL, "bars") == 1
    assert scene.counters(run_id)[0] == "running"
    assert scene.one("SELECT status FROM job_groups")[0] == "running"
