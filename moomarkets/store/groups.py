"""Groups: standing orders with their dependencies, their parent and their schedule."""

from __future__ import annotations

import difflib
import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, text

from moomarkets.domain.errors import Conflict, NotFound
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.group_scope import stored_scope
from moomarkets.store import group_graph, runs
from moomarkets.store.notify import JOBS, RUNS, SCHEDULES, SWITCHES, notify

MOST_NAMED = 20


def create(
    connection: Connection,
    user_id: int,
    definition: GroupDefinition,
    now: datetime | None = None,
    creation_key: UUID | None = None,
) -> int:
    """Store a new group with its dependencies and schedule, and return its id.

    The schedule counts from `now`: nothing that was due before is ever booked. Asked again with the same
    `creation_key`, it finds what it has stored.

    Raises:
        Conflict: the user has a group of that name.
        NotFound: the source, its parent, or a group that it depends on, does not exist.
        InvalidInput: the dependencies, or the parents, would form a circle.
    """
    group_graph.lock(connection, user_id)
    made = _made_before(connection, creation_key)
    if made is not None:
        return made
    group_id = _insert(connection, user_id, definition, creation_key)
    if group_id is None:
        raise Conflict(f"group {definition.name}: expected a new name, got one that exists")
    group_graph.connect(connection, user_id, group_id, definition)
    write_schedule(connection, group_id, definition, now)
    return group_id


def exists(connection: Connection, user_id: int, name: str) -> bool:
    """Whether the user has a group of that name; what cannot be printed is the name of none."""
    found = name.isprintable() and connection.scalar(
        text("SELECT 1 FROM job_groups WHERE user_id = :user_id AND name = :name"),
        {"user_id": user_id, "name": name},
    )
    return bool(found)


def find(connection: Connection, user_id: int, name: str, *, locks: bool = False) -> Row[tuple[object, ...]]:
    """The row of the user's group of that name (id, name, scope, status, data_source_id, source).

    Raises:
        NotFound: there is none; it says which there are, or which are spelled nearly so.
    """
    if not name.isprintable():
        # No group is called so, and the database would not take all of it.
        raise NotFound("group", name)
    if locks:
        connection.execute(
            text("SELECT 1 FROM job_groups WHERE user_id = :user_id AND name = :name FOR NO KEY UPDATE"),
            {"user_id": user_id, "name": name},
        )
    row = connection.execute(
        text(
            """
            SELECT job_groups.id, job_groups.name, job_groups.scope, job_groups.status, job_groups.data_source_id,
                   data_sources.code AS source
            FROM job_groups LEFT JOIN data_sources ON data_sources.id = job_groups.data_source_id
            WHERE job_groups.user_id = :user_id AND job_groups.name = :name
            """
        ),
        {"user_id": user_id, "name": name},
    ).first()
    if row is None:
        raise NotFound("group", name, _nearest(connection, user_id, name))
    return row


def set_paused(connection: Connection, group_id: int, is_paused: bool) -> None:
    """Pause the group (nothing of it starts, what runs goes on) or let it go on. Locks the group.

    Raises:
        NotFound: the group is gone.
    """
    # Locked first: a statement that had waited for the end of a run would still see that run under way.
    if connection.scalar(text("SELECT 1 FROM job_groups WHERE id = :id FOR NO KEY UPDATE"), {"id": group_id}) is None:
        raise NotFound("group", group_id)
    connection.execute(
        text(
            """
            UPDATE job_groups SET updated_at = clock_timestamp(), status = CASE WHEN :is_paused THEN 'paused' ELSE
                coalesce((SELECT CASE runs.status WHEN 'cancelled' THEN 'failed' WHEN 'skipped' THEN 'idle'
                                                  ELSE runs.status END
                          FROM runs WHERE runs.job_group_id = job_groups.id
                          ORDER BY runs.status = 'running' DESC, runs.status = 'pending' DESC,
                                   runs.completed_at DESC, runs.id DESC LIMIT 1),
                         'idle') END
            WHERE id = :id AND (status = 'paused') <> :is_paused
            """
        ),
        {"id": group_id, "is_paused": is_paused},
    )
    _tell(connection)


def set_enabled(connection: Connection, group_id: int, is_enabled: bool) -> None:
    """Let the group's schedule bring runs, or none; runs that a person asks for are not concerned."""
    connection.execute(
        text("UPDATE job_groups SET is_enabled = :is_enabled, updated_at = clock_timestamp() WHERE id = :id"),
        {"id": group_id, "is_enabled": is_enabled},
    )
    notify(connection, SCHEDULES)
    _tell(connection)


def delete(connection: Connection, user_id: int, name: str, now: datetime | None = None) -> list[int]:
    """Delete the group with its jobs, runs and schedule; returns the ids of jobs whose attempts are to be stopped.

    What those attempts still bring is fenced: their rows are gone.

    Raises:
        NotFound: there is no such group.
        Conflict: other groups depend on it or are below it.
    """
    group_graph.lock(connection, user_id)
    group = find(connection, user_id, name, locks=True)
    dependents = group_graph.dependents(connection, group.id)
    if dependents:
        raise Conflict(
            f"group {name}: expected one on which nothing rests, got one that {', '.join(dependents)} rests on;"
            " change or delete that first"
        )
    running = [
        job_id for run_id in runs.actives(connection, group.id) for job_id in runs.cancel(connection, run_id, now)
    ]
    connection.execute(text("DELETE FROM job_groups WHERE id = :id"), {"id": group.id})
    _tell(connection)
    return running


def source_id(connection: Connection, code: str | None) -> int | None:
    """The id of the source of that code; None for no source.

    Raises:
        NotFound: there is none of that code.
    """
    if code is None:
        return None
    codes = {row.code: row.id for row in connection.execute(text("SELECT code, id FROM data_sources ORDER BY code"))}
    if code not in codes:
        raise NotFound("source", code, list(codes))
    return int(codes[code])


def write_schedule(
    connection: Connection, group_id: int, definition: GroupDefinition, now: datetime | None = None
) -> None:
    """Keep the group's schedule with its policies; it counts from `now` where its instants are others than before.

    Without one, the schedule that there was rests, with its ledger, and no next run is to be expected.
    """
    if definition.schedule is None:
        connection.execute(text("UPDATE job_groups SET next_run_at = NULL WHERE id = :id"), {"id": group_id})
    connection.execute(
        text(
            """
            UPDATE schedules SET is_enabled = false, updated_at = clock_timestamp()
            WHERE job_group_id = :id AND CAST(:spec AS text) IS NULL
            """
            if definition.schedule is None
            else """
            INSERT INTO schedules (job_group_id, spec, catch_up, overlap, counted_from)
            VALUES (:id, CAST(:spec AS jsonb), CAST(:catch_up AS jsonb), :overlap, coalesce(:now, clock_timestamp()))
            ON CONFLICT (job_group_id) DO UPDATE
            SET spec = excluded.spec, catch_up = excluded.catch_up, overlap = excluded.overlap, is_enabled = true,
                error = NULL, updated_at = clock_timestamp(),
                counted_from = CASE WHEN schedules.spec = excluded.spec AND schedules.is_enabled
                                    THEN schedules.counted_from ELSE excluded.counted_from END
            """
        ),
        {
            "id": group_id,
            "spec": json.dumps(definition.schedule) if definition.schedule is not None else None,
            **(
                {"catch_up": json.dumps(definition.catch_up.to_json()), "overlap": definition.overlap, "now": now}
                if definition.schedule is not None
                else {}
            ),
        },
    )
    notify(connection, SCHEDULES)


def _insert(connection: Connection, user_id: int, definition: GroupDefinition, creation_key: UUID | None) -> int | None:
    found: int | None = connection.scalar(
        text(
            """
            INSERT INTO job_groups (user_id, creation_key, data_source_id, endpoint_id, name, description, scope,
                                    level, priority, max_retries, retry_delay, max_parallel, crash_limit, keep_days,
                                    is_enabled)
            VALUES (:user_id, :creation_key, :data_source_id, :endpoint_id, :name, :description,
                    CAST(:scope AS jsonb), 1, :priority, :max_retries, :retry_delay, :max_parallel, :crash_limit,
                    :keep_days, :is_enabled)
            ON CONFLICT (user_id, name) DO NOTHING RETURNING id
            """
        ),
        {
            "user_id": user_id,
            "creation_key": creation_key,
            "data_source_id": source_id(connection, definition.data_source),
            **columns(definition),
        },
    )
    return found


def columns(definition: GroupDefinition) -> dict[str, object]:
    """The values of the group's own row, by column; not those that refer to other rows."""
    return {
        "endpoint_id": definition.endpoint_id,
        "name": definition.name,
        "description": definition.description,
        "scope": json.dumps(stored_scope(definition)),
        "priority": definition.priority,
        "max_retries": definition.max_retries,
        "retry_delay": definition.retry_delay_s,
        "max_parallel": definition.max_parallel,
        "crash_limit": definition.crash_limit,
        "keep_days": definition.keep_days,
        "is_enabled": definition.is_enabled,
    }


def _made_before(connection: Connection, creation_key: UUID | None) -> int | None:
    found: int | None = connection.scalar(
        text("SELECT id FROM job_groups WHERE creation_key = :key"), {"key": creation_key}
    )
    return found


def _nearest(connection: Connection, user_id: int, name: str) -> list[str]:
    """All names where there are few, else those that are spelled nearly like `name`."""
    names = group_graph.names(connection, user_id)
    return names if len(names) <= MOST_NAMED else difflib.get_close_matches(name, names, 3)


def _tell(connection: Connection) -> None:
    for topic in (SWITCHES, RUNS, JOBS):
        notify(connection, topic)
