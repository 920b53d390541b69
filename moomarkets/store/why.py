"""Reads why runs and jobs are as they are: what they wait for, their attempts, and what those have written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, text

from moomarkets.domain.why import (
    AttemptFacts,
    JobFacts,
    RunFacts,
    Written,
)
from moomarkets.store.sql import statement

MOST_ATTEMPTS = 20
"""Of one job, the newest ones."""

_JOB = """
    SELECT jobs.*, job_groups.name AS job_group FROM jobs LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
"""


def runs(connection: Connection, group_id: int, on: date | None, ids: Iterable[int]) -> list[RunFacts]:
    """The runs about that date and those with these ids, oldest first.

    Without a date the newest one, and all that are not over.
    """
    rows = connection.execute(
        text(
            """
            SELECT * FROM runs
            WHERE job_group_id = :group_id AND (
                id = ANY (:ids) OR for_on = :on
                OR CAST(:on AS date) IS NULL AND (status IN ('pending', 'running') OR id = (
                    SELECT max(id) FROM runs WHERE job_group_id = :group_id)))
            ORDER BY id
            """
        ),
        {"group_id": group_id, "on": on, "ids": list(ids)},
    ).all()
    return _with_jobs(connection, rows)


def run(connection: Connection, run_id: int) -> RunFacts | None:
    """One run; None where there is none."""
    rows = connection.execute(text("SELECT * FROM runs WHERE id = :id"), {"id": run_id}).all()
    return next(iter(_with_jobs(connection, rows)), None)


def job(connection: Connection, user_id: int, job_id: int) -> JobFacts | None:
    """One job of the user with its attempts; None where there is none."""
    rows = connection.execute(
        text(f"{_JOB} WHERE jobs.id = :id AND coalesce(job_groups.user_id, jobs.user_id) = :user_id"),
        {"id": job_id, "user_id": user_id},
    ).all()
    return next(iter(_with_attempts(connection, rows)), None)


def unfinished_jobs(connection: Connection, run_ids: Sequence[int], limit: int) -> list[JobFacts]:
    """Jobs that those runs last asked for and that are not completed: what failed first, at most `limit`."""
    rows = connection.execute(
        text(
            f"""{_JOB}
            WHERE jobs.run_id = ANY (:ids) AND (jobs.status <> 'completed' OR NOT jobs.is_enabled)
            ORDER BY array_position(ARRAY['failed', 'running', 'paused', 'pending'], jobs.status), jobs.is_held,
                     jobs.id
            LIMIT :limit
            """
        ),
        {"ids": list(run_ids), "limit": limit},
    ).all()
    return _with_attempts(connection, rows)


def written(connection: Connection, execution_ids: Sequence[int]) -> list[Written]:
    """The parts of coverage that those attempts have brought and nobody has fetched anew since, by dataset."""
    return [part for _, part in _written(connection, "executions.id = ANY (:ids)", execution_ids)]


def _with_jobs(connection: Connection, rows: Sequence[Row[Any]]) -> list[RunFacts]:
    ids = [row.id for row in rows]
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    held: dict[int, int] = defaultdict(int)
    for row in connection.execute(
        text(
            "SELECT run_id, status, count(*) AS number, count(*) FILTER (WHERE is_held) AS held FROM jobs"
            " WHERE run_id = ANY (:ids) AND job_type <> 'plan_group' GROUP BY run_id, status ORDER BY run_id, status"
        ),
        {"ids": ids},
    ):
        counts[row.run_id][row.status] = row.number
        held[row.run_id] += row.held
    brought: dict[int, list[Written]] = defaultdict(list)
    for run_id, part in _written(connection, "executions.run_id = ANY (:ids)", ids):
        brought[run_id].append(part)
    return [_run(row, counts[row.id], held[row.id], brought[row.id]) for row in rows]


def _run(row: Row[Any], jobs: dict[str, int], held_jobs: int, brought: Sequence[Written]) -> RunFacts:
    return RunFacts(
        id=row.id,
        kind=row.kind,
        status=row.status,
        for_on=row.for_on,
        due_at=row.due_at,
        requested_at=row.requested_at,
        started_at=row.started_at,
        planned_at=row.planned_at,
        completed_at=row.completed_at,
        blocked_by=row.blocked_by,
        error_message=row.error_message,
        total_jobs=row.total_jobs,
        completed_jobs=row.completed_jobs,
        failed_jobs=row.failed_jobs,
        cancelled_jobs=row.cancelled_jobs,
        rows_written=row.rows_written,
        rows_received=row.rows_received,
        requests=row.requests,
        jobs=jobs,
        held_jobs=held_jobs,
        written=tuple(brought),
    )


def _with_attempts(connection: Connection, rows: Sequence[Row[Any]]) -> list[JobFacts]:
    attempts: dict[int, list[AttemptFacts]] = defaultdict(list)
    for row in connection.execute(
        statement("explain_executions"), {"job_ids": [row.id for row in rows], "most": MOST_ATTEMPTS}
    ):
        attempts[row.job_id].append(_attempt(row))
    return [_job(row, attempts[row.id]) for row in rows]


def _attempt(row: Row[Any]) -> AttemptFacts:
    return AttemptFacts(
        id=row.id,
        number=row.attempt,
        status=row.status,
        node=row.node,
        node_id=row.node_id,
        run_id=row.run_id,
        started_at=row.started_at,
        completed_at=row.completed_at,
        waited_s=None if row.waited_s is None else max(round(row.waited_s, 3), 0.0),
        seconds=None if row.seconds is None else round(row.seconds, 3),
        requests=row.requests,
        bytes=row.bytes,
        rows=row.rows_received,
        rows_written=row.rows_written,
        pages=row.pages,
        error_class=row.error_class,
        reason=row.reason,
        message=row.error_message,
    )


def _job(row: Row[Any], attempts: Sequence[AttemptFacts]) -> JobFacts:
    return JobFacts(
        id=row.id,
        group=row.job_group,
        run_id=row.run_id,
        key=row.key,
        name=row.name,
        job_type=row.job_type,
        status=row.status,
        is_enabled=row.is_enabled,
        is_held=row.is_held,
        priority=row.priority,
        due_at=row.due_at,
        deadline_at=row.deadline_at,
        next_at=row.due_at if row.status == "pending" else None,
        attempts=row.attempts,
        max_retries=row.max_retries,
        crash_count=row.crash_count,
        last_error=row.last_error,
        executions=tuple(attempts),
    )


def _written(connection: Connection, which: str, ids: Sequence[int]) -> list[tuple[int, Written]]:
    """What was written, each part with the run that it came with."""
    rows = connection.execute(
        text(
            f"""
            SELECT executions.run_id, coverage.dataset, coverage.status, count(*) AS parts,
                   sum(coverage.rows)::bigint AS rows, min(coverage.from_on) AS from_on, max(coverage.to_on) AS to_on
            FROM executions JOIN coverage ON coverage.execution_id = executions.id
            WHERE {which} GROUP BY executions.run_id, coverage.dataset, coverage.status
            ORDER BY executions.run_id, coverage.dataset, coverage.status
            """  # noqa: S608 - one of two constants
        ),
        {"ids": list(ids)},
    )
    return [(row.run_id, Written(row.dataset, row.status, row.parts, row.rows, row.from_on, row.to_on)) for row in rows]
