"""Where everything stands: groups, data, and what is left to do."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from moomarkets.services.credentials import Credentials
from moomarkets.store import nodes, reports, sources
from moomarkets.store.database import Database
from moomarkets.store.reports import Record


class Status:
    """Reads the state of the whole from the store; works whether or not a supervisor runs.

    Example: `system.status.datasets()["daily_bars"]`
    """

    def __init__(self, database: Database, user_id: int, credentials: Credentials) -> None:
        self._database, self._user_id, self._credentials = database, user_id, credentials

    def show(self) -> Record:
        """Groups with the counters of their newest run, rows by dataset, nodes that live, what is left, credentials."""
        states = [{"source": one["source"], "state": one["state"]} for one in self._credentials.list()]
        return self._database.perform(
            lambda connection: {
                "groups": reports.groups(connection, self._user_id),
                "datasets": reports.dataset_rows(connection, self._user_id),
                "nodes": reports.nodes(connection),
                "left": reports.work_left(connection, self._user_id),
                "credentials": states,
            }
        )

    def is_running(self) -> bool:
        """Whether a supervisor runs: one has shown itself lately, and nothing proves that its process is gone."""

        def look(connection: Connection) -> bool:
            # Without a name of its own the one who asks is none of them.
            dead = nodes.proven_dead(connection, nodes.identify(UUID(int=0), ""))
            return any(node["id"] not in dead for node in reports.nodes(connection))

        return self._database.perform(look)

    def groups(self) -> list[Record]:
        """All groups with the counters of their newest run."""
        return self._database.perform(lambda connection: reports.groups(connection, self._user_id))

    def is_enabled(self, source: str) -> bool:
        """Whether the source is switched on."""
        return self._database.perform(lambda connection: sources.find(connection, source)).is_enabled

    def datasets(self) -> dict[str, int]:
        """How many rows of each dataset there are."""
        return self._database.perform(lambda connection: reports.dataset_rows(connection, self._user_id))

    def work_left(self) -> Record:
        """What is not done yet; see `reports.work_left`."""
        return self._database.perform(lambda connection: reports.work_left(connection, self._user_id))
