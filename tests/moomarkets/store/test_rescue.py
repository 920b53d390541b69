from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from moomarkets.domain.job import Attempt
from moomarkets.store import job_switch, jobs, nodes, rescue, runs
from moomarkets.store.rescue import Rescued
from tests.moomarkets.store.scene import START, Scene, after, wait_until_blocked

LEASE_S = 6


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A living process that waits for its input."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def rescued(scene: Scene, *seen: int, now: float) -> list[Rescued]:
    return scene.do(rescue.rescue, list(seen), [], after(now))


def begin(scene: Scene, attempt: Attempt) -> None:
    """Note that the attempt's code has begun, as is done for a suspect."""
    scene.execute("UPDATE executions SET began_at = :now WHERE id = :id", id=attempt.lease.execution_id, now=START)


def test_only_executions_whose_lease_is_over_are_overdue(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)

    assert scene.do(rescue.overdue, after(LEASE_S)) == set()
    assert scene.do(rescue.overdue, after(LEASE_S + 0.001)) == {attempt.lease.execution_id}


def test_a_job_is_taken_back_once_its_lease_is_over_and_costs_no_attempt(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)
    execution_id = attempt.lease.execution_id
    assert rescued(scene, execution_id, now=LEASE_S) == []

    (orphan,) = rescued(scene, execution_id, now=LEASE_S + 1)

    job, execution = scene.job(attempt), scene.execution(attempt)
    assert (orphan.execution_id, orphan.job_id, orphan.crash_count) == (execution_id, job.id, 1)
    assert (job.status, job.attempts, job.due_at) == ("pending", 0, after(LEASE_S + 1))
    assert job.lease_token == attempt.lease.token + 1
    assert (execution.status, execution.reason, execution.error_class) == ("interrupted", "interrupted", "retryable")


def test_one_look_is_not_enough_to_take_a_job_back(scene: Scene) -> None:
    scene.run("a")
    scene.claim(lease_s=LEASE_S)

    assert rescued(scene, now=LEASE_S + 100) == []


def test_a_renewed_lease_is_left_alone(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)
    scene.do(jobs.renew, [attempt.lease], lease_s=LEASE_S, now=after(LEASE_S + 1))

    assert rescued(scene, attempt.lease.execution_id, now=LEASE_S + 2) == []


@pytest.mark.parametrize("own_limit", [1, None])
def test_a_job_at_its_limit_is_claimed_by_nobody_before_it_is_given_up(scene: Scene, own_limit: int | None) -> None:
    run_id = scene.run("a", group_id=scene.group(crash_limit=own_limit))
    (attempt,) = scene.claim(lease_s=LEASE_S)
    at = after(LEASE_S + 1)

    seen = [attempt.lease.execution_id]
    (orphan,) = scene.do(rescue.rescue, seen, [], at, crash_limit=1 if own_limit is None else 5)

    assert scene.claim(now=at) == []
    assert scene.do(rescue.give_up, orphan, at)
    assert scene.counters(run_id) == ("failed", 1, 0, 1, 0)


def test_a_lease_that_is_renewed_while_a_rescue_looks_is_left_alone(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)

    with ThreadPoolExecutor(1) as pool:
        with scene.database.transaction() as renewing:
            jobs.renew(renewing, [attempt.lease], lease_s=LEASE_S, now=after(LEASE_S + 1))
            rescuing = pool.submit(rescued, scene, attempt.lease.execution_id, now=LEASE_S + 2)
            wait_until_blocked(scene.database)
        taken = rescuing.result()

    assert taken == []
    assert scene.execution(attempt).status == "running"
    assert scene.job(attempt).status == "running"


def test_a_job_that_is_just_being_completed_is_left_to_its_owner(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)

    with scene.database.transaction() as completing:
        completing.exec_driver_sql("SELECT 1 FROM jobs FOR UPDATE")
        taken = rescued(scene, attempt.lease.execution_id, now=LEASE_S + 2)

    assert taken == []


def test_two_rescuers_never_take_the_same_job_back_twice(scene: Scene) -> None:
    scene.run(*"abcdef")
    seen = [attempt.lease.execution_id for attempt in scene.claim(lease_s=LEASE_S)]

    with scene.database.transaction() as first, scene.database.transaction() as second:
        taken = [rescue.rescue(connection, seen, [], after(LEASE_S + 1)) for connection in (first, second)]

    assert [len(orphans) for orphans in taken] == [6, 0]


def test_each_further_death_waits_longer_than_the_one_before(scene: Scene) -> None:
    scene.run("a")
    now, waits = 0.0, []
    for _ in range(4):
        (attempt,) = scene.claim(lease_s=LEASE_S, now=after(now))
        begin(scene, attempt)
        rescued(scene, attempt.lease.execution_id, now=now + LEASE_S + 1)
        waits.append((scene.job(attempt).due_at - after(now + LEASE_S + 1)).total_seconds())
        now += 1000

    assert waits == [0, 1, 2, 4]


def test_a_later_death_counts_only_if_the_code_of_the_job_had_begun(scene: Scene) -> None:
    scene.run("a")
    counts = []
    for now, has_begun in ((0, False), (100, False), (200, True)):
        (attempt,) = scene.claim(lease_s=LEASE_S, now=after(now))
        if has_begun:
            begin(scene, attempt)
        (orphan,) = rescued(scene, attempt.lease.execution_id, now=now + LEASE_S + 1)
        counts.append(orphan.crash_count)

    assert counts == [1, 1, 2]


def test_a_rescued_job_says_how_many_deaths_its_group_bears(scene: Scene) -> None:
    scene.run("a", group_id=scene.group(crash_limit=2))
    (attempt,) = scene.claim(lease_s=LEASE_S)

    (orphan,) = rescued(scene, attempt.lease.execution_id, now=LEASE_S + 1)

    assert orphan.crash_limit == 2


def test_a_job_that_was_switched_off_while_it_ran_ends_with_its_lost_attempt(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)
    scene.do(job_switch.set_enabled, attempt.lease.job_id, False, START)

    rescued(scene, attempt.lease.execution_id, now=LEASE_S + 1)

    assert scene.job(attempt).status == "cancelled"
    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)


def test_a_job_that_keeps_losing_its_process_is_given_up_and_ends_its_run(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)
    (orphan,) = rescued(scene, attempt.lease.execution_id, now=LEASE_S + 1)

    assert scene.do(rescue.give_up, orphan, START)
    assert not scene.do(rescue.give_up, orphan, START)

    job = scene.job(attempt)
    assert (job.status, job.last_error) == ("failed", "crashed: its process died 1 times")
    assert scene.execution(attempt).reason == "crashed"
    assert scene.counters(run_id) == ("failed", 1, 0, 1, 0)


def test_a_plan_that_keeps_losing_its_process_fails_its_run(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    plan = scene.admit(run_id)
    (orphan,) = rescued(scene, plan.lease.execution_id, now=LEASE_S + 1)

    assert scene.do(rescue.give_up, orphan, START)

    assert scene.counters(run_id) == ("failed", 1, 0, 1, 0)


def test_a_job_that_was_claimed_again_meanwhile_is_not_given_up(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)
    (orphan,) = rescued(scene, attempt.lease.execution_id, now=LEASE_S + 1)
    scene.claim(now=after(LEASE_S + 1))

    assert not scene.do(rescue.give_up, orphan, START)

    assert scene.job(attempt).status == "running"


def test_a_job_whose_run_was_cancelled_does_not_come_back(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim(lease_s=LEASE_S)
    assert scene.do(runs.cancel, run_id, START) == [attempt.lease.job_id]

    rescued(scene, attempt.lease.execution_id, now=LEASE_S + 1)

    assert scene.job(attempt).status == "cancelled"
    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)


def test_the_work_of_a_killed_process_is_taken_at_once(scene: Scene, process: subprocess.Popen[bytes]) -> None:
    us = nodes.identify(uuid4(), "test")
    started = nodes.process_start(process.pid)
    assert started
    doomed = scene.register(us.boot_id, started, process.pid)
    scene.run("a")
    (attempt,) = scene.claim(node_id=doomed.id, lease_s=600)
    assert scene.do(nodes.proven_dead, us) == []

    process.kill()
    process.wait()
    dead = scene.do(nodes.proven_dead, us)
    taken = scene.do(rescue.rescue, [], dead, START)
    scene.do(nodes.bury, dead)

    assert dead == [doomed.id]
    assert [orphan.job_id for orphan in taken] == [attempt.lease.job_id]
    assert scene.do(nodes.proven_dead, us) == []
