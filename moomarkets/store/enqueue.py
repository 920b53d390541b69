"""Queues jobs that stand alone, in one statement, which may be part of the caller's own transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Unpack

from sqlalchemy import Connection, TextClause, text

from moomarkets.domain.errors import Conflict, InvalidInput
from moomarkets.domain.submission import Submission, Terms, check_name
from moomarkets.store.nodes import known_job_types
from moomarkets.store.notify import CHANNEL, JOBS
from moomarkets.store.sql import statement

LOOKS = 20
"""How often a unique key is looked up whose holder has just been stored, or has just ended."""

LOCAL_USER = 1
"""The built-in user, whose jobs these are where nobody says otherwise."""

LONGEST_KEY = 190
"""The number of the job follows it."""


def enqueue_many(
    connection: Connection,
    submission: Submission,
    key: str | None,
    job_types: Collection[str] | None = None,
    now: datetime | None = None,
    user_id: int = LOCAL_USER,
) -> list[int]:
    """Store the jobs of a submission, all or none; returns their ids in its order. Nodes hear of them at the commit.

    `key` is made by the caller before the first try: asked again with the same one, it finds what is stored; None:
    nobody will ask again. Where a job of that type that is not over has the unique key already, its id is the answer.

    Raises:
        InvalidInput: a value is out of its range, or the job type is none of `job_types`; nothing was stored.
    """
    values: dict[str, object] = {
        "user_id": user_id,
        "parameters": submission.check(job_types),
        "key": key,
        "job_type": submission.job_type,
        "name": submission.name if submission.name is not None else submission.job_type,
        "priority": submission.ranked,
        "due_at": submission.due_at,
        "deadline_at": submission.deadline_at,
        "timeout_s": submission.timeout_s,
        "max_retries": submission.max_retries,
        "retry_delay_s": submission.retry_delay_s,
        "channel": CHANNEL,
        "topic": JOBS,
        "now": now,
    }
    if key is not None:
        check_name("key", key)
        if len(key) > LONGEST_KEY:
            raise InvalidInput("key", f"at most {LONGEST_KEY} characters", f"{len(key)}")
    if not submission.parameters:
        return []
    if submission.deadline_at is not None:
        _refuse_past(connection, submission.deadline_at, key, now)
    if not submission.unique_keys:
        return _stored(connection, statement("enqueue_jobs"), values)
    values["unique_keys"] = list(submission.unique_keys)
    for _ in range(LOOKS):
        ids = _stored(connection, statement("enqueue_unique_jobs"), values)
        if None not in ids:
            return ids
    raise Conflict(f"unique_key: expected its holder to be found within {LOOKS} looks, got none")


def enqueue(
    connection: Connection,
    job_type: str,
    parameters: Mapping[str, object] | None = None,
    *,
    key: str | None = None,
    unique_key: str | None = None,
    **terms: Unpack[Terms],
) -> int:
    """Queue one job in the caller's own transaction: it is there, and nodes hear of it, once that commits.

    All that is needed is a SQLAlchemy connection to moomarkets' database. The values are those of a `Submission`; the
    job type is one that some node has said it knows. Whoever may have to ask again after a lost answer makes a `key`
    before the first try.

    Raises:
        InvalidInput: a value is out of its range, or no node knows the job type; nothing was stored.

    Example:
        ```python
        with engine.begin() as connection:
            connection.execute(orders.insert(), order)
            moomarkets.enqueue(connection, "summarize", {"order": order["id"]}, unique_key=order["id"])
        ```
    """
    given = parameters if parameters is not None else {}
    submission = Submission(job_type, [given], () if unique_key is None else (unique_key,), **terms)
    # Where no node has ever started nobody can tell.
    return enqueue_many(connection, submission, key, known_job_types(connection) or None)[0]


def _refuse_past(connection: Connection, deadline_at: datetime, key: str | None, now: datetime | None) -> None:
    """Refuse a deadline that has passed, unless the jobs were stored in time and only the answer was lost."""
    sql = """
        SELECT :deadline_at <= coalesce(:now, clock_timestamp())
           AND NOT EXISTS (SELECT FROM jobs WHERE key = CAST(:key AS text) || '/1' AND job_group_id IS NULL)
    """
    if connection.scalar(text(sql), {"deadline_at": deadline_at, "key": key, "now": now}):
        raise InvalidInput("deadline_at", "an instant that is still to come", deadline_at.isoformat())


def _stored(connection: Connection, sql: TextClause, values: Mapping[str, object]) -> list[int]:
    ids: list[int] = connection.execute(sql, values).scalar_one()
    return ids
