"""What is told of groups and their runs to faces that show them page by page."""

from __future__ import annotations

import builtins
from collections.abc import Callable

from sqlalchemy import Connection

from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.eta import RunProgress
from moomarkets.domain.group import RunStatus
from moomarkets.services import run_progress
from moomarkets.services.jobs import check_group, check_limit
from moomarkets.store import run_pages
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

PAGE = 50


class Runs:
    """The runs of one user, to look at; needs no running system.

    Example: `system.runs.list(group="daily-bars", limit=10)`
    """

    def __init__(self, database: Database, user_id: int) -> None:
        self._database, self._user_id = database, user_id

    def show(self, run_id: int) -> Record:
        """One run: state, counters, times, and what it waits for."""
        found = self._database.perform(lambda connection: run_pages.run(connection, self._user_id, run_id))
        if found is None:
            raise NotFound("run", run_id)
        return found

    def progress(self, run_id: int) -> RunProgress:
        """How far the run has come, what its jobs wait for, and when it will be over."""
        return run_progress.look(self._database, self._user_id, run_id)

    def list(
        self, *, group: str | None = None, status: str | None = None, before: int | None = None, limit: int = PAGE
    ) -> builtins.list[Record]:
        """Runs, newest first: at most `limit` (1-500), narrowed to a group or a status, with ids below `before`."""
        check_limit(limit)
        if before is not None and (type(before) is not int or not 1 <= before < 2**63):
            raise InvalidInput("before", "the id of a run, a whole number from 1", before)
        if status is not None and status not in list(RunStatus):
            raise InvalidInput("status", f"one of {', '.join(RunStatus)}", status)

        def work(connection: Connection) -> builtins.list[Record]:
            check_group(connection, self._user_id, group)
            return run_pages.runs(connection, self._user_id, group=group, status=status, before=before, limit=limit)

        return self._database.perform(work)

    def group(self, name: str) -> Record:
        """One group by its name, with the counters of its newest run."""
        return self._group(lambda connection: run_pages.group(connection, self._user_id, name=name), name)

    def group_by_id(self, group_id: int) -> Record:
        """The same by its id."""
        return self._group(lambda connection: run_pages.group(connection, self._user_id, id=group_id), group_id)

    def _group(self, look: Callable[[Connection], Record | None], wanted: str | int) -> Record:
        def work(connection: Connection) -> Record:
            found = look(connection)
            if found is None:
                names = run_pages.group_names(connection, self._user_id) if isinstance(wanted, str) else ()
                raise NotFound("group", wanted, names)
            return found

        return self._database.perform(work)
