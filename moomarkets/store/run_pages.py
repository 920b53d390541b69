"""Reads groups by name or id, and their runs page by page, newest first; a page begins where the one before ended."""

from __future__ import annotations

from sqlalchemy import Connection, text

from moomarkets.store.reports import Record


def group(connection: Connection, user_id: int, *, id: int | None = None, name: str | None = None) -> Record | None:
    """One group of the user with the counters of its newest run; None where there is none."""
    if name is not None and not name.isprintable():
        return None
    found = connection.execute(
        text("SELECT * FROM v_groups WHERE user_id = :user_id AND (id = :id OR name = :name)"),
        {"user_id": user_id, "id": id, "name": name},
    )
    row = found.mappings().first()
    return dict(row) if row is not None else None


def group_names(connection: Connection, user_id: int) -> list[str]:
    """The names of all groups of the user."""
    found = connection.scalars(
        text("SELECT name FROM job_groups WHERE user_id = :user_id ORDER BY name"), {"user_id": user_id}
    )
    return [str(name) for name in found]


def run(connection: Connection, user_id: int, run_id: int) -> Record | None:
    """One run of the user; None where there is none."""
    found = connection.execute(
        text("SELECT * FROM v_runs WHERE user_id = :user_id AND id = :id"), {"user_id": user_id, "id": run_id}
    )
    row = found.mappings().first()
    return dict(row) if row is not None else None


def runs(
    connection: Connection, user_id: int, *, group: str | None, status: str | None, before: int | None, limit: int
) -> list[Record]:
    """Runs of the user with ids below `before`, newest first; narrowed to a group or a status where given."""
    found = connection.execute(
        text(
            """
            SELECT * FROM v_runs
            WHERE user_id = :user_id AND (CAST(:job_group AS text) IS NULL OR job_group = :job_group)
              AND (CAST(:status AS text) IS NULL OR status = :status)
              AND (CAST(:before AS bigint) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :limit
            """
        ),
        {"user_id": user_id, "job_group": group, "status": status, "before": before, "limit": limit},
    )
    return [dict(row) for row in found.mappings()]
