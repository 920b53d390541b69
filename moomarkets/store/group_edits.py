"""A group as a definition again, and the change from one definition to the next."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.domain.catch_up import CatchUp, Overlap
from moomarkets.domain.errors import Conflict
from moomarkets.domain.group import Dependency, GroupDefinition, Match, OnFailure
from moomarkets.domain.group_scope import explicit_jobs, job_types, own_scope
from moomarkets.store import group_graph, groups
from moomarkets.store.notify import RUNS, notify


def definition(connection: Connection, user_id: int, name: str) -> GroupDefinition:
    """The user's group of that name, as somebody would have to say it to get the same.

    Raises:
        NotFound: there is none.
    """
    group_id = groups.find(connection, user_id, name).id
    row = connection.execute(text("SELECT * FROM v_groups WHERE id = :id"), {"id": group_id}).one()
    is_scheduled = bool(row.schedule_is_enabled)
    return GroupDefinition(
        name=row.name,
        data_source=row.source,
        job_types=job_types(row.scope),
        endpoint_id=row.endpoint_id,
        description=row.description,
        scope=own_scope(row.scope),
        jobs=explicit_jobs(row.scope),
        schedule=row.schedule if is_scheduled else None,
        catch_up=CatchUp.from_json(row.catch_up) if is_scheduled else CatchUp(),
        overlap=Overlap(row.overlap) if is_scheduled else Overlap.SKIP,
        depends_on=tuple(
            Dependency(edge["group"], Match(edge["match"]), OnFailure(edge["on_failure"])) for edge in row.dependencies
        ),
        parent=row.parent,
        priority=row.priority,
        max_retries=row.max_retries,
        retry_delay_s=row.retry_delay,
        max_parallel=row.max_parallel,
        crash_limit=row.crash_limit,
        keep_days=row.keep_days,
        is_enabled=row.is_enabled,
    )


def change(
    connection: Connection, user_id: int, name: str, changed: GroupDefinition, now: datetime | None = None
) -> None:
    """Make the group `name` what `changed` says; a run under way goes on as it began. The graph is locked.

    Raises:
        NotFound: the group, its source, its parent, or a group that it depends on, does not exist.
        Conflict: the new name is that of another group.
        InvalidInput: the dependencies, or the parents, would form a circle.
    """
    group_id = groups.find(connection, user_id, name, locks=True).id
    if changed.name != name and groups.exists(connection, user_id, changed.name):
        raise Conflict(f"group {changed.name}: expected a new name, got one that exists")
    connection.execute(
        text(
            """
            UPDATE job_groups
            SET data_source_id = :data_source_id, endpoint_id = :endpoint_id, name = :name, description = :description,
                scope = CAST(:scope AS jsonb), priority = :priority, max_retries = :max_retries,
                retry_delay = :retry_delay, max_parallel = :max_parallel, crash_limit = :crash_limit,
                keep_days = :keep_days, is_enabled = :is_enabled, updated_at = clock_timestamp()
            WHERE id = :id
            """
        ),
        {
            "id": group_id,
            "data_source_id": groups.source_id(connection, changed.data_source),
            **groups.columns(changed),
        },
    )
    group_graph.connect(connection, user_id, group_id, changed)
    groups.write_schedule(connection, group_id, changed, now)
    # What a waiting run waits for may be another thing now.
    notify(connection, RUNS)
