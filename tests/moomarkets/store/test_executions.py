from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from moomarkets.domain.coverage import Covered
from moomarkets.domain.errors import Fenced, Reason
from moomarkets.domain.job import Usage
from moomarkets.domain.retry import GiveUp, Retry
from moomarkets.store import coverage, executions, rescue, runs
from moomarkets.store.coverage import Owner
from tests.moomarkets.store.scene import LOCAL, START, Scene, after, nothing, planned, wait_until_blocked

DAY = date(2026, 11, 19)


class Writing:
    """A write of one partition's coverage, which can be told to fail after it."""

    def __init__(self, scene: Scene, error: Exception | None = None) -> None:
        self.owner, self.error = Owner(LOCAL, scene.source_id), error

    def __call__(self, connection: Connection) -> None:
        covered = Covered("ALL", DAY, DAY, START)
        coverage.record(connection, self.owner, "daily_bars", covered, rows=1, pages=1, execution_id=1)
        if self.error is not None:
            raise self.error


def is_stored(scene: Scene) -> bool:
    return scene.one("SELECT 1 FROM coverage") is not None


def test_data_and_the_end_of_the_attempt_are_stored_together(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()

    has_run_ended = scene.complete(attempt, usage=Usage(2, 300, 40, 5), write=Writing(scene))

    execution = scene.execution(attempt)
    assert has_run_ended
    assert is_stored(scene)
    assert (execution.status, execution.requests, execution.bytes, execution.rows_written, execution.pages) == (
        "completed", 2, 300, 40, 5,
    )  # fmt: skip
    assert scene.job(attempt).status == "completed"
    assert scene.one("SELECT rows_written, requests FROM runs WHERE id = :id", id=run_id) == (40, 2)


def test_a_write_that_fails_leaves_neither_data_nor_an_end(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()

    with pytest.raises(RuntimeError):
        scene.complete(attempt, write=Writing(scene, RuntimeError("the disk is gone")))

    assert not is_stored(scene)
    assert scene.execution(attempt).status == "running"
    assert scene.counters(run_id) == ("running", 1, 0, 0, 0)


def test_a_completion_repeated_after_a_lost_answer_changes_nothing(scene: Scene) -> None:
    run_id = scene.run("a", "b")
    first, last = scene.claim()
    completion_id = uuid4()
    assert not scene.complete(first, completion_id)
    assert not scene.complete(first, completion_id, write=Writing(scene))
    assert scene.complete(last, completion_id)

    assert scene.complete(last, completion_id, write=Writing(scene))

    assert scene.counters(run_id) == ("completed", 2, 2, 0, 0)
    assert not is_stored(scene)


def test_a_late_result_stores_nothing_once_the_job_was_rescued(scene: Scene) -> None:
    run_id = scene.run("a")
    (frozen,) = scene.claim(lease_s=6)
    scene.do(rescue.rescue, [frozen.lease.execution_id], [], after(7))
    (newer,) = scene.claim(now=after(7))

    with pytest.raises(Fenced):
        scene.complete(frozen, write=Writing(scene))
    with pytest.raises(Fenced):
        scene.fail(frozen)

    assert not is_stored(scene)
    assert scene.execution(frozen).status == "interrupted"
    assert scene.execution(newer).status == "running"
    assert scene.counters(run_id) == ("running", 1, 0, 0, 0)


def test_a_second_completion_of_an_ended_attempt_is_fenced(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim()
    scene.complete(attempt)

    with pytest.raises(Fenced):
        scene.complete(attempt, write=Writing(scene))

    assert not is_stored(scene)


def test_an_attempt_of_a_deleted_group_is_fenced(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim()
    scene.execute("DELETE FROM job_groups WHERE id = :id", id=attempt.group_id)

    with pytest.raises(Fenced):
        scene.complete(attempt, write=Writing(scene))

    assert not is_stored(scene)


def test_two_last_jobs_that_finish_at_once_end_the_run_once_with_exact_counters(scene: Scene) -> None:
    run_id = scene.run("a", "b")
    first, second = scene.claim()

    with ThreadPoolExecutor(1) as pool:
        with scene.database.transaction() as connection:
            ended_by_first = executions.complete(connection, first, uuid4(), Usage(rows=1), nothing, START)
            other = pool.submit(scene.complete, second, usage=Usage(rows=2))
            wait_until_blocked(scene.database)
        ended_by_second = other.result()

    assert (ended_by_first, ended_by_second) == (False, True)
    assert scene.counters(run_id) == ("completed", 2, 2, 0, 0)
    assert scene.one("SELECT rows_written FROM runs WHERE id = :id", id=run_id)[0] == 3


def test_many_jobs_that_finish_in_many_threads_are_counted_exactly(scene: Scene) -> None:
    run_id = scene.run(*(f"job {number}" for number in range(24)))
    attempts = scene.claim()

    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda attempt: scene.complete(attempt, usage=Usage(rows=10)), attempts))

    assert sum(ends) == 1
    assert scene.counters(run_id) == ("completed", 24, 24, 0, 0)
    assert scene.one("SELECT rows_written FROM runs WHERE id = :id", id=run_id)[0] == 240


def test_a_plan_is_not_counted_among_the_jobs_of_its_run(scene: Scene) -> None:
    run_id = scene.run("a", "b")

    assert scene.counters(run_id) == ("running", 2, 0, 0, 0)


def test_a_plan_without_jobs_completes_its_run(scene: Scene) -> None:
    run_id = scene.run()

    assert scene.counters(run_id) == ("completed", 0, 0, 0, 0)


def test_a_plan_that_fails_fails_its_run(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    plan = scene.admit(run_id)

    assert scene.fail(plan, detail="no such scope")

    assert scene.counters(run_id) == ("failed", 1, 0, 1, 0)
    assert scene.one("SELECT error_message FROM runs WHERE id = :id", id=run_id)[0] == "no such scope"


def test_a_charged_retry_waits_and_counts(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()

    assert not scene.fail(attempt, Reason.UPSTREAM, Retry(30, is_charged=True), detail="503")

    job, execution = scene.job(attempt), scene.execution(attempt)
    assert (job.status, job.attempts, job.retry_count, job.due_at, job.last_error) == (
        "pending",
        1,
        1,
        after(30),
        "503",
    )
    assert (execution.status, execution.error_class, execution.reason) == ("failed", "retryable", "upstream")
    assert scene.counters(run_id) == ("running", 1, 0, 0, 0)
    assert scene.claim(now=after(29)) == []
    assert [again.number for again in scene.claim(now=after(30))] == [2]


def test_a_retry_that_is_not_charged_gives_the_attempt_back(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim()

    scene.fail(attempt, Reason.RATE_LIMITED, Retry(1, is_charged=False))

    job = scene.job(attempt)
    assert (job.attempts, job.retry_count, job.error_count) == (0, 0, 0)
    assert [again.number for again in scene.claim(now=after(1))] == [1]


def test_giving_up_ends_the_job_and_its_run(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()

    assert scene.fail(attempt, Reason.INVALID, GiveUp(Reason.INVALID), detail="400")

    job = scene.job(attempt)
    assert (job.status, job.last_error, job.error_count, job.completed_at) == ("failed", "400", 1, START)
    assert scene.counters(run_id) == ("failed", 1, 0, 1, 0)
    assert scene.one("SELECT status, error_count FROM job_groups") == ("failed", 1)


def test_a_run_goes_on_after_a_failed_job_until_the_others_have_ended(scene: Scene) -> None:
    run_id = scene.run("a", "b")
    failing, last = scene.claim()

    assert not scene.fail(failing)
    assert scene.complete(last)

    assert scene.counters(run_id) == ("failed", 2, 1, 1, 0)


def test_a_cancelled_attempt_ends_its_job_and_its_run_as_cancelled(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()

    assert scene.fail(attempt, Reason.CANCELLED)

    assert scene.job(attempt).status == "cancelled"
    assert scene.execution(attempt).status == "cancelled"
    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)


def test_an_orderly_interruption_is_not_called_a_failure(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim()

    scene.fail(attempt, Reason.INTERRUPTED, Retry(0, is_charged=False))

    assert scene.execution(attempt).status == "interrupted"
    assert scene.job(attempt).status == "pending"


def test_nothing_is_tried_again_in_a_run_that_was_cancelled(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()
    scene.do(runs.cancel, run_id, START)

    assert scene.fail(attempt, Reason.NETWORK, Retry(1, is_charged=True))

    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)
    assert scene.claim(now=after(100)) == []


def test_an_attempt_that_fails_while_its_run_is_being_cancelled_is_not_put_back(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim()

    with ThreadPoolExecutor(1) as pool:
        with scene.database.transaction() as cancelling:
            runs.cancel(cancelling, run_id, START)
            failing = pool.submit(scene.fail, attempt, Reason.NETWORK, Retry(1, is_charged=True))
            wait_until_blocked(scene.database)
        assert failing.result()

    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)


def test_a_plan_that_ends_after_its_run_was_cancelled_starts_nothing(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    plan = scene.admit(run_id)
    assert scene.do(runs.cancel, run_id, START) == [plan.lease.job_id]

    assert scene.complete(plan, write=lambda connection: runs.plan(connection, run_id, planned("a")) and None)

    assert scene.counters(run_id) == ("cancelled", 0, 0, 0, 0)
    assert scene.claim() == []


def test_no_character_in_an_error_text_keeps_an_attempt_from_ending(scene: Scene) -> None:
    scene.run("a", "b")
    first, second = scene.claim()

    scene.fail(first, detail="nul \0, half \ud800, " + "long " * 1000)
    scene.fail(second, Reason.UPSTREAM, Retry(1, is_charged=True), detail="\0")

    assert scene.execution(first).error_message.startswith("nul \N{REPLACEMENT CHARACTER}, half ?, long")
    assert len(scene.job(first).last_error) == 2000
    assert scene.job(second).last_error == "\N{REPLACEMENT CHARACTER}"


def test_the_end_of_a_run_ends_its_occurrence(scene: Scene) -> None:
    run_id = scene.run("a")
    scene.execute("INSERT INTO schedules (job_group_id, spec) SELECT job_group_id, '{}' FROM runs")
    scene.execute(
        "INSERT INTO occurrences (schedule_id, due_at, status, run_id) SELECT id, :now, 'pending', :run FROM schedules",
        now=START,
        run=run_id,
    )
    (attempt,) = scene.claim()

    scene.complete(attempt)

    assert scene.one("SELECT status FROM occurrences")[0] == "ran"
