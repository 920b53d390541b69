"""Marks that the code of an attempt begins, for jobs under which a process has died before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.domain.errors import Fenced
from moomarkets.domain.job import Lease


def begin(connection: Connection, lease: Lease, now: datetime | None = None) -> None:
    """Store that the attempt's code begins now, so that a death of its process from here on is charged to its job.

    Raises:
        Fenced: the lease went to somebody else; the code must not begin.
    """
    marked = connection.execute(
        text(
            "UPDATE executions SET began_at = coalesce(:now, clock_timestamp())"
            " WHERE id = :id AND lease_token = :token AND status = 'running' RETURNING id"
        ),
        {"now": now, "id": lease.execution_id, "token": lease.token},
    )
    if marked.first() is None:
        raise Fenced(f"execution {lease.execution_id}: its lease went to somebody else")
