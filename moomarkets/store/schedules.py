"""Schedules, and the ledger in which every due instant gets one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain.group import RunKind
from moomarkets.store import runs


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule that is switched on; what was due up to `counted_from` is accounted for."""

    id: int
    group_id: int
    group: str
    spec: dict[str, object]
    counted_from: datetime


def load(connection: Connection) -> list[ScheduleRow]:
    """The schedules that are switched on, each with the last instant that is accounted for."""
    rows = connection.execute(
        text(
            """
            SELECT schedules.id, schedules.job_group_id, job_groups.name, schedules.spec,
                   greatest(schedules.counted_from, (SELECT max(due_at) FROM occurrences
                                                     WHERE occurrences.schedule_id = schedules.id)) AS counted_from
            FROM schedules JOIN job_groups ON job_groups.id = schedules.job_group_id
            WHERE schedules.is_enabled ORDER BY schedules.id
            """
        )
    )
    return [ScheduleRow(row.id, row.job_group_id, row.name, row.spec, row.counted_from) for row in rows]


def account(
    connection: Connection,
    schedule: ScheduleRow,
    due: Sequence[datetime],
    next_at: datetime,
    creation_key: UUID,
) -> int | None:
    """Account for the due instants (oldest first): the newest with a run, those before it as skipped.

    Returns the run's id; None where nothing was due or another node has booked it. A run of the group that is still
    under way takes the occurrence in: it is `merged`.
    """
    connection.execute(
        text("UPDATE job_groups SET next_run_at = :next_at WHERE id = :id AND next_run_at IS DISTINCT FROM :next_at"),
        {"id": schedule.group_id, "next_at": next_at},
    )
    if not due:
        return None
    _skip(connection, schedule, due[:-1])
    return _book(connection, schedule, due[-1], creation_key)


def _skip(connection: Connection, schedule: ScheduleRow, skipped: Sequence[datetime]) -> None:
    if skipped:
        connection.execute(
            text(
                """
                INSERT INTO occurrences (schedule_id, due_at, status, reason)
                SELECT :id, unnest(CAST(:skipped AS timestamptz[])), 'skipped', 'catch-up: only the latest is run'
                ON CONFLICT DO NOTHING
                """
            ),
            {"id": schedule.id, "skipped": list(skipped)},
        )


def _book(connection: Connection, schedule: ScheduleRow, due_at: datetime, creation_key: UUID) -> int | None:
    booked = connection.scalar(
        text(
            "INSERT INTO occurrences (schedule_id, due_at, status) VALUES (:id, :due_at, 'pending')"
            " ON CONFLICT DO NOTHING RETURNING id"
        ),
        {"id": schedule.id, "due_at": due_at},
    )
    if booked is None:
        return None
    run_id, is_new = runs.request(connection, schedule.group_id, creation_key, RunKind.SCHEDULED)
    connection.execute(
        text(
            "UPDATE occurrences SET run_id = :run_id, status = :status, reason = :reason,"
            " updated_at = clock_timestamp() WHERE id = :id"
        ),
        {
            "id": booked,
            "run_id": run_id,
            "status": "pending" if is_new else "merged",
            "reason": None if is_new else "a run of the group was still under way",
        },
    )
    return run_id
