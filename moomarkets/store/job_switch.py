"""What a person does to one job: switch it off and on, pause and resume it, cancel it, try it again.

Each of these takes the locks in their order (group, run, job), keeps the counters of the run exact, and ends the run
where nothing of it is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.domain.group import RunStatus
from moomarkets.domain.job import PLAN, JobStatus
from moomarkets.store import parallel, retries
from moomarkets.store.executions import add_ended
from moomarkets.store.notify import JOBS, notify
from moomarkets.store.run_locks import LockedRun, lock_run


@dataclass(frozen=True, slots=True)
class _Locked:
    """The job as it is while its row is ours, with the run that it was last part of."""

    id: int
    status: JobStatus
    is_enabled: bool
    is_held: bool
    is_plan: bool
    is_grouped: bool
    last_run: LockedRun | None

    @property
    def run(self) -> LockedRun | None:
        """The run under way that it belongs to, if any."""
        is_under_way = self.last_run is not None and self.last_run.status is RunStatus.RUNNING
        return self.last_run if is_under_way else None

    @property
    def takes_place(self) -> bool:
        """Whether it takes one of the places of its limited run."""
        is_open = self.status in (JobStatus.PENDING, JobStatus.RUNNING)
        return self.run is not None and self.run.is_limited and is_open and not self.is_held and not self.is_plan


def set_enabled(connection: Connection, job_id: int, is_enabled: bool, now: datetime | None = None) -> None:
    """Switch a job off or on; harmless to repeat.

    Off: while it waits in a run that is under way, it counts as cancelled there. An attempt that runs goes on to its
    end, and is not tried again. On: the next run has it again; a job that stands alone goes on at once.

    Raises:
        NotFound: there is no such job.
        InvalidInput: it is the job that plans its group.
    """
    job = _lock(connection, job_id)
    if job.is_plan and not is_enabled:
        raise InvalidInput("job", "one that does a group's work (switch off its group instead)", job_id)
    if not is_enabled and job.run is not None and job.status in (JobStatus.PENDING, JobStatus.PAUSED):
        _end(connection, job, "switched off", now)
    connection.execute(
        text("UPDATE jobs SET is_enabled = :is_enabled, updated_at = coalesce(:now, clock_timestamp()) WHERE id = :id"),
        {"id": job_id, "is_enabled": is_enabled, "now": now},
    )
    if is_enabled:
        notify(connection, JOBS)


def pause_job(connection: Connection, job_id: int, now: datetime | None = None) -> None:
    """Let a job that waits start nothing until it is resumed; harmless to repeat.

    Raises:
        NotFound: there is no such job.
        Conflict: it does not wait: it runs, or it has ended.
    """
    job = _lock(connection, job_id)
    if job.status is JobStatus.PAUSED:
        return
    if job.status is not JobStatus.PENDING:
        raise Conflict(f"job {job_id}: expected one that waits, got one that is {job.status}")
    _move(connection, job_id, JobStatus.PAUSED, is_held=False, now=now)
    if job.takes_place and job.run is not None:
        parallel.release(connection, job.run.id, 1, now)


def resume_job(connection: Connection, job_id: int, now: datetime | None = None) -> None:
    """Let a paused job go on; one that is not paused is left alone.

    Raises:
        NotFound: there is no such job.
    """
    job = _lock(connection, job_id)
    if job.status is not JobStatus.PAUSED:
        return
    is_limited = job.run is not None and job.run.is_limited and not job.is_plan
    _move(connection, job_id, JobStatus.PENDING, is_held=is_limited, now=now)
    if is_limited and job.run is not None:
        parallel.refill(connection, job.run.id, now)
    notify(connection, JOBS)


def cancel_job(connection: Connection, job_id: int, now: datetime | None = None) -> list[int]:
    """Cancel a job at once; returns its id where an attempt was running, which is to be stopped.

    Wherever that attempt runs, its late result is fenced. A job that has ended is left alone.

    Raises:
        NotFound: there is no such job.
    """
    job = _lock(connection, job_id)
    if job.status not in (JobStatus.PENDING, JobStatus.PAUSED, JobStatus.RUNNING):
        return []
    was_running = job.status is JobStatus.RUNNING
    if was_running:
        _close_execution(connection, job_id, "cancelled", now)
    _end(connection, job, "cancelled", now)
    return [job_id] if was_running else []


def retry_job(connection: Connection, job_id: int, now: datetime | None = None) -> None:
    """Put a job that has ended, or never ran, back to work with fresh retries; its run goes on.

    One that waits becomes due at once, one that runs is left alone.

    Raises:
        NotFound: there is no such job.
        Conflict: it is switched off, or its group has a newer run, or another job has its unique key.
    """
    job = _lock(connection, job_id)
    if job.status is JobStatus.RUNNING:
        return
    if not job.is_enabled:
        raise Conflict(f"job {job_id}: expected one that is switched on, got one that is off; switch it on first")
    if job.status is JobStatus.PENDING:
        _make_due(connection, job, now)
    elif job.status is JobStatus.PAUSED:
        raise Conflict(f"job {job_id}: expected one that has ended, got one that is paused; resume it")
    elif job.is_grouped:
        _retry_in_run(connection, job, now)
    else:
        _retry_alone(connection, job_id, now)


def end_lost(connection: Connection, job_id: int, dead_nodes: Sequence[UUID], now: datetime | None = None) -> bool:
    """Cancel a job that was switched off, if its attempt is still lost now that the rows are locked."""
    job = _lock(connection, job_id)
    is_lost = connection.scalar(
        text(
            """
            SELECT lease_until < coalesce(:now, clock_timestamp()) OR node_id = ANY (:dead_nodes)
            FROM executions WHERE job_id = :id AND status = 'running' FOR UPDATE
            """
        ),
        {"id": job_id, "dead_nodes": list(dead_nodes), "now": now},
    )
    if not is_lost or job.is_enabled or job.status is not JobStatus.RUNNING:
        return False
    _close_execution(connection, job_id, "interrupted", now)
    _end(connection, job, "switched off", now)
    return True


def _lock(connection: Connection, job_id: int) -> _Locked:
    run_id = connection.scalar(text("SELECT run_id FROM jobs WHERE id = :id"), {"id": job_id})
    run = lock_run(connection, run_id)
    row = connection.execute(
        text(
            "SELECT status, is_enabled, is_held, job_type, run_id, job_group_id IS NOT NULL AS is_grouped"
            " FROM jobs WHERE id = :id FOR UPDATE"
        ),
        {"id": job_id},
    ).first()
    if row is None:
        raise NotFound("job", job_id)
    if row.run_id != run_id:
        raise Conflict(f"job {job_id}: expected one that stays in its run, got one that a new run has just taken")
    return _Locked(
        job_id, JobStatus(row.status), row.is_enabled, row.is_held, row.job_type == PLAN, row.is_grouped, run
    )


def _make_due(connection: Connection, job: _Locked, now: datetime | None) -> None:
    connection.execute(
        text(
            "UPDATE jobs SET due_at = least(due_at, coalesce(:now, clock_timestamp())),"
            " updated_at = coalesce(:now, clock_timestamp()) WHERE id = :id"
        ),
        {"id": job.id, "now": now},
    )
    if job.is_held and job.run is not None:
        parallel.refill(connection, job.run.id, now)
    notify(connection, JOBS)


def _retry_in_run(connection: Connection, job: _Locked, now: datetime | None) -> None:
    run = job.last_run
    if run is None or run.status is RunStatus.PENDING or not retries.is_newest(connection, run):
        raise Conflict(f"job {job.id}: expected one of its group's newest run, got one of an older; run the group")
    if job.is_plan and job.status is JobStatus.COMPLETED:
        raise Conflict(f"job {job.id}: expected one that failed, got a plan that completed; run the group")
    retries.reopen(connection, run, [job.id], now)


def _retry_alone(connection: Connection, job_id: int, now: datetime | None) -> None:
    try:
        retried = _reopen_alone(connection, job_id, now)
    except IntegrityError:
        # Somebody has stored a job with that key at this very moment.
        retried = False
    if not retried:
        raise Conflict(f"job {job_id}: expected a unique key that is free, got one that another open job has")
    notify(connection, JOBS)


def _reopen_alone(connection: Connection, job_id: int, now: datetime | None) -> bool:
    reopened = connection.execute(
        text(
            """
            UPDATE jobs
            SET status = 'pending', attempts = 0, retry_count = 0, crash_count = 0, progress = 0, completed_at = NULL,
                due_at = coalesce(:now, clock_timestamp()), next_run_at = NULL,
                deadline_at = CASE WHEN deadline_at > coalesce(:now, clock_timestamp()) THEN deadline_at END,
                updated_at = coalesce(:now, clock_timestamp())
            WHERE id = :id AND (unique_key IS NULL OR NOT EXISTS (
                SELECT FROM jobs AS same
                WHERE same.user_id = jobs.user_id AND same.job_type = jobs.job_type
                  AND same.unique_key = jobs.unique_key AND same.status IN ('pending', 'running', 'paused')))
            """
        ),
        {"id": job_id, "now": now},
    )
    return bool(reopened.rowcount)


def _end(connection: Connection, job: _Locked, why: str, now: datetime | None) -> None:
    """Cancel the job, count it, and let the next one have its place."""
    _move(connection, job.id, JobStatus.CANCELLED, is_held=False, now=now, why=why)
    if job.run is None:
        return
    if job.takes_place:
        parallel.release(connection, job.run.id, 1, now)
    if job.is_plan:
        # The run was never planned: its plan is the one job of it that counts.
        connection.execute(
            text(
                "UPDATE runs SET total_jobs = 1, planned_at = coalesce(:now, clock_timestamp()),"
                " error_message = 'its plan was cancelled' WHERE id = :id"
            ),
            {"id": job.run.id, "now": now},
        )
    add_ended(connection, job.run.id, "cancelled_jobs", 1, now=now)


def _move(
    connection: Connection,
    job_id: int,
    status: JobStatus,
    *,
    is_held: bool,
    now: datetime | None,
    why: str | None = None,
) -> None:
    connection.execute(
        text(
            """
            UPDATE jobs SET status = :status, is_held = :is_held, updated_at = coalesce(:now, clock_timestamp()),
                lease_token = lease_token + 1, last_error = coalesce(:why, last_error),
                completed_at = CASE WHEN :status = 'cancelled' THEN coalesce(:now, clock_timestamp())
                                    ELSE completed_at END
            WHERE id = :id
            """
        ),
        {"id": job_id, "status": status, "is_held": is_held, "now": now, "why": why},
    )


def _close_execution(connection: Connection, job_id: int, status: str, now: datetime | None) -> None:
    """End the running attempt from outside: whoever works on it finds its lease gone."""
    connection.execute(
        text(
            """
            UPDATE executions SET status = :status, reason = :status, error_message = :message,
                error_class = CASE WHEN :status = 'cancelled' THEN 'non_retryable' ELSE 'retryable' END,
                completed_at = coalesce(:now, clock_timestamp()), updated_at = coalesce(:now, clock_timestamp())
            WHERE job_id = :id AND status = 'running'
            """
        ),
        {
            "id": job_id,
            "status": status,
            "message": "cancelled" if status == "cancelled" else "the process that ran it died or lost its lease",
            "now": now,
        },
    )
