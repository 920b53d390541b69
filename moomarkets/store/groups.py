"""Groups: standing orders with their dependencies and schedule."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, Row, text

from moomarkets.domain.dependencies import refuse_cycle
from moomarkets.domain.errors import Conflict, NotFound
from moomarkets.domain.group import GroupDefinition
from moomarkets.store.notify import SCHEDULES, notify


def create(connection: Connection, user_id: int, definition: GroupDefinition, now: datetime | None = None) -> int:
    """Store a new group with its dependencies and schedule, and return its id.

    The schedule counts from `now`: nothing that was due before is ever booked.

    Raises:
        Conflict: the user has a group of that name.
        NotFound: the source, or a group that it depends on, does not exist.
        InvalidInput: the dependencies would form a circle.
    """
    group_id = _insert(connection, user_id, definition)
    if group_id is None:
        raise Conflict(f"group {definition.name}: expected a new name, got one that exists")
    upstreams = dict.fromkeys(definition.depends_on)
    refuse_cycle({**_edges(connection, user_id), definition.name: list(upstreams)})
    for upstream in upstreams:
        connection.execute(
            text("INSERT INTO job_group_dependencies (job_group_id, depends_on_id) VALUES (:id, :upstream)"),
            {"id": group_id, "upstream": find(connection, user_id, upstream).id},
        )
    if definition.schedule is not None:
        connection.execute(
            text(
                "INSERT INTO schedules (job_group_id, spec, counted_from)"
                " VALUES (:id, CAST(:spec AS jsonb), coalesce(:now, clock_timestamp()))"
            ),
            {"id": group_id, "spec": json.dumps(definition.schedule), "now": now},
        )
        notify(connection, SCHEDULES)
    return group_id


def exists(connection: Connection, user_id: int, name: str) -> bool:
    """Whether the user has a group of that name."""
    found = connection.scalar(
        text("SELECT 1 FROM job_groups WHERE user_id = :user_id AND name = :name"),
        {"user_id": user_id, "name": name},
    )
    return found is not None


def find(connection: Connection, user_id: int, name: str) -> Row[tuple[object, ...]]:
    """The row of the user's group of that name (id, name, scope, status, data_source_id, source).

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(
        text(
            """
            SELECT job_groups.id, job_groups.name, job_groups.scope, job_groups.status, job_groups.data_source_id,
                   data_sources.code AS source
            FROM job_groups JOIN data_sources ON data_sources.id = job_groups.data_source_id
            WHERE job_groups.user_id = :user_id AND job_groups.name = :name
            """
        ),
        {"user_id": user_id, "name": name},
    ).first()
    if row is None:
        raise NotFound("group", name)
    return row


def set_paused(connection: Connection, group_id: int, is_paused: bool) -> None:
    """Pause the group (its waiting runs wait, its running run goes on) or let it go on."""
    connection.execute(
        text(
            """
            UPDATE job_groups SET updated_at = clock_timestamp(), status = CASE WHEN :is_paused THEN 'paused' ELSE
                coalesce((SELECT CASE runs.status WHEN 'cancelled' THEN 'failed' ELSE runs.status END
                          FROM runs WHERE runs.job_group_id = job_groups.id ORDER BY runs.id DESC LIMIT 1), 'idle') END
            WHERE id = :id
            """
        ),
        {"id": group_id, "is_paused": is_paused},
    )


def _insert(connection: Connection, user_id: int, definition: GroupDefinition) -> int | None:
    source_id = connection.scalar(
        text("SELECT id FROM data_sources WHERE code = :code"), {"code": definition.data_source}
    )
    if source_id is None:
        raise NotFound("source", definition.data_source)
    found: int | None = connection.scalar(
        text(
            """
            INSERT INTO job_groups (user_id, data_source_id, endpoint_id, name, description, scope, level, priority,
                                    max_retries, retry_delay)
            VALUES (:user_id, :source_id, :endpoint_id, :name, :description, CAST(:scope AS jsonb), 1,
                    :priority, :max_retries, :retry_delay)
            ON CONFLICT (user_id, name) DO NOTHING RETURNING id
            """
        ),
        {
            "user_id": user_id,
            "source_id": source_id,
            "endpoint_id": definition.endpoint_id,
            "name": definition.name,
            "description": definition.description,
            "scope": json.dumps({**definition.scope, "job_types": list(definition.job_types)}),
            "priority": definition.priority,
            "max_retries": definition.max_retries,
            "retry_delay": definition.retry_delay_s,
        },
    )
    return found


def _edges(connection: Connection, user_id: int) -> dict[str, list[str]]:
    rows = connection.execute(
        text(
            """
            SELECT below.name, above.name FROM job_group_dependencies
            JOIN job_groups AS below ON below.id = job_group_id JOIN job_groups AS above ON above.id = depends_on_id
            WHERE below.user_id = :user_id
            """
        ),
        {"user_id": user_id},
    )
    edges: dict[str, list[str]] = {}
    for name, upstream in rows:
        edges.setdefault(name, []).append(upstream)
    return edges
