"""Reads what a credential has spent of its limits, and what waits for the rest; takes no locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain.budget import WindowBudget
from moomarkets.store import permits
from moomarkets.store.buckets import Bucket, BucketState
from moomarkets.store.permits import Ask

LONGEST_REQUEST_S = 600.0
RECENT = 1000
"""Among so many of the newest attempts is looked for those that tell how many requests a job needs."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The jobs of one source: those that wait, by priority, those that run, and how many requests one needs."""

    waiting: dict[int, int]
    running: int
    requests_each: float


def now_of(connection: Connection) -> datetime:
    """The clock by which permits are counted."""
    at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return at


def windows(
    connection: Connection, bucket: Bucket, state: BucketState | None, at: datetime
) -> tuple[WindowBudget, ...]:
    """Every window of the bucket: how much of it is used, and when the next request comes back."""
    # One request to each kind of endpoint needs every window that there is; "" is one without any of its own.
    asks = [Ask(UUID(int=0), endpoint) for endpoint in ("", *bucket.endpoint_windows)]
    share = 1.0 if state is None else state.share_at(at, bucket)
    rooms = permits.rooms_of(connection, bucket, asks, share, at, LONGEST_REQUEST_S)
    found = []
    for (endpoint, window), room in rooms.items():
        usable = window.reduced_to(share)
        next_s = room.wait_s if room.wait_s is not None else room.next_s
        next_at = None if next_s is None else at + timedelta(seconds=next_s)
        used = usable.count - room.free
        found.append(WindowBudget(endpoint, window.count, usable.seconds, usable.count, used, next_at))
    return tuple(found)


def queue(connection: Connection, job_types: Sequence[str], user_id: int) -> Queue:
    """The jobs of these types that belong to the user: what runs, and what waits and is not paused."""
    rows = connection.execute(
        text(
            """
            SELECT jobs.status, jobs.priority, count(*) AS jobs
            FROM jobs LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
            WHERE jobs.status IN ('pending', 'running') AND jobs.is_enabled AND jobs.job_type = ANY (:types)
              AND coalesce(job_groups.user_id, jobs.user_id) = :user_id AND job_groups.status IS DISTINCT FROM 'paused'
            GROUP BY jobs.status, jobs.priority
            """
        ),
        {"types": list(job_types), "user_id": user_id},
    ).all()
    each: float | None = connection.scalar(
        text(
            """
            SELECT avg(newest.requests)::float8
            FROM (SELECT job_id, requests FROM executions WHERE status = 'completed' ORDER BY id DESC LIMIT :recent)
                AS newest
            JOIN jobs ON jobs.id = newest.job_id
            WHERE jobs.job_type = ANY (:types) AND newest.requests > 0
            """
        ),
        {"types": list(job_types), "recent": RECENT},
    )
    waiting = {row.priority: row.jobs for row in rows if row.status == "pending"}
    running = sum(row.jobs for row in rows if row.status == "running")
    return Queue(waiting, running, 1.0 if each is None else each)
