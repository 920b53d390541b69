"""The limit of how many jobs of a group run at a time: those beyond it are held, and each end lets go of the next.

While any job of a run is held, as many as the limit says are pending or running; never more. All of it happens under
the lock of the run, which whoever ends or puts back a job of it holds anyway.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.domain.job import PLAN
from moomarkets.store.notify import JOBS, notify
from moomarkets.store.sql import statement


def release(connection: Connection, run_id: int, count: int, now: datetime | None = None) -> int:
    """Let go of `count` held jobs, because as many have left their places; returns how many there were."""
    if count <= 0:
        return 0
    released = connection.execute(
        statement("release_held_jobs"), {"run_id": run_id, "count": count, "now": now}
    ).rowcount
    if released:
        notify(connection, JOBS)
    return released


def refill(connection: Connection, run_id: int, now: datetime | None = None) -> int:
    """Count the free places of a limited run and let go of as many held jobs; for rare events, since it counts.

    Those that wait for their next try give up their places first: whoever is due at once comes before them.
    """
    connection.execute(
        text(
            """
            UPDATE jobs SET is_held = true, updated_at = coalesce(:now, clock_timestamp())
            WHERE run_id = :id AND status = 'pending' AND NOT is_held AND job_type <> :plan
              AND due_at > coalesce(:now, clock_timestamp())
            """
        ),
        {"id": run_id, "plan": PLAN, "now": now},
    )
    free = connection.scalar(
        text(
            """
            SELECT (runs.definition ->> 'max_parallel')::int - (
                SELECT count(*) FROM jobs
                WHERE jobs.run_id = runs.id AND jobs.status IN ('pending', 'running') AND NOT jobs.is_held
                  AND jobs.job_type <> :plan)
            FROM runs WHERE runs.id = :id
            """
        ),
        {"id": run_id, "plan": PLAN},
    )
    return release(connection, run_id, free or 0, now)
