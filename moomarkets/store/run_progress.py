"""Reads how far a run has come: its counters, what its waiting jobs wait for, and when its newest jobs ended."""

from __future__ import annotations

from sqlalchemy import Connection, text

from moomarkets.domain.eta import RECENT, RunProgress, remaining_s
from moomarkets.store.sql import statement

_ENDED = """
    SELECT extract(epoch FROM clock_timestamp() - completed_at)::float8 FROM jobs
    WHERE run_id = :run_id AND status IN ('completed', 'failed', 'cancelled') AND job_type <> 'plan_group'
    ORDER BY completed_at DESC LIMIT :recent
"""


def progress(connection: Connection, user_id: int | None, run_id: int) -> RunProgress | None:
    """How far the run has come; None where there is none, or it is another user's."""
    row = connection.execute(statement("read_run_progress"), {"user_id": user_id, "run_id": run_id}).first()
    if row is None:
        return None
    total = max(row.total_jobs, row.completed_jobs + row.failed_jobs + row.cancelled_jobs)
    left = total - row.completed_jobs - row.failed_jobs - row.cancelled_jobs
    waiting = {reason: count for reason, count in row.waiting.items() if count}
    eta_s = None
    if row.status == "running" and row.planned_s_ago is not None and row.obstacle is None and not row.resting_jobs:
        ended = connection.execute(text(_ENDED), {"run_id": run_id, "recent": RECENT}).scalars().all()
        eta_s = remaining_s(left, ended, row.planned_s_ago, max(row.last_due_in_s or 0.0, 0.0))
    return RunProgress(
        run_id=run_id,
        group=row.job_group,
        status=row.status,
        for_on=row.for_on,
        total=total,
        completed=row.completed_jobs,
        failed=row.failed_jobs,
        cancelled=row.cancelled_jobs,
        running=row.running_jobs,
        waiting=waiting,
        blocked_by=row.blocked_by or row.obstacle,
        eta_s=eta_s,
        at=row.at,
    )
