"""Puts ended jobs back to work, with their runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from moomarkets.domain.errors import Conflict, ErrorClass, Reason
from moomarkets.domain.group import RunStatus
from moomarkets.domain.job import PLAN, JobStatus
from moomarkets.store import parallel
from moomarkets.store.deadlines import EXPIRED
from moomarkets.store.notify import JOBS, notify
from moomarkets.store.run_locks import LockedRun, lock_runs
from moomarkets.store.sql import statement


def retry_failed(
    connection: Connection,
    user_id: int,
    group: str | None,
    now: datetime | None = None,
    *,
    error_class: ErrorClass | None = None,
    reason: Reason | None = None,
) -> int:
    """Make failed jobs pending again, with fresh retries; returns how many.

    Those are the jobs of the newest run of the group, or of every group and those that stand alone where it is None;
    narrowed to what their last attempt failed with. Their runs go on: a run that had ended counts those jobs as open
    again. A group that has another run under way or waiting is left alone: that run looks after whatever is missing.
    """
    narrowed: dict[str, object] = {"reason": reason, "error_class": error_class}
    candidates = connection.execute(
        statement("read_repairable_runs"), {"user_id": user_id, "job_group": group}
    ).scalars()
    locked = lock_runs(connection, candidates.all())
    count = sum(_retry_run(connection, run, narrowed, now) for run in locked.values())
    return count if group is not None else count + _retry_alone(connection, {**narrowed, "user_id": user_id}, now)


def reopen(connection: Connection, run: LockedRun, job_ids: Sequence[int], now: datetime | None = None) -> int:
    """Put these ended jobs of a locked run back to work, and have the run go on; returns how many there were."""
    was = connection.execute(
        statement("reopen_jobs"),
        {"ids": list(job_ids), "run_id": run.id, "is_limited": run.is_limited, "plan": PLAN, "now": now},
    ).all()
    if not was:
        return 0
    is_plan = any(row.job_type == PLAN for row in was)
    ended = Counter(JobStatus(row.status) for row in was)
    connection.execute(
        text(
            """
            UPDATE runs SET status = 'running', completed_at = NULL, cancel_requested_at = NULL, error_message = NULL,
                completed_jobs = completed_jobs - :completed, failed_jobs = failed_jobs - :failed,
                cancelled_jobs = cancelled_jobs - :cancelled,
                planned_at = CASE WHEN :is_plan THEN NULL ELSE planned_at END,
                total_jobs = CASE WHEN :is_plan THEN 0 ELSE total_jobs END
            WHERE id = :run_id
            """
        ),
        {
            "run_id": run.id,
            "is_plan": is_plan,
            "completed": ended[JobStatus.COMPLETED],
            "failed": ended[JobStatus.FAILED],
            "cancelled": ended[JobStatus.CANCELLED],
        },
    )
    connection.execute(
        text(
            "UPDATE job_groups SET status = 'running', updated_at = coalesce(:now, clock_timestamp())"
            " WHERE id = :id AND status IN ('idle', 'completed', 'failed')"
        ),
        {"id": run.group_id, "now": now},
    )
    if run.is_limited:
        parallel.refill(connection, run.id, now)
    notify(connection, JOBS)
    return len(was)


def is_newest(connection: Connection, run: LockedRun) -> bool:
    """Whether no other run of its group is under way, waits, or has started after this one; the run is locked."""
    other = connection.scalar(
        text(
            """
            SELECT 1 FROM runs WHERE job_group_id = :group_id AND id <> :id
              AND (status IN ('pending', 'running') OR id > :id AND started_at IS NOT NULL) LIMIT 1
            """
        ),
        {"group_id": run.group_id, "id": run.id},
    )
    return other is None


def _retry_run(connection: Connection, run: LockedRun, narrowed: dict[str, object], now: datetime | None) -> int:
    # Looked at again, now that nobody can ask for another run of the group.
    if run.status in (RunStatus.PENDING, RunStatus.SKIPPED) or not is_newest(connection, run):
        return 0
    failed = connection.execute(statement("read_failed_jobs"), {"run_id": run.id, **narrowed}).scalars()
    return reopen(connection, run, failed.all(), now)


def _retry_alone(connection: Connection, narrowed: dict[str, object], now: datetime | None) -> int:
    values = {"expired": EXPIRED, "now": now, **narrowed}
    try:
        retried = connection.execute(statement("retry_lone_jobs"), values).rowcount
    except IntegrityError as error:
        raise Conflict(
            "jobs: expected unique keys that are free, got one that has just been taken; try again"
        ) from error
    if retried:
        notify(connection, JOBS)
    return retried
