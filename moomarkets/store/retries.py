"""Puts failed jobs back to work, with their runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.domain.job import PLAN
from moomarkets.store.notify import JOBS, notify


def retry_failed(connection: Connection, user_id: int, group: str | None, now: datetime | None = None) -> int:
    """Make the failed jobs of the newest runs pending again, with fresh retries; returns how many.

    Their runs go on: a run that had ended counts those jobs as open again. Runs are locked in the order of their ids.
    A group that has a newer run under way is left alone: that run looks after whatever is missing.
    """
    runs = connection.execute(
        text(
            """
            SELECT runs.id, runs.job_group_id FROM runs
            JOIN job_groups ON job_groups.id = runs.job_group_id
            WHERE job_groups.user_id = :user_id AND (CAST(:job_group AS text) IS NULL OR job_groups.name = :job_group)
              AND runs.failed_jobs > 0
              AND runs.id = (SELECT max(newest.id) FROM runs AS newest WHERE newest.job_group_id = job_groups.id)
            ORDER BY runs.id FOR NO KEY UPDATE OF runs
            """
        ),
        {"user_id": user_id, "job_group": group},
    ).all()
    return sum(_retry_run(connection, run.id, run.job_group_id, now) for run in runs)


def _retry_run(connection: Connection, run_id: int, group_id: int, now: datetime | None) -> int:
    put_back = connection.execute(
        text(
            """
            UPDATE jobs SET status = 'pending', attempts = 0, retry_count = 0, crash_count = 0,
                due_at = coalesce(:now, clock_timestamp()), completed_at = NULL,
                updated_at = coalesce(:now, clock_timestamp())
            WHERE run_id = :run_id AND status = 'failed' AND is_enabled RETURNING job_type
            """
        ),
        {"run_id": run_id, "now": now},
    ).scalars()
    job_types = list(put_back)
    if not job_types:
        return 0
    is_plan = PLAN in job_types
    connection.execute(
        text(
            """
            UPDATE runs SET status = 'running', completed_at = NULL, cancel_requested_at = NULL,
                error_message = NULL, failed_jobs = failed_jobs - :count,
                planned_at = CASE WHEN :is_plan THEN NULL ELSE planned_at END,
                total_jobs = CASE WHEN :is_plan THEN 0 ELSE total_jobs END
            WHERE id = :run_id
            """
        ),
        {"run_id": run_id, "count": len(job_types), "is_plan": is_plan},
    )
    connection.execute(
        text("UPDATE job_groups SET status = 'running' WHERE id = :id AND status <> 'paused'"),
        {"id": group_id},
    )
    notify(connection, JOBS)
    return len(job_types)
