"""What can be done with jobs and their attempts: look, queue new ones, pause, cancel, try again."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from sqlalchemy import Connection, text

from actors import job_manager, rescuer
from actors.otp.runtime import Runtime
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.job import ExecutionStatus, JobStatus
from moomarkets.domain.retry import QUEUE_RETRIES
from moomarkets.domain.submission import Submission, Terms
from moomarkets.services.failed_jobs import FailedJobs, Narrowed
from moomarkets.store import enqueue, groups, job_pages, job_switch, nodes, reports
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

MOST = 500


@dataclass(frozen=True, slots=True)
class QueueRules:
    """What holds for a job that stands alone and says nothing else; `job_types` are those that are known here."""

    job_types: Collection[str] = ()
    max_retries: int = QUEUE_RETRIES.max_retries
    retry_delay_s: int = int(QUEUE_RETRIES.delay_s)


class JobReader:
    """The jobs of one user, to look at; needs no running system.

    Example: `installation.jobs.list(status="failed")`
    """

    def __init__(self, database: Database, user_id: int) -> None:
        self._database, self._user_id = database, user_id

    def list(self, *, group: str | None = None, status: str | None = None, limit: int = MOST) -> builtins.list[Record]:
        """Jobs, newest change first: at most `limit` (1-500), narrowed to a group or a status."""
        check_limit(limit)
        check_status(status, JobStatus)

        def work(connection: Connection) -> builtins.list[Record]:
            check_group(connection, self._user_id, group)
            return reports.jobs(connection, self._user_id, group=group, status=status, limit=limit)

        return self._database.perform(work)

    def show(self, job_id: int) -> Record:
        """One job, with its newest `attempts` (at most 500, oldest first) and its progress of 0 to 100.

        Raises:
            NotFound: there is no such job.
        """

        def work(connection: Connection) -> Record:
            found = job_pages.job(connection, self._user_id, _checked(job_id))
            if found is None:
                raise NotFound("job", job_id)
            return {**found, "attempts": job_pages.attempts(connection, job_id, MOST)}

        return self._database.perform(work)


class JobDesk(JobReader):
    """The jobs of one user with all that can be done to them; needs no running system.

    What a supervisor does at this moment hears of it through the database.

    Example: `installation.jobs.enqueue("summarize", {"article": 7}, unique_key="7")`
    """

    def __init__(self, database: Database, user_id: int, clock: Clock, rules: QueueRules) -> None:
        super().__init__(database, user_id)
        self._clock, self._rules = clock, rules

    def enqueue(
        self,
        job_type: str,
        parameters: Mapping[str, object] | None = None,
        *,
        unique_key: str | None = None,
        **terms: Unpack[Terms],
    ) -> int:
        """Store one job that stands alone; returns its id once that is durable.

        `unique_key`: where a job of that type that is not over has it already, that one's id is the answer. The other
        terms are those of a `Submission`.

        Raises:
            InvalidInput: a value is out of its range, or there is no such job type; nothing was stored.
        """
        unique_keys = () if unique_key is None else (unique_key,)
        return self.enqueue_many(job_type, [parameters or {}], unique_keys=unique_keys, **terms)[0]

    def enqueue_many(
        self,
        job_type: str,
        parameters: Sequence[Mapping[str, object]],
        *,
        unique_keys: Sequence[str] = (),
        **terms: Unpack[Terms],
    ) -> builtins.list[int]:
        """Store one job for each of the parameters, all or none; returns their ids in the same order."""
        terms.setdefault("max_retries", self._rules.max_retries)
        terms.setdefault("retry_delay_s", self._rules.retry_delay_s)
        submission = Submission(job_type, parameters, unique_keys, **terms)
        key, known, now = self._new_key(), self._known(job_type), self._clock.sql_now()
        return self._database.perform_statement(
            lambda connection: enqueue.enqueue_many(connection, submission, key, known, now, self._user_id)
        )

    def pause(self, job_id: int) -> None:
        """Let a job that waits start nothing until it is resumed.

        Raises:
            NotFound: there is no such job.
            Conflict: it runs, or it has ended.
        """
        self._turn(job_switch.pause_job, job_id)

    def resume(self, job_id: int) -> None:
        """Let a paused job go on."""
        self._turn(job_switch.resume_job, job_id)

    def enable(self, job_id: int) -> None:
        """Switch the job on: the next run of its group has it again."""
        self.toggle(job_id, True)

    def disable(self, job_id: int) -> None:
        """Switch the job off: no run has it until it is switched on again; an attempt that runs finishes."""
        self.toggle(job_id, False)

    def toggle(self, job_id: int, is_enabled: bool) -> None:
        """Switch the job on or off."""
        if not isinstance(is_enabled, bool):
            raise InvalidInput("is_enabled", "true or false", is_enabled)
        now = self._clock.sql_now()
        self._change(job_id, lambda connection: job_switch.set_enabled(connection, job_id, is_enabled, now))

    def cancel(self, job_id: int) -> None:
        """End a job that waits, and stop its attempt if it runs; one that has ended is left alone."""
        now = self._clock.sql_now()
        self._change(job_id, lambda connection: job_switch.cancel_job(connection, job_id, now), cancels=True)

    def retry(self, job_id: int) -> None:
        """Put a job that has ended back to work, with fresh retries; one that waits becomes due at once.

        Raises:
            NotFound: there is no such job.
            Conflict: it is switched off or paused, or its group has had a newer run.
        """
        self._turn(job_switch.retry_job, job_id)

    def run(self, job_id: int) -> None:
        """Run a job now: the same as to retry it."""
        self.retry(job_id)

    def failed(
        self, *, group: str | None = None, error_class: str | None = None, reason: str | None = None
    ) -> FailedJobs:
        """Those that failed, to be tried again together; narrowed to a group, and to what their last attempt met.

        Raises:
            InvalidInput: there is no such error class or reason.
        """
        narrowed = Narrowed.of(group, error_class, reason)
        return FailedJobs(self._database, self._user_id, narrowed, self._clock, self._perform)

    def _turn(self, verb: Callable[..., object], job_id: int) -> None:
        now = self._clock.sql_now()
        self._change(job_id, lambda connection: verb(connection, job_id, now))

    def _change(self, job_id: int, work: Callable[[Connection], object], *, cancels: bool = False) -> None:
        def checked(connection: Connection) -> object:
            if job_pages.job(connection, self._user_id, _checked(job_id)) is None:
                raise NotFound("job", job_id)
            return work(connection)

        self._perform(checked, cancels=cancels)

    def _known(self, job_type: str) -> Collection[str]:
        """The job types that there are; those of other nodes are asked for only where ours do not do."""
        if job_type in self._rules.job_types:
            return self._rules.job_types
        return {*self._rules.job_types, *self._database.perform(nodes.known_job_types)}

    def _new_key(self) -> str:
        made = self._database.perform(lambda connection: connection.scalar(text("SELECT gen_random_uuid()")))
        return str(made)

    def _perform(self, work: Callable[[Connection], object], *, cancels: bool = False) -> Any:
        return self._database.perform(work)


class Jobs(JobDesk):
    """The jobs of one user, beside a running supervisor, which hears of changes at once.

    Example: `system.jobs.list(group="daily-bars", status="failed")`, `system.jobs.failed().retry()`
    """

    def __init__(self, runtime: Runtime, database: Database, user_id: int, rules: QueueRules | None = None) -> None:
        super().__init__(database, user_id, runtime.clock, rules or QueueRules())
        self._runtime = runtime

    def enqueue_many(
        self,
        job_type: str,
        parameters: Sequence[Mapping[str, object]],
        *,
        unique_keys: Sequence[str] = (),
        **terms: Unpack[Terms],
    ) -> builtins.list[int]:
        """Store one job for each of the parameters, all or none; returns their ids in the same order."""
        ids = super().enqueue_many(job_type, parameters, unique_keys=unique_keys, **terms)
        job_manager.wake_claimer(self._runtime)
        return ids

    def cleanup_running(self) -> int:
        """Take back at once what dead or silent processes held; returns how many attempts that were.

        By proof alone (a lease that is over on two looks, or a process that is gone): living owners lose nothing.
        """
        return rescuer.clean_up(self._runtime)

    def _new_key(self) -> str:
        return str(self._runtime.new_id())

    def _perform(self, work: Callable[[Connection], object], *, cancels: bool = False) -> Any:
        self._database.check_writable()
        return job_manager.perform(self._runtime, work, cancels=cancels)


class Executions:
    """The attempts of one user's jobs.

    Example: `system.executions.list(status="failed")`
    """

    def __init__(self, database: Database, user_id: int) -> None:
        self._database, self._user_id = database, user_id

    def list(self, *, group: str | None = None, status: str | None = None, limit: int = MOST) -> builtins.list[Record]:
        """Attempts, newest first: at most `limit` (1-500), narrowed to a group or a status."""
        check_limit(limit)
        check_status(status, ExecutionStatus)

        def work(connection: Connection) -> builtins.list[Record]:
            check_group(connection, self._user_id, group)
            return reports.executions(connection, self._user_id, group=group, status=status, limit=limit)

        return self._database.perform(work)


def check_limit(limit: int) -> None:
    """Refuse a page size out of range."""
    if type(limit) is not int or not 1 <= limit <= MOST:
        raise InvalidInput("limit", f"a whole number from 1 to {MOST}", limit)


def check_group(connection: Connection, user_id: int, group: str | None) -> None:
    """Refuse the name of a group that does not exist."""
    if group is not None and not groups.exists(connection, user_id, group):
        known = [str(record["name"]) for record in reports.groups(connection, user_id)]
        raise NotFound("group", group, known)


def check_status(status: str | None, known: type[JobStatus] | type[ExecutionStatus]) -> None:
    """Refuse a status that does not exist."""
    if status is not None and status not in {member.value for member in known}:
        raise InvalidInput("status", f"one of {', '.join(known)}", status)


def _checked(job_id: int) -> int:
    if type(job_id) is not int or not 1 <= job_id < 2**63:
        raise InvalidInput("job", "its id, a whole number from 1", job_id)
    return job_id
