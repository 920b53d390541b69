"""Reads schedules, and their ledger by time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.store.reports import Record


def schedules(connection: Connection, user_id: int, group: str | None = None) -> list[Record]:
    """The schedules of the user's groups, or of one group, by the group's name; those that rest too."""
    found = connection.execute(
        text(
            """
            WITH RECURSIVE off AS (
                SELECT id FROM job_groups WHERE NOT is_enabled
              UNION
                SELECT below.id FROM job_groups AS below JOIN off ON below.parent_id = off.id
            )
            SELECT job_groups.name AS "group", schedules.spec, schedules.catch_up, schedules.overlap,
                   schedules.is_enabled AND job_groups.id NOT IN (SELECT id FROM off) AS is_enabled, schedules.error,
                   schedules.counted_from, job_groups.next_run_at
            FROM schedules JOIN job_groups ON job_groups.id = schedules.job_group_id
            WHERE job_groups.user_id = :user_id AND (CAST(:job_group AS text) IS NULL OR job_groups.name = :job_group)
            ORDER BY job_groups.name
            """
        ),
        {"user_id": user_id, "job_group": group},
    )
    return [dict(row) for row in found.mappings()]


def occurrences(
    connection: Connection,
    user_id: int,
    *,
    group: str | None,
    status: str | None,
    from_at: datetime | None,
    to_at: datetime | None,
    limit: int,
) -> list[Record]:
    """The due instants from `from_at` (with it) to `to_at` (without it), newest first."""
    found = connection.execute(
        text(
            """
            SELECT * FROM v_occurrences
            WHERE user_id = :user_id AND (CAST(:job_group AS text) IS NULL OR job_group = :job_group)
              AND (CAST(:status AS text) IS NULL OR status = :status)
              AND (CAST(:from_at AS timestamptz) IS NULL OR due_at >= :from_at)
              AND (CAST(:to_at AS timestamptz) IS NULL OR due_at < :to_at)
            ORDER BY due_at DESC, id DESC LIMIT :limit
            """
        ),
        {
            "user_id": user_id,
            "job_group": group,
            "status": status,
            "from_at": from_at,
            "to_at": to_at,
            "limit": limit,
        },
    )
    return [dict(row) for row in found.mappings()]
