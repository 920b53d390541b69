"""Takes back what dead or frozen processes held, by proof and never by age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.store import runs
from moomarkets.store.executions import end_run
from moomarkets.store.notify import JOBS, notify
from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class Rescued:
    """An execution that was taken back; `crash_count` is how often its job has lost its process now."""

    execution_id: int
    job_id: int
    run_id: int | None
    crash_count: int


def overdue(connection: Connection, now: datetime | None = None) -> set[int]:
    """The running executions whose lease is over; one look, a rescue needs two."""
    rows = connection.execute(
        text(
            "SELECT id FROM executions WHERE status = 'running'"
            " AND lease_until < coalesce(:now, clock_timestamp()) ORDER BY id LIMIT 5000"
        ),
        {"now": now},
    )
    return set(rows.scalars())


def rescue(
    connection: Connection, seen: Sequence[int], dead_nodes: Sequence[UUID], now: datetime | None = None
) -> list[Rescued]:
    """Put the jobs of those executions back, fenced, if their lease is still over or their node is proven dead.

    The first time at once, later with growing waits. Jobs of a run that was cancelled are cancelled instead.
    """
    rows = connection.execute(
        statement("rescue_executions"), {"seen": list(seen), "dead_nodes": list(dead_nodes), "now": now}
    )
    rescued = [Rescued(*row) for row in rows]
    if rescued:
        _end_cancelled(connection, rescued, now)
        notify(connection, JOBS)
    return rescued


def give_up(connection: Connection, rescued: Rescued, now: datetime | None = None) -> bool:
    """End a job that lost its process too often as failed with reason `crashed`; returns whether its run ended."""
    if rescued.run_id is not None:
        connection.execute(text("SELECT 1 FROM runs WHERE id = :id FOR NO KEY UPDATE"), {"id": rescued.run_id})
    parked = connection.execute(
        text(
            """
            UPDATE jobs SET status = 'failed', completed_at = coalesce(:now, clock_timestamp()),
                error_count = error_count + 1, last_error = 'crashed: its process died ' || crash_count || ' times',
                updated_at = coalesce(:now, clock_timestamp())
            WHERE id = :id AND status = 'pending' AND crash_count >= :crash_count
            RETURNING id
            """
        ),
        {"id": rescued.job_id, "crash_count": rescued.crash_count, "now": now},
    ).first()
    if parked is None:
        return False
    connection.execute(text("UPDATE executions SET reason = 'crashed' WHERE id = :id"), {"id": rescued.execution_id})
    if rescued.run_id is None:
        return False
    connection.execute(
        text(
            "UPDATE runs SET failed_jobs = failed_jobs + 1, total_jobs = greatest(total_jobs, 1),"
            " planned_at = coalesce(planned_at, :now, clock_timestamp()) WHERE id = :id"
        ),
        {"id": rescued.run_id, "now": now},
    )
    return end_run(connection, rescued.run_id, now)


def _end_cancelled(connection: Connection, rescued: Sequence[Rescued], now: datetime | None) -> None:
    """Cancel what is left of cancelled runs."""
    # Against the order of locks (the jobs are locked already), hence without waiting for a run that somebody holds.
    cancelled = connection.execute(
        text(
            "SELECT id FROM runs WHERE id = ANY (:ids) AND status = 'running' AND cancel_requested_at IS NOT NULL"
            " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
        ),
        {"ids": [orphan.run_id for orphan in rescued if orphan.run_id is not None]},
    )
    for run_id in cancelled.scalars().all():
        runs.cancel(connection, run_id, now)
