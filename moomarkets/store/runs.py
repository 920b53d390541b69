"""Runs: one pass of a group, from the request over its plan to its last job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain.dependencies import WaitingRun
from moomarkets.domain.group import RunKind, RunStatus
from moomarkets.domain.job import PLAN, PlannedJob
from moomarkets.store.executions import end_run
from moomarkets.store.notify import JOBS, RUNS, notify


def request(
    connection: Connection, group_id: int, creation_key: UUID, kind: RunKind, now: datetime | None = None
) -> tuple[int, bool]:
    """Ask for a run of the group; returns (run id, whether it is new).

    A group has at most one run that is pending or running: a second request is answered with that one.
    """
    created = connection.scalar(
        text(
            """
            INSERT INTO runs (job_group_id, creation_key, kind, requested_at)
            VALUES (:group_id, :creation_key, :kind, coalesce(:now, clock_timestamp()))
            ON CONFLICT DO NOTHING RETURNING id
            """
        ),
        {"group_id": group_id, "creation_key": creation_key, "kind": kind, "now": now},
    )
    if created is not None:
        _mark_group(connection, group_id, "pending")
        notify(connection, RUNS)
        return created, True
    existing = connection.scalar(
        text(
            """
            SELECT id FROM runs
            WHERE creation_key = :creation_key
               OR job_group_id = :group_id AND status IN ('pending', 'running')
            ORDER BY creation_key = :creation_key DESC LIMIT 1
            """
        ),
        {"group_id": group_id, "creation_key": creation_key},
    )
    if existing is None:
        # The run that stood in the way has ended since the insert looked: ask again.
        return request(connection, group_id, creation_key, kind, now)
    return existing, False


def waiting(connection: Connection) -> list[WaitingRun]:
    """The pending runs with all that decides whether they may start."""
    rows = connection.execute(
        text(
            """
            SELECT runs.id, job_groups.name, job_groups.status = 'paused' AS is_paused, runs.blocked_by,
                   data_sources.code, data_sources.is_enabled,
                   coalesce((data_sources.config ->> 'needs_credential')::boolean, false) AND NOT EXISTS (
                       SELECT 1 FROM data_source_credentials AS held
                       WHERE held.data_source_id = data_sources.id AND held.user_id = job_groups.user_id
                   ) AS credential_is_missing,
                   (SELECT coalesce(jsonb_object_agg(above.name, newest.status), '{}')
                    FROM job_group_dependencies JOIN job_groups AS above ON above.id = depends_on_id
                    LEFT JOIN LATERAL (SELECT upstream.status FROM runs AS upstream
                                       WHERE upstream.job_group_id = above.id
                                       ORDER BY upstream.id DESC LIMIT 1) AS newest ON true
                    WHERE job_group_dependencies.job_group_id = job_groups.id) AS upstream
            FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id
            JOIN data_sources ON data_sources.id = job_groups.data_source_id
            WHERE runs.status = 'pending' ORDER BY runs.id
            """
        )
    )
    return [
        WaitingRun(
            run_id=row.id,
            group=row.name,
            is_paused=row.is_paused,
            source=row.code,
            source_is_enabled=row.is_enabled,
            credential_is_missing=row.credential_is_missing,
            upstream={
                group: RunStatus(status) if status is not None else None for group, status in row.upstream.items()
            },
            blocked_by=row.blocked_by,
        )
        for row in rows
    ]


def admit(connection: Connection, run_id: int, now: datetime | None = None) -> bool:
    """Start a pending run with the job that plans it; false when another node was quicker."""
    group_id = connection.scalar(
        text(
            """
            UPDATE runs SET status = 'running', blocked_by = NULL, started_at = coalesce(:now, clock_timestamp())
            WHERE id = :id AND status = 'pending' RETURNING job_group_id
            """
        ),
        {"id": run_id, "now": now},
    )
    if group_id is None:
        return False
    _mark_group(connection, group_id, "running")
    _insert_jobs(connection, run_id, group_id, [PlannedJob(PLAN, PLAN, "plan", {})], now)
    notify(connection, JOBS)
    return True


def block(connection: Connection, run_id: int, blocked_by: str) -> None:
    """Record what a pending run waits for."""
    connection.execute(
        text("UPDATE runs SET blocked_by = :blocked_by WHERE id = :id AND status = 'pending'"),
        {"id": run_id, "blocked_by": blocked_by},
    )


def plan(connection: Connection, run_id: int, jobs: Sequence[PlannedJob], now: datetime | None = None) -> int:
    """Give the run its child jobs; returns how many of them are switched on and so count.

    Standing jobs of the group are used again under their key, with their own priority and switch. A run that was
    cancelled while it was planned gets none.
    """
    group_id, is_cancelled = connection.execute(
        text("SELECT job_group_id, cancel_requested_at IS NOT NULL FROM runs WHERE id = :id FOR NO KEY UPDATE"),
        {"id": run_id},
    ).one()
    enabled = _insert_jobs(connection, run_id, group_id, jobs, now) if jobs and not is_cancelled else 0
    connection.execute(
        text("UPDATE runs SET planned_at = coalesce(:now, clock_timestamp()), total_jobs = :total WHERE id = :id"),
        {"id": run_id, "total": enabled, "now": now},
    )
    if enabled:
        notify(connection, JOBS)
    return enabled


def active(connection: Connection, group_id: int) -> int | None:
    """The group's run that is pending or running; None where there is none."""
    found: int | None = connection.scalar(
        text("SELECT id FROM runs WHERE job_group_id = :id AND status IN ('pending', 'running')"),
        {"id": group_id},
    )
    return found


def cancel(connection: Connection, run_id: int, now: datetime | None = None) -> list[int]:
    """Cancel a run: its pending jobs end at once; returns the ids of the jobs that are still running.

    Those end by their own attempts, and the run with the last of them.
    """
    connection.execute(text("SELECT 1 FROM runs WHERE id = :id FOR NO KEY UPDATE"), {"id": run_id})
    ended = connection.execute(
        text(
            """
            UPDATE jobs SET status = 'cancelled', completed_at = coalesce(:now, clock_timestamp()),
                last_error = 'cancelled', updated_at = coalesce(:now, clock_timestamp())
            WHERE run_id = :id AND status = 'pending' AND is_enabled RETURNING id
            """
        ),
        {"id": run_id, "now": now},
    ).rowcount
    connection.execute(
        text(
            """
            UPDATE runs SET cancelled_jobs = cancelled_jobs + :ended, status = 'running', blocked_by = NULL,
                total_jobs = greatest(total_jobs, :ended),
                planned_at = coalesce(planned_at, :now, clock_timestamp()),
                cancel_requested_at = coalesce(cancel_requested_at, :now, clock_timestamp()),
                error_message = 'cancelled'
            WHERE id = :id AND status IN ('pending', 'running')
            """
        ),
        {"id": run_id, "ended": ended, "now": now},
    )
    running = connection.execute(
        text("SELECT id FROM jobs WHERE run_id = :id AND status = 'running'"), {"id": run_id}
    ).scalars()
    still_running = list(running)
    if not still_running:
        end_run(connection, run_id, now)
    return still_running


def _mark_group(connection: Connection, group_id: int, status: str) -> None:
    connection.execute(
        text(
            "UPDATE job_groups SET status = :status, updated_at = clock_timestamp()"
            " WHERE id = :id AND status <> 'paused'"
        ),
        {"id": group_id, "status": status},
    )


def _insert_jobs(
    connection: Connection, run_id: int, group_id: int, jobs: Sequence[PlannedJob], now: datetime | None
) -> int:
    rows = connection.execute(
        text(
            """
            INSERT INTO jobs (job_group_id, run_id, key, job_type, name, symbol, parameters, priority, max_retries,
                              retry_delay, status, due_at)
            SELECT job_groups.id, :run_id, planned.key, planned.job_type, planned.name, planned.symbol,
                   planned.parameters, job_groups.priority, job_groups.max_retries, job_groups.retry_delay,
                   'pending', coalesce(:now, clock_timestamp())
            FROM job_groups, jsonb_to_recordset(CAST(:jobs AS jsonb))
                 AS planned (key text, job_type text, name text, symbol text, parameters jsonb)
            WHERE job_groups.id = :group_id
            ON CONFLICT (job_group_id, key) DO UPDATE
            SET run_id = excluded.run_id, status = 'pending', parameters = excluded.parameters, attempts = 0,
                retry_count = 0, crash_count = 0, due_at = excluded.due_at, completed_at = NULL,
                updated_at = coalesce(:now, clock_timestamp())
            WHERE jobs.status <> 'running'
            RETURNING is_enabled
            """
        ),
        {
            "run_id": run_id,
            "group_id": group_id,
            "now": now,
            "jobs": json.dumps(
                [
                    {
                        "key": job.key,
                        "job_type": job.job_type,
                        "name": job.name,
                        "symbol": job.symbol,
                        "parameters": job.parameters,
                    }
                    for job in jobs
                ]
            ),
        },
    )
    return sum(rows.scalars())
