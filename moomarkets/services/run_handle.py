"""One run of a group, to be watched from outside."""

from __future__ import annotations

from actors.otp.runtime import Runtime
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import NotFound
from moomarkets.domain.eta import RunProgress
from moomarkets.domain.group import RunStatus
from moomarkets.services import run_progress
from moomarkets.store import reports
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

LOOK_EVERY_S = 0.1


class RunHandle:
    """One run of a group, to be watched from outside.

    Example: `system.groups.run("daily-bars").wait(timeout_s=600)`
    """

    def __init__(self, runtime: Runtime, database: Database, run_id: int) -> None:
        self.id = run_id
        self._runtime, self._database = runtime, database

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.status}>"

    @property
    def status(self) -> RunStatus:
        """Its state now."""
        return RunStatus(str(self.show()["status"]))

    def show(self) -> Record:
        """Its row: state, counters, times, and what it waits for."""
        found = self._database.perform(lambda connection: reports.run(connection, self.id))
        if found is None:
            raise NotFound("run", self.id)
        return found

    def progress(self) -> RunProgress:
        """How far it has come, what its jobs wait for, and when it will be over."""
        return run_progress.look(self._database, None, self.id)

    def wait(self, timeout_s: float) -> RunStatus:
        """Wait until the run has ended, at most `timeout_s`; returns its state then, final or not."""
        clock, token = self._runtime.clock, CancelToken()
        deadline = clock.monotonic() + timeout_s
        while not (status := self.status).is_final and clock.monotonic() < deadline:
            token.sleep(LOOK_EVERY_S)
        return status
