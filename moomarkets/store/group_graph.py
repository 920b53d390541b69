"""How groups hang together: what each waits for, and whose child it is; never in a circle."""

from __future__ import annotations

from sqlalchemy import Connection, text

from moomarkets.domain.dependencies import refuse_cycle
from moomarkets.domain.errors import NotFound
from moomarkets.domain.group import Dependency, GroupDefinition


def lock(connection: Connection, user_id: int) -> None:
    """Let nobody else change the user's graph until the commit: two harmless edges can be a circle together.

    Comes before any lock of a group.
    """
    connection.execute(text("SELECT 1 FROM users WHERE id = :id FOR NO KEY UPDATE"), {"id": user_id})


def names(connection: Connection, user_id: int) -> list[str]:
    """The names of all the user's groups, by id."""
    found = connection.execute(
        text("SELECT name FROM job_groups WHERE user_id = :user_id ORDER BY id"), {"user_id": user_id}
    )
    return list(found.scalars())


def connect(connection: Connection, user_id: int, group_id: int, definition: GroupDefinition) -> None:
    """Have the group wait for and lie under what its definition says, and nothing else; the graph is locked.

    Raises:
        NotFound: a group that it names does not exist.
        InvalidInput: the dependencies, or the parents, would form a circle.
    """
    edges = {edge.group: edge for edge in map(as_dependency, definition.depends_on)}
    known = names(connection, user_id)
    for name in [*edges, *([definition.parent] if definition.parent is not None else [])]:
        if name not in known:
            raise NotFound("group", name, [other for other in known if other != definition.name])
    refuse_cycle({**_edges(connection, user_id), definition.name: list(edges)})
    parent_of = _parents(connection, user_id)
    parent_of[definition.name] = [definition.parent] if definition.parent is not None else []
    refuse_cycle(parent_of, "parent")
    _write_edges(connection, user_id, group_id, edges)
    _write_parent(connection, user_id, group_id, definition.parent)


def dependents(connection: Connection, group_id: int) -> list[str]:
    """The names of the groups that depend on this one or are its children."""
    found = connection.execute(
        text(
            """
            SELECT name FROM job_groups
            WHERE parent_id = :id
               OR id IN (SELECT job_group_id FROM job_group_dependencies WHERE depends_on_id = :id)
            ORDER BY id
            """
        ),
        {"id": group_id},
    )
    return list(found.scalars())


def as_dependency(given: str | Dependency) -> Dependency:
    """An edge that was given as a name alone, with the usual terms."""
    return Dependency(given) if isinstance(given, str) else given


def _write_edges(connection: Connection, user_id: int, group_id: int, edges: dict[str, Dependency]) -> None:
    connection.execute(text("DELETE FROM job_group_dependencies WHERE job_group_id = :id"), {"id": group_id})
    for edge in edges.values():
        connection.execute(
            text(
                """
                INSERT INTO job_group_dependencies (job_group_id, depends_on_id, match, on_failure)
                SELECT :id, job_groups.id, :match, :on_failure FROM job_groups
                WHERE user_id = :user_id AND name = :name
                """
            ),
            {
                "id": group_id,
                "user_id": user_id,
                "name": edge.group,
                "match": edge.match,
                "on_failure": edge.on_failure,
            },
        )


def _write_parent(connection: Connection, user_id: int, group_id: int, parent: str | None) -> None:
    """Hang the group under its parent, and count the levels below anew."""
    connection.execute(
        text(
            """
            UPDATE job_groups SET parent_id = (
                SELECT above.id FROM job_groups AS above
                WHERE above.user_id = :user_id AND above.name = CAST(:parent AS text))
            WHERE id = :id
            """
        ),
        {"id": group_id, "user_id": user_id, "parent": parent},
    )
    connection.execute(
        text(
            """
            WITH RECURSIVE counted AS (
                SELECT job_groups.id, coalesce(above.level, 0) + 1 AS level
                FROM job_groups LEFT JOIN job_groups AS above ON above.id = job_groups.parent_id
                WHERE job_groups.id = :id
              UNION
                SELECT child.id, counted.level + 1 FROM counted JOIN job_groups AS child ON child.parent_id = counted.id
            )
            UPDATE job_groups SET level = counted.level FROM counted
            WHERE job_groups.id = counted.id AND job_groups.level <> counted.level
            """
        ),
        {"id": group_id},
    )


def _edges(connection: Connection, user_id: int) -> dict[str, list[str]]:
    rows = connection.execute(
        text(
            """
            SELECT below.name, above.name FROM job_group_dependencies
            JOIN job_groups AS below ON below.id = job_group_id JOIN job_groups AS above ON above.id = depends_on_id
            WHERE below.user_id = :user_id ORDER BY below.id, above.id
            """
        ),
        {"user_id": user_id},
    )
    edges: dict[str, list[str]] = {}
    for name, upstream in rows:
        edges.setdefault(name, []).append(upstream)
    return edges


def _parents(connection: Connection, user_id: int) -> dict[str, list[str]]:
    rows = connection.execute(
        text(
            """
            SELECT below.name, above.name FROM job_groups AS below
            JOIN job_groups AS above ON above.id = below.parent_id
            WHERE below.user_id = :user_id ORDER BY below.id
            """
        ),
        {"user_id": user_id},
    )
    return {name: [parent] for name, parent in rows}
