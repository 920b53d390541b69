"""The groups that keep datasets, as whoever watches their freshness needs to know them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class WatchedGroup:
    """A group. `schedule` is None where none brings runs; `resting` says why nothing of it may start, if so."""

    user_id: int
    name: str
    scope: dict[str, Any]
    created_at: datetime
    schedule: dict[str, Any] | None
    resting: str | None
    under_way_since: datetime | None


def read(connection: Connection, user_id: int | None = None) -> list[WatchedGroup]:
    """The groups of that user, or of everybody, by id."""
    return [
        WatchedGroup(row.user_id, row.name, row.scope, row.created_at, row.spec, row.resting, row.under_way_since)
        for row in connection.execute(statement("read_watched_groups"), {"user_id": user_id})
    ]
