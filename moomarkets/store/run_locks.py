"""The locks under which runs change: first the group's row, then the run's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from moomarkets.domain.group import RunStatus
from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class LockedRun:
    """What is known of a run while its row and its group's are ours; `is_limited` says that jobs of it may be held."""

    id: int
    group_id: int
    status: RunStatus
    is_cancelled: bool
    is_limited: bool


def lock_runs(connection: Connection, run_ids: Collection[int]) -> dict[int, LockedRun]:
    """Lock these runs with their groups, in the order of their ids; those that are gone are left out."""
    if not run_ids:
        return {}
    rows = connection.execute(statement("lock_runs"), {"ids": sorted(run_ids)})
    return {
        row.id: LockedRun(row.id, row.job_group_id, RunStatus(row.status), row.is_cancelled, row.is_limited)
        for row in rows
    }


def lock_run(connection: Connection, run_id: int | None) -> LockedRun | None:
    """Lock one run with its group; None where there is none, or none any more."""
    return None if run_id is None else lock_runs(connection, [run_id]).get(run_id)
