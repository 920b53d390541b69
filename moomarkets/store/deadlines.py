"""Jobs that were not started in time, and attempts that take suspiciously long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.store.sql import statement

EXPIRED = "timed_out: its deadline passed before it started"
"""The error of a job that failed so: there is no attempt that could tell why."""


@dataclass(frozen=True, slots=True)
class LateJob:
    """A job by id and name; `execution_id` and `seconds` of its attempt, where that is what takes long."""

    job_id: int
    name: str
    execution_id: int = 0
    seconds: float = 0.0


def fail_expired(connection: Connection, now: datetime | None = None) -> list[LateJob]:
    """Fail the jobs that stand alone and were not claimed by their deadline, as `timed_out`; at most 500 at once."""
    rows = connection.execute(statement("fail_expired_jobs"), {"expired": EXPIRED, "now": now})
    return [LateJob(row.id, row.name) for row in rows]


def long_running(connection: Connection, node_id: UUID, over_s: float, now: datetime | None = None) -> list[LateJob]:
    """The running attempts of that node that have lasted longer than `over_s`, oldest first; at most 500."""
    rows = connection.execute(
        text(
            """
            SELECT executions.job_id, jobs.name, executions.id,
                   extract(epoch FROM coalesce(:now, clock_timestamp()) - executions.started_at) AS seconds
            FROM executions JOIN jobs ON jobs.id = executions.job_id
            WHERE executions.status = 'running' AND executions.node_id = :node_id
              AND executions.started_at < coalesce(:now, clock_timestamp()) - make_interval(secs => :over_s)
            ORDER BY executions.id LIMIT 500
            """
        ),
        {"node_id": node_id, "over_s": over_s, "now": now},
    )
    return [LateJob(row.job_id, row.name, row.id, round(float(row.seconds), 1)) for row in rows]
