"""Claims jobs: the right to work on them, for a while, with a token that fences whoever held it before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row

from moomarkets.domain.job import Attempt, Lease
from moomarkets.store.notify import CHANNEL, JOBS
from moomarkets.store.sql import statement


def claim(
    connection: Connection,
    *,
    node_id: UUID,
    claim_id: UUID,
    count: int,
    job_types: Sequence[str],
    lease_s: float,
    now: datetime | None = None,
) -> list[Attempt]:
    """Take up to `count` due jobs of the given types, the most urgent first.

    `claim_id` is made by the caller before the first try: the same claim repeated after a lost answer finds what the
    first one took and takes nothing more.
    """
    rows = connection.execute(
        statement("claim_jobs"),
        {
            "now": now,
            "node_id": node_id,
            "claim_id": claim_id,
            "count": count,
            "job_types": list(job_types),
            "lease_s": lease_s,
        },
    )
    return [_attempt(row) for row in rows]


def enqueue(
    connection: Connection, job_type: str, parameters: Sequence[Mapping[str, object]], keys: Sequence[str]
) -> list[int]:
    """Store jobs that stand alone, due at once, one for each key; returns their ids in that order.

    The keys are made by the caller before the first try: asked again with the same ones, it finds what is stored.
    """
    ids: list[int] = connection.execute(
        statement("enqueue_jobs"),
        {
            "job_type": job_type,
            "keys": list(keys),
            "parameters": [json.dumps(given) for given in parameters],
            "channel": CHANNEL,
            "topic": JOBS,
        },
    ).scalar_one()
    return ids


def renew(connection: Connection, leases: Sequence[Lease], *, lease_s: float, now: datetime | None = None) -> set[int]:
    """Extend those leases that are still ours; returns the execution ids of those. The others are lost.

    So are those of a run that was cancelled: whoever holds one stops.
    """
    rows = connection.execute(
        statement("renew_leases"),
        {
            "now": now,
            "lease_s": lease_s,
            "ids": [lease.execution_id for lease in leases],
            "tokens": [lease.token for lease in leases],
        },
    )
    return set(rows.scalars())


def _attempt(row: Row[tuple[object, ...]]) -> Attempt:
    found = row._mapping
    return Attempt(
        lease=Lease(found["execution_id"], found["job_id"], found["lease_token"]),
        run_id=found["run_id"],
        group_id=found["job_group_id"],
        user_id=found["user_id"],
        job_type=found["job_type"],
        key=found["key"],
        name=found["name"],
        parameters=found["parameters"],
        symbol=found["symbol"],
        number=found["attempt"],
        max_retries=found["max_retries"],
        retry_delay_s=found["retry_delay"],
    )
