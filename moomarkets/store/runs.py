"""Runs: one pass of a group, from the request over its plan to its last job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain import failpoints
from moomarkets.domain.dependencies import Upstream, WaitingRun
from moomarkets.domain.group import Match, OnFailure, RunKind, RunStatus
from moomarkets.domain.job import PLAN, PlannedJob
from moomarkets.domain.run_date import local_date
from moomarkets.store import parallel
from moomarkets.store.executions import end_run
from moomarkets.store.notify import JOBS, RUNS, notify
from moomarkets.store.run_locks import lock_run
from moomarkets.store.sql import statement


def request(
    connection: Connection,
    group_id: int,
    creation_key: UUID,
    kind: RunKind,
    now: datetime | None = None,
    *,
    for_on: date | None = None,
    due_at: datetime | None = None,
) -> tuple[int, bool]:
    """Ask for a run of the group; returns (run id, whether it is new). Locks the group.

    A manual request is answered with the manual run that waits already, or with whichever run is under way, unless that
    is being cancelled. A scheduled one always gets a run of its own, `due_at` then and about the date `for_on`. Without
    one the run is about today, by the clock of the group's schedule.
    """
    connection.execute(text("SELECT 1 FROM job_groups WHERE id = :id FOR NO KEY UPDATE"), {"id": group_id})
    existing = connection.scalar(
        text(
            """
            SELECT id FROM runs
            WHERE creation_key = :creation_key
               OR :is_manual AND job_group_id = :group_id
                  AND (status = 'running' AND cancel_requested_at IS NULL OR status = 'pending' AND kind = 'manual')
            ORDER BY creation_key = :creation_key DESC, status DESC, id LIMIT 1
            """
        ),
        {"group_id": group_id, "creation_key": creation_key, "is_manual": kind is RunKind.MANUAL},
    )
    if existing is not None:
        return existing, False
    created: int = connection.execute(
        text(
            """
            INSERT INTO runs (job_group_id, creation_key, kind, requested_at, for_on, due_at)
            VALUES (:group_id, :creation_key, :kind, coalesce(:now, clock_timestamp()), :for_on, :due_at)
            RETURNING id
            """
        ),
        {
            "group_id": group_id,
            "creation_key": creation_key,
            "kind": kind,
            "now": now,
            "for_on": for_on or _today(connection, group_id, now),
            "due_at": due_at,
        },
    ).scalar_one()
    connection.execute(
        text(
            "UPDATE job_groups SET status = 'pending', updated_at = clock_timestamp()"
            " WHERE id = :id AND status IN ('idle', 'completed', 'failed')"
        ),
        {"id": group_id},
    )
    notify(connection, RUNS)
    return created, True


def waiting(connection: Connection) -> list[WaitingRun]:
    """The pending runs, oldest first, with all that decides whether they may start."""
    return [
        WaitingRun(
            run_id=row.id,
            group=row.name,
            is_paused=row.is_paused,
            source=row.code,
            source_is_enabled=row.source_is_enabled,
            source_is_paused=row.source_is_paused,
            credential_is_missing=row.credential_is_missing,
            credential_is_unreadable=row.credential_is_unreadable,
            credential_is_refused=row.credential_is_refused,
            upstream=tuple(
                Upstream(
                    edge["group"],
                    Match(edge["match"]),
                    OnFailure(edge["on_failure"]),
                    edge["run_id"],
                    None if edge["status"] is None else RunStatus(edge["status"]),
                )
                for edge in row.edges
            ),
            blocked_by=row.blocked_by,
            ahead=row.ahead,
            ahead_is_running=row.ahead_is_running,
            held_by=row.held_by,
            is_scheduler_enabled=row.is_scheduler_enabled,
        )
        for row in connection.execute(statement("read_waiting_runs"))
    ]


def admit(connection: Connection, run_id: int, now: datetime | None = None) -> bool:
    """Start a pending run with the job that plans it, by its group's definition as it is now.

    False where another node was quicker, or where it is not its turn any more: another run of the group has started, or
    the group was paused.
    """
    if lock_run(connection, run_id) is None:
        return False
    if connection.execute(statement("admit_run"), {"run_id": run_id, "now": now}).first() is None:
        return False
    _plan(connection, run_id, [PlannedJob(PLAN, PLAN, "plan", {})], is_held=False, now=now)
    notify(connection, JOBS)
    return True


def block(connection: Connection, run_id: int, blocked_by: str) -> None:
    """Record what a pending run waits for."""
    connection.execute(
        text("UPDATE runs SET blocked_by = :blocked_by WHERE id = :id AND status = 'pending'"),
        {"id": run_id, "blocked_by": blocked_by},
    )


def skip(connection: Connection, run_id: int, reason: str, now: datetime | None = None) -> bool:
    """End a pending run, and its occurrence, as skipped; false where it is not pending any more."""
    return lock_run(connection, run_id) is not None and _end_waiting(connection, run_id, "skipped", reason, now)


def plan(connection: Connection, run_id: int, jobs: Sequence[PlannedJob], now: datetime | None = None) -> int:
    """Give the run its child jobs; returns how many count: those that are switched on.

    Standing jobs of the group are used again under their key, with their own priority and switch. A run that was
    cancelled while it was planned gets none.
    """
    run = lock_run(connection, run_id)
    enabled = _plan(connection, run_id, jobs, is_held=True, now=now) if run and jobs and not run.is_cancelled else 0
    if run and run.is_limited:
        parallel.refill(connection, run_id, now)
    failpoints.hit("job_created")
    connection.execute(
        text("UPDATE runs SET planned_at = coalesce(:now, clock_timestamp()), total_jobs = :total WHERE id = :id"),
        {"id": run_id, "total": enabled, "now": now},
    )
    if enabled:
        notify(connection, JOBS)
    return enabled


def actives(connection: Connection, group_id: int) -> list[int]:
    """The group's runs that are pending or running, oldest first."""
    return list(
        connection.execute(
            text(
                "SELECT id FROM runs WHERE job_group_id = :id AND (status = 'running' OR status = 'pending')"
                " ORDER BY status DESC, id"
            ),
            {"id": group_id},
        ).scalars()
    )


def active(connection: Connection, group_id: int) -> int | None:
    """The group's run that is running, else the one that will start next; None where there is none."""
    return next(iter(actives(connection, group_id)), None)


def cancel(connection: Connection, run_id: int, now: datetime | None = None) -> list[int]:
    """Cancel a run: its jobs that wait end at once; returns the ids of the jobs that are still running.

    Those end by their own attempts, and the run with the last of them.
    """
    run = lock_run(connection, run_id)
    if run is None or run.status.is_final:
        return []
    if run.status is RunStatus.PENDING:
        _end_waiting(connection, run_id, "cancelled", "cancelled before it started", now)
        return []
    ended = connection.execute(
        text(
            """
            UPDATE jobs SET status = 'cancelled', completed_at = coalesce(:now, clock_timestamp()),
                last_error = 'cancelled', is_held = false, updated_at = coalesce(:now, clock_timestamp())
            WHERE run_id = :id AND status IN ('pending', 'paused') AND is_enabled RETURNING id
            """
        ),
        {"id": run_id, "now": now},
    ).rowcount
    connection.execute(
        text(
            """
            UPDATE runs SET cancelled_jobs = cancelled_jobs + :ended,
                total_jobs = greatest(total_jobs, :ended),
                planned_at = coalesce(planned_at, :now, clock_timestamp()),
                cancel_requested_at = coalesce(cancel_requested_at, :now, clock_timestamp()),
                error_message = 'cancelled'
            WHERE id = :id
            """
        ),
        {"id": run_id, "ended": ended, "now": now},
    )
    running = connection.execute(
        text("SELECT id FROM jobs WHERE run_id = :id AND status = 'running' ORDER BY id"), {"id": run_id}
    ).scalars()
    still_running = list(running)
    if not still_running:
        end_run(connection, run_id, now)
    return still_running


def _end_waiting(connection: Connection, run_id: int, status: str, reason: str, now: datetime | None) -> bool:
    ended = connection.execute(
        statement("end_waiting_run"), {"run_id": run_id, "status": status, "reason": reason, "now": now}
    ).first()
    if ended is not None:
        notify(connection, RUNS)
    return ended is not None


def _today(connection: Connection, group_id: int, now: datetime | None) -> date:
    spec, instant = connection.execute(
        text("SELECT (SELECT spec FROM schedules WHERE job_group_id = :id), coalesce(:now, clock_timestamp())"),
        {"id": group_id, "now": now},
    ).one()
    return local_date(spec, instant)


def _plan(
    connection: Connection, run_id: int, jobs: Sequence[PlannedJob], *, is_held: bool, now: datetime | None
) -> int:
    planned = [
        {
            "key": job.key,
            "job_type": job.job_type,
            "name": job.name,
            "symbol": job.symbol,
            "parameters": job.parameters,
        }
        for job in jobs
    ]
    parameters = {"run_id": run_id, "is_held": is_held, "now": now, "jobs": json.dumps(planned)}
    return connection.execute(statement("plan_jobs"), parameters).rowcount
