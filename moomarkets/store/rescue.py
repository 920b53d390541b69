"""Takes back what dead or frozen processes held, by proof and never by age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain import failpoints
from moomarkets.domain.job import PLAN
from moomarkets.domain.retry import CRASH_LIMIT
from moomarkets.store import job_switch, parallel, runs
from moomarkets.store.executions import end_run
from moomarkets.store.notify import JOBS, notify
from moomarkets.store.run_locks import lock_run
from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class Rescued:
    """An execution that was taken back; `crash_count` is how often its job has lost its process now.

    `crash_limit` is how many deaths its job may bear; None: as the settings say.
    """

    execution_id: int
    job_id: int
    run_id: int | None
    crash_count: int
    crash_limit: int | None = None


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
    connection: Connection,
    seen: Sequence[int],
    dead_nodes: Sequence[UUID],
    now: datetime | None = None,
    *,
    crash_limit: int = CRASH_LIMIT,
) -> list[Rescued]:
    """Put the jobs of those executions back, fenced, if their lease is still over or their node is proven dead.

    The first time at once, later with growing waits. A job that has reached its limit, which is `crash_limit` unless it
    has one of its own, waits for a minute, in which the caller gives it up. Jobs of a run that was cancelled, and those
    that were switched off meanwhile, are cancelled instead.
    """
    disabled = _end_disabled(connection, seen, dead_nodes, now)
    rows = connection.execute(
        statement("rescue_executions"),
        {"seen": list(seen), "dead_nodes": list(dead_nodes), "crash_limit": crash_limit, "now": now},
    )
    rescued = [Rescued(*row) for row in rows]
    if rescued:
        _end_cancelled(connection, rescued, now)
        failpoints.hit("rescue_before_commit")
        notify(connection, JOBS)
    return [*disabled, *rescued]


def give_up(connection: Connection, rescued: Rescued, now: datetime | None = None) -> bool:
    """End a job that lost its process too often as failed with reason `crashed`; returns whether its run ended."""
    run = lock_run(connection, rescued.run_id)
    parked = connection.execute(
        text(
            """
            UPDATE jobs SET status = 'failed', completed_at = coalesce(:now, clock_timestamp()),
                error_count = error_count + 1, last_error = 'crashed: its process died ' || crash_count || ' times',
                updated_at = coalesce(:now, clock_timestamp())
            WHERE id = :id AND status = 'pending' AND crash_count >= :crash_count
            RETURNING job_type
            """
        ),
        {"id": rescued.job_id, "crash_count": rescued.crash_count, "now": now},
    ).first()
    if parked is None:
        return False
    connection.execute(text("UPDATE executions SET reason = 'crashed' WHERE id = :id"), {"id": rescued.execution_id})
    if run is None:
        return False
    if run.is_limited and parked.job_type != PLAN:
        parallel.release(connection, run.id, 1, now)
    connection.execute(
        text(
            "UPDATE runs SET failed_jobs = failed_jobs + 1, total_jobs = greatest(total_jobs, 1),"
            " planned_at = coalesce(planned_at, :now, clock_timestamp()) WHERE id = :id"
        ),
        {"id": run.id, "now": now},
    )
    return end_run(connection, run.id, now)


def _end_cancelled(connection: Connection, rescued: Sequence[Rescued], now: datetime | None) -> None:
    """Cancel what is left of cancelled runs."""
    # Against the order of locks (the jobs are locked already), hence without waiting for a run that somebody holds.
    cancelled = connection.execute(
        text(
            "SELECT runs.id FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id"
            " WHERE runs.id = ANY (:ids) AND runs.status = 'running' AND runs.cancel_requested_at IS NOT NULL"
            " ORDER BY runs.id FOR NO KEY UPDATE OF job_groups, runs SKIP LOCKED"
        ),
        {"ids": [orphan.run_id for orphan in rescued if orphan.run_id is not None]},
    )
    for run_id in cancelled.scalars().all():
        runs.cancel(connection, run_id, now)


def _end_disabled(
    connection: Connection, seen: Sequence[int], dead_nodes: Sequence[UUID], now: datetime | None
) -> list[Rescued]:
    """Cancel the jobs of running runs that were switched off while an attempt of theirs was under way, and is lost now.

    Nobody would ever claim them again, and their runs would never end.
    """
    lost = connection.execute(
        text(
            """
            SELECT executions.id, executions.job_id, executions.run_id
            FROM executions JOIN jobs ON jobs.id = executions.job_id
            WHERE executions.status = 'running' AND NOT jobs.is_enabled AND executions.run_id IS NOT NULL
              AND (executions.id = ANY (:seen) AND executions.lease_until < coalesce(:now, clock_timestamp())
                   OR executions.node_id = ANY (:dead_nodes))
            ORDER BY executions.run_id, executions.job_id LIMIT 500
            """
        ),
        {"seen": list(seen), "dead_nodes": list(dead_nodes), "now": now},
    ).all()
    return [
        Rescued(row.id, row.job_id, row.run_id, crash_count=0)
        for row in lost
        if job_switch.end_lost(connection, row.job_id, list(dead_nodes), now)
    ]
