"""What can be done with groups: create, edit, delete, run, stop, pause, resume, look."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from actors import job_manager
from actors.otp.runtime import Runtime
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.group import Dependency, GroupDefinition, RunKind
from moomarkets.domain.job import PlannedJob
from moomarkets.services.failed_jobs import Narrowed
from moomarkets.services.group_checks import changed, check_group, named_job_types, scope_keys
from moomarkets.services.run_handle import RunHandle
from moomarkets.store import group_edits, group_graph, groups, nodes, reports, retries, runs
from moomarkets.store.database import Database
from moomarkets.store.reports import Record


class GroupDesk:
    """The groups of one user; needs no running system.

    Beside a running supervisor all of it is heard there through the database: at once where work is to start, and with
    the next renewal of its lease by an attempt that is to stop.

    Example: `installation.groups.request("daily-bars")`
    """

    def __init__(
        self, database: Database, user_id: int, job_types: Collection[str] | None = None, clock: Clock | None = None
    ) -> None:
        """`job_types` are those that are known here, beside those of the nodes; None: anybody's word is taken.

        Given as a map from name to job type, they also say what a scope may hold.
        `clock` None: that of the database.
        """
        self._database, self._user_id, self._job_types, self._clock = database, user_id, job_types, clock
        self._keys = scope_keys(job_types) if isinstance(job_types, Mapping) else None

    # Look.

    def list(self) -> builtins.list[Record]:
        """All groups, with the counters of their newest run."""
        return self._database.perform(lambda connection: reports.groups(connection, self._user_id))

    def exists(self, name: str) -> bool:
        """Whether there is a group of that name."""
        return self._database.perform(lambda connection: groups.exists(connection, self._user_id, name))

    def definition(self, name: str) -> GroupDefinition:
        """The group as one would have to say it to get the same; `NotFound` where there is none."""
        return self._database.perform(lambda connection: group_edits.definition(connection, self._user_id, name))

    def tree(self) -> builtins.list[Record]:
        """The groups without a parent, each with its `children`, and so on down."""
        found: dict[object, Record] = {record["name"]: {**record, "children": []} for record in self.list()}
        roots: list[Record] = []
        for record in found.values():
            above = found.get(record["parent"])
            siblings: Any = roots if above is None else above["children"]
            siblings.append(record)
        return roots

    # Make and change.

    def create(self, definition: GroupDefinition, creation_key: UUID | None = None) -> int:
        """Store a new group and return its id; asked again with the same `creation_key`, it finds what it has stored.

        Raises:
            Conflict: there is a group of that name.
            NotFound: the source, its parent, or a group that it depends on, does not exist.
            InvalidInput: a value is out of its range, or the schedule or the dependencies make no sense.
        """
        check_group(definition, self._known(definition), self._keys)
        key, now = creation_key or self._new_key(), self._now()
        return self._database.perform(
            lambda connection: groups.create(connection, self._user_id, definition, now, creation_key=key)
        )

    def edit(self, name: str, /, **changes: Any) -> None:
        """Change fields of the group, named as in `GroupDefinition`; its next run goes by them, one under way does not.

        Raises:
            NotFound: the group, or what it refers to, does not exist.
            Conflict: the new name is taken.
            InvalidInput: as with `create`, or there is no such field.
        """
        self._change(name, lambda before: changed(before, changes))

    def set_dependencies(self, name: str, depends_on: Iterable[str | Dependency]) -> None:
        """Have the group wait for these groups, and for no others; refused where that would be a circle."""
        edges = tuple(depends_on)
        self.edit(name, depends_on=edges)

    def schedule_job(self, name: str, job: PlannedJob) -> None:
        """Have each run of the group do this job too; one of the same key is replaced."""

        def with_job(before: GroupDefinition) -> GroupDefinition:
            others = (other for other in before.jobs if other.key != job.key)
            return changed(before, {"jobs": (*others, job)})

        self._change(name, with_job)

    def delete(self, name: str) -> None:
        """Delete the group with its jobs, runs and history; data stay, and what still runs is stopped and dropped.

        Raises:
            NotFound: there is no such group.
            Conflict: other groups depend on it or are below it.
        """
        now = self._now()
        deleted: builtins.list[builtins.list[int]] = []

        def work(connection: Connection) -> builtins.list[int]:
            try:
                deleted.append(groups.delete(connection, self._user_id, name, now))
            except NotFound:
                # Tried again after a lost answer, it is gone by our own hand.
                if not deleted:
                    raise
            return deleted[-1]

        self._perform(work, cancels=True)

    def enable(self, name: str) -> None:
        """Let the group's schedule bring runs."""
        self._on(name, lambda connection, group_id: groups.set_enabled(connection, group_id, True))

    def disable(self, name: str) -> None:
        """Let the group's schedule bring no runs; what is asked for by hand runs all the same."""
        self._on(name, lambda connection, group_id: groups.set_enabled(connection, group_id, False))

    # Run.

    def request(self, name: str, for_on: date | None = None) -> int:
        """Ask for a run, which starts as soon as a supervisor runs and nothing blocks it; returns its id.

        `for_on` is the date that it is about; None: today, by the clock of its schedule. A run that is under way is the
        answer, and so is one that somebody has asked for already.

        Raises:
            NotFound: there is no such group.
            InvalidInput: `for_on` is no date.
        """
        if for_on is not None and type(for_on) is not date:
            raise InvalidInput("for_on", "a date without a time", for_on)
        key, now = self._new_key(), self._now()

        def work(connection: Connection) -> int:
            group = groups.find(connection, self._user_id, name, locks=True)
            return runs.request(connection, group.id, key, RunKind.MANUAL, now, for_on=for_on)[0]

        run_id: int = self._perform(work)
        return run_id

    def stop(self, name: str) -> None:
        """Cancel the group's runs, with their jobs that wait and those that run; without a run nothing happens."""
        now = self._now()

        def work(connection: Connection) -> builtins.list[int]:
            found = groups.find(connection, self._user_id, name, locks=True)
            # The waiting ones first, else the end of the first would let the next one start.
            active = reversed(runs.actives(connection, found.id))
            return [job_id for run_id in active for job_id in runs.cancel(connection, run_id, now)]

        self._perform(work, cancels=True)

    def pause(self, name: str) -> None:
        """Let nothing of the group, and of those below it, start until it is resumed; lasts over restarts."""
        self._on(name, lambda connection, group_id: groups.set_paused(connection, group_id, True))

    def resume(self, name: str) -> None:
        """Let the group go on."""
        self._on(name, lambda connection, group_id: groups.set_paused(connection, group_id, False))

    def retry_failed(self, name: str, *, reason: str | None = None, error_class: str | None = None) -> int:
        """Put the failed jobs of the group's newest run back to work; returns how many.

        Narrowed to those whose last attempt failed for that reason, or with an error of that class. A group that has
        another run under way or waiting is left to it.
        """
        narrowed, now = Narrowed.of(name, error_class, reason), self._now()

        def work(connection: Connection) -> int:
            groups.find(connection, self._user_id, name)
            return retries.retry_failed(
                connection, self._user_id, name, now, error_class=narrowed.error_class, reason=narrowed.reason
            )

        count: int = self._perform(work)
        return count

    # How it is done.

    def _change(self, name: str, change: Callable[[GroupDefinition], GroupDefinition]) -> None:
        """Read, change, check and store in one transaction, so that two edits at once are both kept."""
        known, now = self._all_known(), self._now()
        renamed: builtins.list[str] = []

        def work(connection: Connection) -> None:
            group_graph.lock(connection, self._user_id)
            if renamed and not groups.exists(connection, self._user_id, name):
                # Tried again after a lost answer, it has its new name already.
                groups.find(connection, self._user_id, renamed[-1])
                return
            after = change(group_edits.definition(connection, self._user_id, name))
            check_group(after, known, self._keys)
            group_edits.change(connection, self._user_id, name, after, now)
            if after.name != name:
                renamed.append(after.name)

        self._perform(work)

    def _on(self, name: str, work: Callable[[Connection, int], None]) -> None:
        self._perform(lambda connection: work(connection, groups.find(connection, self._user_id, name).id))

    def _known(self, definition: GroupDefinition) -> Collection[str] | None:
        """The job types that there are; those of other nodes are asked for only where ours do not do."""
        if self._job_types is None or all(name in self._job_types for name in named_job_types(definition)):
            return self._job_types
        return self._all_known()

    def _all_known(self) -> Collection[str] | None:
        if self._job_types is None:
            return None
        return {*self._job_types, *self._database.perform(nodes.known_job_types)}

    def _new_key(self) -> UUID:
        """Made before the first try, so that a second one finds what the first has stored."""
        made: UUID = self._database.perform(lambda connection: connection.scalar(text("SELECT gen_random_uuid()")))
        return made

    def _now(self) -> datetime | None:
        """None: the clock of the database."""
        return None if self._clock is None else self._clock.sql_now()

    def _perform(self, work: Callable[[Connection], object], *, cancels: bool = False) -> Any:
        return self._database.perform(work)


class Groups(GroupDesk):
    """The groups of one user, beside a running supervisor, which hears of changes at once.

    Example: `system.groups.run("daily-bars")`, `system.groups.pause("yahoo-daily-bars")`
    """

    def __init__(
        self, runtime: Runtime, database: Database, user_id: int, job_types: Collection[str] | None = None
    ) -> None:
        super().__init__(database, user_id, job_types, runtime.clock)
        self._runtime = runtime

    def run(self, name: str, for_on: date | None = None) -> RunHandle:
        """Ask for a run now, which starts once nothing blocks it; a run that is under way is the answer."""
        return RunHandle(self._runtime, self._database, self.request(name, for_on))

    def _new_key(self) -> UUID:
        return self._runtime.new_id()

    def _perform(self, work: Callable[[Connection], object], *, cancels: bool = False) -> Any:
        self._database.check_writable()
        return job_manager.perform(self._runtime, work, cancels=cancels)
