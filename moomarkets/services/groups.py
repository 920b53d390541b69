"""What can be done with groups: create, run, stop, pause, resume, look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

from actors import job_manager
from actors.otp.runtime import Runtime
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.group import GroupDefinition, RunKind, RunStatus
from moomarkets.domain.retry import RetryPolicy
from moomarkets.domain.schedule import Schedule
from moomarkets.services.jobs import check_group
from moomarkets.store import groups, reports, runs
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

LOOK_EVERY_S = 0.1
LONGEST_NAME = 200


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

    def wait(self, timeout_s: float) -> RunStatus:
        """Wait until the run has ended, at most `timeout_s`; returns its state then, final or not."""
        clock, token = self._runtime.clock, CancelToken()
        deadline = clock.monotonic() + timeout_s
        while not (status := self.status).is_final and clock.monotonic() < deadline:
            token.sleep(LOOK_EVERY_S)
        return status


class GroupDesk:
    """The groups of one user, to look at and to ask for runs; needs no running system.

    Example: `installation.groups.request("daily-bars")`
    """

    def __init__(self, database: Database, user_id: int) -> None:
        self._database, self._user_id = database, user_id

    def list(self) -> list[Record]:
        """All groups, with the counters of their newest run."""
        return self._database.perform(lambda connection: reports.groups(connection, self._user_id))

    def exists(self, name: str) -> bool:
        """Whether there is a group of that name."""
        return self._database.perform(lambda connection: groups.exists(connection, self._user_id, name))

    def request(self, name: str) -> int:
        """Ask for a run, which starts as soon as a supervisor runs and nothing blocks it; returns its id.

        A run that is under way is the answer.

        Raises:
            NotFound: there is no such group.
        """

        def work(connection: Connection) -> int:
            check_group(connection, self._user_id, name)
            # Repeated with another key it finds the run of the first try, of which a group has one at a time.
            creation_key = connection.scalar(text("SELECT gen_random_uuid()"))
            group = groups.find(connection, self._user_id, name)
            return runs.request(connection, group.id, creation_key, RunKind.MANUAL)[0]

        return self._database.perform(work)


class Groups(GroupDesk):
    """The groups of one user.

    Example: `system.groups.run("daily-bars")`, `system.groups.pause("yahoo-daily-bars")`
    """

    def __init__(self, runtime: Runtime, database: Database, user_id: int) -> None:
        super().__init__(database, user_id)
        self._runtime = runtime

    def create(self, definition: GroupDefinition) -> int:
        """Store a new group and return its id.

        Raises:
            Conflict: there is a group of that name.
            NotFound: the source, or a group that it depends on, does not exist.
            InvalidInput: a value is out of its range, or the schedule or the dependencies make no sense.
        """
        _check(definition)
        if definition.schedule is not None:
            Schedule.from_json(definition.schedule)
        now = self._runtime.clock.now()
        return self._database.perform(lambda connection: groups.create(connection, self._user_id, definition, now))

    def run(self, name: str) -> RunHandle:
        """Ask for a run now, which starts once nothing blocks it; a run that is under way is the answer."""
        creation_key = self._runtime.new_id()

        def work(connection: Connection) -> int:
            group = groups.find(connection, self._user_id, name)
            return runs.request(connection, group.id, creation_key, RunKind.MANUAL)[0]

        return RunHandle(self._runtime, self._database, self._perform(work))

    def stop(self, name: str) -> None:
        """Cancel the group's run, with its jobs that wait and those that run; without a run nothing happens."""

        def work(connection: Connection) -> list[int]:
            found = groups.find(connection, self._user_id, name)
            active = runs.active(connection, found.id)
            return runs.cancel(connection, active) if active is not None else []

        self._perform(work, cancels=True)

    def pause(self, name: str) -> None:
        """Let no further run of the group start until it is resumed; lasts over restarts."""
        self._perform(lambda connection: self._set_paused(connection, name, True))

    def resume(self, name: str) -> None:
        """Let the group go on."""
        self._perform(lambda connection: self._set_paused(connection, name, False))

    def _set_paused(self, connection: Connection, name: str, is_paused: bool) -> None:
        groups.set_paused(connection, groups.find(connection, self._user_id, name).id, is_paused)

    def _perform(self, work: Callable[[Connection], object], *, cancels: bool = False) -> Any:
        return job_manager.perform(self._runtime, work, cancels=cancels)


def _check(definition: GroupDefinition) -> None:
    """Refuse what the database would refuse too, in words for a person."""
    name = definition.name
    if name != name.strip() or not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput("name", f"1 to {LONGEST_NAME} visible characters without spaces around", name)
    if type(definition.priority) is not int or not 1 <= definition.priority <= 10:
        raise InvalidInput("priority", "a whole number from 1 to 10", definition.priority)
    if type(definition.retry_delay_s) is not int:
        raise InvalidInput("retry_delay", "whole seconds", definition.retry_delay_s)
    RetryPolicy(definition.max_retries, definition.retry_delay_s)
    if not definition.job_types:
        raise InvalidInput("job_types", "at least one", list(definition.job_types))
