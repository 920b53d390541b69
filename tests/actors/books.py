"""A test's own database with a source, groups and jobs in it, and what has become of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from moomarkets.domain.group import GroupDefinition, RunKind
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.limits import Window
from moomarkets.domain.source import SourceSpec
from moomarkets.store import groups, jobs, nodes, runs, sources
from moomarkets.store.database import Database

WORK = "work"
USER = 1


class Books:
    """What a test puts into the database and reads from it, beside the actors."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url, purpose="test", pool_size=2)
        self.node = nodes.identify(uuid4(), "test")
        self.source_id = self.database.perform(
            lambda connection: sources.ensure(
                connection, SourceSpec("sim", "Sim", "", "test", "http://127.0.0.1", "", (), (), False)
            )
        )
        self.database.perform(lambda connection: nodes.register(connection, self.node))

    def group(self, name: str = "group", **given: Any) -> int:
        """A group without retry delay."""
        definition = GroupDefinition(name, "sim", (WORK,), **{"retry_delay_s": 0, **given})
        return self.database.perform(lambda connection: groups.create(connection, USER, definition))

    def run(self, group: str = "group", **given: Any) -> int:
        """A pending run of a new group."""
        group_id = self.group(group, **given)
        return self.database.perform(lambda connection: runs.request(connection, group_id, uuid4(), RunKind.MANUAL)[0])

    def planned_run(self, keys: Sequence[str], group: str = "group", **given: Any) -> int:
        """A run under way with one due job for each key."""
        run_id = self.run(group, **given)
        planned = [PlannedJob(key, WORK, key, {}) for key in keys]
        with self.database.transaction() as connection:
            assert runs.admit(connection, run_id)
            connection.execute(text("DELETE FROM jobs WHERE run_id = :id"), {"id": run_id})  # the one that would plan
            runs.plan(connection, run_id, planned)
        return run_id

    def claim(self, count: int = 1, lease_s: float = 60.0, node_id: UUID | None = None) -> list[Attempt]:
        """Claim jobs as another process would."""
        return self.database.perform(
            lambda connection: jobs.claim(
                connection,
                node_id=node_id or self.node.id,
                claim_id=uuid4(),
                count=count,
                job_types=[WORK],
                lease_s=lease_s,
            )
        )

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        with self.database.transaction() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    def change(self, sql: str, **values: Any) -> None:
        """Run a statement that finds nothing."""
        with self.database.transaction() as connection:
            connection.execute(text(sql), values)

    def value(self, sql: str, **values: Any) -> Any:
        """The one value that a statement finds."""
        return self.rows(sql, **values)[0][0]

    def job(self, key: str) -> dict[str, Any]:
        """A job's row."""
        with self.database.transaction() as connection:
            found = connection.execute(text("SELECT * FROM jobs WHERE key = :key"), {"key": key})
            return dict(found.mappings().one())

    def bucket(self, windows: Sequence[Window] = ()) -> int:
        """The id of the permit bucket of the source's only user."""
        return int(self.value("SELECT id FROM permit_buckets WHERE data_source_id = :id", id=self.source_id))

    def close(self) -> None:
        """Close the connections."""
        self.database.close()
