"""Claims jobs: the right to work on them, for a while, with a token that fences whoever held it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Connection, Row

from moomarkets.domain import failpoints
from moomarkets.domain.job import Attempt, Lease
from moomarkets.store.sql import statement


def claim(
    connection: Connection,
    *,
    node_id: UUID,
    claim_id: UUID,
    count: int,
    job_types: Sequence[str],
    lease_s: float,
    sources: Mapping[str, str] = MappingProxyType({}),
    now: datetime | None = None,
) -> list[Attempt]:
    """Take up to `count` due jobs of the given types, the most urgent first.

    `sources` tells for job types the source that they ask: while it is paused or switched off they stay, as do jobs of
    paused groups, and all of them while the scheduler is switched off. `claim_id` is made by the caller before the
    first try: the same claim repeated after a lost answer finds what the first one took and takes nothing more.
    """
    rows = connection.execute(
        statement("claim_jobs"),
        {
            "now": now,
            "node_id": node_id,
            "claim_id": claim_id,
            "count": count,
            "job_types": list(job_types),
            "sources": [sources.get(job_type, "") for job_type in job_types],
            "lease_s": lease_s,
        },
    )
    return [_attempt(row) for row in rows]


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
    failpoints.hit("lease_renewed")
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
        crash_count=found["crash_count"],
        crash_limit=found["crash_limit"],
        timeout_s=found["timeout_s"],
        priority=found["priority"],
    )
