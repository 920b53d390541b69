"""Schedules as they stand: which are switched on, from where they are counted, and why one of them rests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, text

_DAYS_BEFORE = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A schedule that is switched on; what was due up to `counted_from` is accounted for.

    `is_group_enabled` is false where its group, or one above it, is switched off.
    """

    id: int
    group_id: int
    group: str
    user_id: int
    spec: object
    catch_up: object
    overlap: str
    counted_from: datetime
    next_at: datetime | None
    error: str | None
    is_group_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Timetable:
    """All schedules that are switched on, as they stood at `now` by the clock that counts.

    `divisions` holds the stored calendar of Tokyo by user, where a schedule goes by it.
    """

    now: datetime
    is_enabled: bool
    rows: tuple[ScheduleRow, ...]
    divisions: Mapping[int, Mapping[date, str]] = field(default_factory=dict)


def load(connection: Connection, now: datetime | None = None) -> Timetable:
    """The schedules that are switched on, in the order in which their groups are locked."""
    found, is_enabled = connection.execute(
        text(
            """
            SELECT coalesce(:now, clock_timestamp()), coalesce((SELECT is_enabled FROM scheduler_settings), true)
            """
        ),
        {"now": now},
    ).one()
    rows = connection.execute(
        text(
            """
            WITH RECURSIVE off AS (
                SELECT id FROM job_groups WHERE NOT is_enabled
              UNION
                SELECT below.id FROM job_groups AS below JOIN off ON below.parent_id = off.id
            )
            SELECT schedules.id, schedules.job_group_id AS group_id, job_groups.name AS "group", job_groups.user_id,
                   schedules.spec, schedules.catch_up, schedules.overlap, job_groups.next_run_at AS next_at,
                   schedules.error, schedules.job_group_id NOT IN (SELECT id FROM off) AS is_group_enabled,
                   greatest(schedules.counted_from, (SELECT max(due_at) FROM occurrences
                                                     WHERE occurrences.schedule_id = schedules.id)) AS counted_from
            FROM schedules JOIN job_groups ON job_groups.id = schedules.job_group_id
            WHERE schedules.is_enabled ORDER BY schedules.job_group_id
            """
        )
    )
    schedules = tuple(ScheduleRow(**row._mapping) for row in rows)
    return Timetable(found, is_enabled, schedules, _divisions(connection, schedules))


def rest(connection: Connection, row: ScheduleRow, error: str) -> bool:
    """Record why the schedule cannot be read; returns whether that is news. An edit meanwhile stands."""
    connection.execute(
        text("UPDATE job_groups SET next_run_at = NULL WHERE id = :id AND next_run_at IS NOT NULL"),
        {"id": row.group_id},
    )
    changed = connection.execute(
        text(
            """
            UPDATE schedules SET error = :error, updated_at = clock_timestamp()
            WHERE id = :id AND error IS DISTINCT FROM :error AND spec = CAST(:spec AS jsonb)
            """
        ),
        {"id": row.id, "error": error, "spec": json.dumps(row.spec)},
    ).rowcount
    return bool(changed)


def _divisions(connection: Connection, rows: Sequence[ScheduleRow]) -> dict[int, dict[date, str]]:
    """The stored calendars, from shortly before the oldest instant that is not accounted for."""
    tokyo = [row for row in rows if isinstance(row.spec, dict) and row.spec.get("market") == "XTKS"]
    if not tokyo:
        return {}
    stored = connection.execute(
        text(
            """
            SELECT user_id, on_date, holiday_division FROM trading_calendar
            WHERE user_id = ANY(:users) AND on_date >= :first
              AND data_source_id = (SELECT id FROM data_sources WHERE code = 'jquants')
            """
        ),
        {
            "users": sorted({row.user_id for row in tokyo}),
            "first": (min(row.counted_from for row in tokyo) - _DAYS_BEFORE).date(),
        },
    )
    divisions: dict[int, dict[date, str]] = {}
    for user_id, on_date, division in stored:
        divisions.setdefault(user_id, {})[on_date] = division
    return divisions
