"""What this session is doing: its runs, and whether anything is left that could be done now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from moomarkets.domain import dependencies
from moomarkets.domain.dependencies import Admit, Skip
from moomarkets.store import reports, runs
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

_REMAINS = ("pending_runs", "running_runs", "later_jobs", "resting_jobs", "failed_groups")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look. `groups` as in the status; `runs` are those of this session; `datasets` counts rows."""

    groups: list[Record]
    runs: list[Record]
    is_idle: bool
    is_all_done: bool

    @property
    def requests(self) -> int:
        """Requests that the session's runs have sent."""
        return sum(int(str(run["requests"])) for run in self.runs)


class Progress:
    """Follows everything since its own making: runs that were active then, and all later ones."""

    def __init__(self, database: Database, user_id: int) -> None:
        self._database, self._user_id = database, user_id
        self._since = database.perform(reports.first_active_run)

    def look(self) -> Snapshot:
        """How things stand now."""
        return self._database.perform(self._look)

    def _look(self, connection: Connection) -> Snapshot:
        # All of it at one moment: a run that starts between two statements would be in neither, and all seem done.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        left = reports.work_left(connection)
        waiting = dependencies.decide(runs.waiting(connection))
        can_start = any(isinstance(decision, Admit | Skip) for decision in waiting)
        is_idle = not (can_start or left["due_jobs"] or left["running_jobs"])
        remains = any(left[kind] for kind in _REMAINS)
        return Snapshot(
            groups=reports.groups(connection, self._user_id),
            runs=reports.runs_from(connection, self._user_id, self._since),
            is_idle=is_idle,
            is_all_done=is_idle and not remains,
        )
