"""Reads what a face shows of single jobs."""

from __future__ import annotations

from sqlalchemy import Connection, text

from moomarkets.store.deadlines import EXPIRED
from moomarkets.store.reports import Record


def job(connection: Connection, user_id: int, job_id: int) -> Record | None:
    """The row of the user's job, as `v_jobs` has it; None: no such job."""
    found = connection.execute(
        text("SELECT * FROM v_jobs WHERE id = :id AND user_id = :user_id"), {"id": job_id, "user_id": user_id}
    )
    row = found.mappings().first()
    return None if row is None else dict(row)


def attempts(connection: Connection, job_id: int, limit: int) -> list[Record]:
    """The job's newest attempts, oldest of them first, as `v_executions` has them."""
    found = connection.execute(
        text("SELECT * FROM v_executions WHERE job_id = :id ORDER BY id DESC LIMIT :limit"),
        {"id": job_id, "limit": limit},
    )
    return [dict(row) for row in reversed(found.mappings().all())]


def failed(
    connection: Connection,
    user_id: int,
    *,
    group: str | None,
    error_class: str | None,
    reason: str | None,
    limit: int,
) -> list[Record]:
    """The user's failed jobs, newest change first, narrowed to a group and to what their last attempt failed with."""
    found = connection.execute(
        text(
            """
            SELECT v_jobs.*, newest.error_class, newest.reason
            FROM v_jobs
            LEFT JOIN LATERAL (
                SELECT 'retryable' AS error_class, 'timed_out' AS reason WHERE v_jobs.last_error = :expired
              UNION ALL
                (SELECT error_class, reason FROM executions
                 WHERE executions.job_id = v_jobs.id AND v_jobs.last_error IS DISTINCT FROM :expired
                 ORDER BY id DESC LIMIT 1)
            ) AS newest ON true
            WHERE user_id = :user_id AND status = 'failed'
              AND (CAST(:job_group AS text) IS NULL OR job_group = :job_group)
              AND (CAST(:error_class AS text) IS NULL OR newest.error_class = :error_class)
              AND (CAST(:reason AS text) IS NULL OR newest.reason = :reason)
            ORDER BY updated_at DESC, id DESC LIMIT :limit
            """
        ),
        {
            "user_id": user_id,
            "job_group": group,
            "error_class": error_class,
            "reason": reason,
            "expired": EXPIRED,
            "limit": limit,
        },
    )
    return [dict(row) for row in found.mappings()]
