"""Ends attempts: data, coverage, counters and the end itself in one transaction, behind the fence of the lease token.

Locks are always taken in the order group, run, job, execution. A run's row is locked in the mode that lets a claim of
its other jobs go on: a claim refers to it while it holds jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain import failpoints
from moomarkets.domain.errors import Fenced, Reason
from moomarkets.domain.job import PLAN, Attempt, ExecutionStatus, Failed, Usage
from moomarkets.domain.retry import GiveUp, Retry
from moomarkets.store import parallel
from moomarkets.store.datasets import Stored
from moomarkets.store.notify import RUNS, notify
from moomarkets.store.run_locks import LockedRun, lock_run
from moomarkets.store.sql import statement


def complete(
    connection: Connection,
    attempt: Attempt,
    completion_id: UUID,
    usage: Usage,
    write: Callable[[Connection], object],
    now: datetime | None = None,
    *,
    lasted_s: float | None = None,
) -> bool:
    """End the attempt as completed and store what `write` writes, both or neither; returns whether its run ended.

    May be repeated blindly with the same `completion_id` after a lost answer. `lasted_s` is how long its code has run.
    Where `write` returns what was `Stored`, rows that were there already do not count as written.

    Raises:
        Fenced: the lease went to somebody else; the caller's transaction must roll back.
    """
    run, _ = _lock(connection, attempt)
    if not _finish(connection, attempt, ExecutionStatus.COMPLETED, completion_id, usage, None, now, lasted_s):
        return already_ended(connection, attempt, completion_id)
    stored = write(connection)
    if isinstance(stored, Stored):
        usage = replace(usage, written=stored.written)
        _note_written(connection, attempt, usage)
    _end_job(connection, attempt, "completed", None, now)
    run_ended = _count(connection, attempt, run, "completed_jobs", usage, now)
    failpoints.hit("finish_before_commit")
    return run_ended


def fail(
    connection: Connection,
    attempt: Attempt,
    completion_id: UUID,
    failure: Failed,
    verdict: Retry | GiveUp,
    now: datetime | None = None,
    *,
    lasted_s: float | None = None,
) -> bool:
    """End the attempt as failed and put the job where `verdict` says; returns whether its run ended.

    In a run that was cancelled nothing is tried again: the job is cancelled. So is one that was switched off meanwhile.

    Raises:
        Fenced: the lease went to somebody else; nothing is to be recorded.
    """
    run, goes_on = _lock(connection, attempt)
    status = _status(failure)
    if not _finish(connection, attempt, status, completion_id, failure.usage, failure, now, lasted_s):
        return already_ended(connection, attempt, completion_id)
    if isinstance(verdict, Retry) and goes_on:
        _put_back(connection, attempt, run, failure, verdict, now)
        return False
    is_cancelled = failure.reason is Reason.CANCELLED or isinstance(verdict, Retry)
    _end_job(connection, attempt, "cancelled" if is_cancelled else "failed", _text(failure), now)
    if attempt.job_type == PLAN:
        _fail_plan(connection, attempt, failure, now)
    return _count(connection, attempt, run, "cancelled_jobs" if is_cancelled else "failed_jobs", failure.usage, now)


def _note_written(connection: Connection, attempt: Attempt, usage: Usage) -> None:
    """The fence has come before the rows, so that how many of them were new is told afterwards."""
    if usage.rows_written != usage.rows:
        connection.execute(
            text("UPDATE executions SET rows_written = :written WHERE id = :id"),
            {"id": attempt.lease.execution_id, "written": usage.rows_written},
        )


def _lock(connection: Connection, attempt: Attempt) -> tuple[LockedRun | None, bool]:
    """Lock the group, its run, then the job; returns the run, and whether the job may be tried again in it."""
    run = lock_run(connection, attempt.run_id)
    is_enabled = connection.scalar(
        text("SELECT is_enabled FROM jobs WHERE id = :id FOR UPDATE"), {"id": attempt.lease.job_id}
    )
    return run, run is None or bool(is_enabled and not run.is_cancelled)


def _finish(
    connection: Connection,
    attempt: Attempt,
    status: ExecutionStatus,
    completion_id: UUID,
    usage: Usage,
    failure: Failed | None,
    now: datetime | None,
    lasted_s: float | None,
) -> bool:
    ended = connection.execute(
        statement("finish_execution"),
        {
            "now": now,
            "execution_id": attempt.lease.execution_id,
            "token": attempt.lease.token,
            "status": status,
            "completion_id": completion_id,
            "error_class": failure.error_class if failure else None,
            "reason": failure.reason if failure else None,
            "error_message": _storable(failure.detail) if failure else None,
            "requests": usage.requests,
            "bytes": usage.bytes,
            "rows": usage.rows,
            "written": usage.rows_written,
            "pages": usage.pages,
            "lasted_s": lasted_s,
        },
    )
    return ended.first() is not None


def demand_lease(connection: Connection, attempt: Attempt) -> None:
    """Let the caller's transaction commit only while the attempt holds its lease: to be called last in it.

    Raises:
        Fenced: the lease went to somebody else; the transaction must roll back.
    """
    held = connection.execute(
        text("SELECT 1 FROM executions WHERE id = :id AND lease_token = :token AND status = 'running' FOR SHARE"),
        {"id": attempt.lease.execution_id, "token": attempt.lease.token},
    )
    if held.first() is None:
        raise Fenced(f"execution {attempt.lease.execution_id}: its lease went to somebody else")


def already_ended(connection: Connection, attempt: Attempt, completion_id: UUID) -> bool:
    """Whether the first try of this very completion had committed, although its answer was lost; else we are fenced."""
    row = connection.execute(
        text(
            "SELECT executions.completion_id, runs.status FROM executions LEFT JOIN runs ON runs.id = executions.run_id"
            " WHERE executions.id = :id"
        ),
        {"id": attempt.lease.execution_id},
    ).first()
    if row is None or row[0] != completion_id:
        raise Fenced(f"execution {attempt.lease.execution_id}: its lease went to somebody else")
    return row[1] not in (None, "pending", "running")


def _end_job(connection: Connection, attempt: Attempt, status: str, error: str | None, now: datetime | None) -> None:
    connection.execute(
        text(
            """
            UPDATE jobs SET status = :status, completed_at = coalesce(:now, clock_timestamp()), last_error = :error,
                error_count = CASE WHEN CAST(:error AS text) IS NULL THEN 0 ELSE error_count + 1 END, crash_count = 0,
                progress = CASE WHEN :status = 'completed' THEN 100 ELSE progress END,
                updated_at = coalesce(:now, clock_timestamp())
            WHERE id = :id
            """
        ),
        {"id": attempt.lease.job_id, "status": status, "error": error, "now": now},
    )


def _put_back(
    connection: Connection,
    attempt: Attempt,
    run: LockedRun | None,
    failure: Failed,
    verdict: Retry,
    now: datetime | None,
) -> None:
    is_held = _is_limited(attempt, run)
    connection.execute(
        text(
            """
            UPDATE jobs SET status = 'pending', last_error = :error,
                due_at = coalesce(:now, clock_timestamp()) + make_interval(secs => :delay_s),
                next_run_at = coalesce(:now, clock_timestamp()) + make_interval(secs => :delay_s),
                attempts = attempts - :returned, retry_count = retry_count + 1 - :returned, is_held = :is_held,
                error_count = error_count + 1 - :returned,
                last_retry_at = coalesce(:now, clock_timestamp()), updated_at = coalesce(:now, clock_timestamp())
            WHERE id = :id
            """
        ),
        {
            "id": attempt.lease.job_id,
            "error": _text(failure),
            "delay_s": verdict.delay_s,
            "returned": 0 if verdict.is_charged else 1,
            "is_held": is_held,
            "now": now,
        },
    )
    if run is not None and is_held:
        # Whoever is due first takes the place that became free: perhaps this very job.
        parallel.release(connection, run.id, 1, now)


def _fail_plan(connection: Connection, attempt: Attempt, failure: Failed, now: datetime | None) -> None:
    """A plan that failed is the one job of its run that counts, else the run would end as if nothing was to do."""
    connection.execute(
        text(
            """
            UPDATE runs SET planned_at = coalesce(:now, clock_timestamp()), total_jobs = 1,
                error_message = :error
            WHERE id = :id
            """
        ),
        {"id": attempt.run_id, "error": _text(failure), "now": now},
    )


def _is_limited(attempt: Attempt, run: LockedRun | None) -> bool:
    """Whether the attempt's job takes a place under the limit of its group: a plan takes none."""
    return run is not None and run.is_limited and attempt.job_type != PLAN


def _count(
    connection: Connection, attempt: Attempt, run: LockedRun | None, counter: str, usage: Usage, now: datetime | None
) -> bool:
    if run is None:
        return False
    if _is_limited(attempt, run):
        parallel.release(connection, run.id, 1, now)
    counted = 0 if attempt.job_type == PLAN and counter == "completed_jobs" else 1
    return add_ended(connection, run.id, counter, counted, usage, now)


def count_completed(connection: Connection, run_id: int, count: int, usage: Usage, now: datetime | None = None) -> bool:
    """Add so many completed jobs, and what they used together, to a locked run; returns whether that ended it."""
    return add_ended(connection, run_id, "completed_jobs", count, usage, now)


def add_ended(
    connection: Connection,
    run_id: int,
    counter: str,
    count: int,
    usage: Usage | None = None,
    now: datetime | None = None,
) -> bool:
    """Add so many ended jobs to a counter of a locked run, such as `failed_jobs`; returns whether that ended it."""
    usage = usage or Usage()
    connection.execute(
        text(
            f"UPDATE runs SET {counter} = {counter} + :counted, rows_written = rows_written + :written,"  # noqa: S608
            " rows_received = rows_received + :rows, requests = requests + :requests WHERE id = :id"
        ),
        {
            "id": run_id,
            "counted": count,
            "rows": usage.rows,
            "written": usage.rows_written,
            "requests": usage.requests,
        },
    )
    return end_run(connection, run_id, now)


def end_run(connection: Connection, run_id: int, now: datetime | None = None) -> bool:
    """End the run if all its jobs have ended; returns whether it did. The run row must be locked by the caller."""
    has_ended = connection.execute(statement("end_run"), {"run_id": run_id, "now": now}).first() is not None
    if has_ended:
        failpoints.hit("run_finished")
        notify(connection, RUNS)
    return has_ended


def _status(failure: Failed) -> ExecutionStatus:
    if failure.reason is Reason.CANCELLED:
        return ExecutionStatus.CANCELLED
    if failure.reason is Reason.INTERRUPTED:
        return ExecutionStatus.INTERRUPTED
    return ExecutionStatus.FAILED


def _text(failure: Failed) -> str:
    return _storable(failure.detail or failure.reason)


def _storable(words: str) -> str:
    """At most 2,000 characters, without those that Postgres refuses: nothing may keep an attempt from ending."""
    return words[:2000].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
