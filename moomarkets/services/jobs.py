"""What can be done with jobs and their attempts: look, and try failed ones again."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from actors import job_manager
from actors.otp.runtime import Runtime
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.job import ExecutionStatus, JobStatus
from moomarkets.store import groups, jobs, reports, retries
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

MOST = 500


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


class Jobs(JobReader):
    """The jobs of one user.

    Example: `system.jobs.list(group="daily-bars", status="failed")`, `system.jobs.failed().retry()`
    """

    def __init__(self, runtime: Runtime, database: Database, user_id: int) -> None:
        super().__init__(database, user_id)
        self._runtime = runtime

    def enqueue(self, job_type: str, parameters: Mapping[str, object] | None = None) -> int:
        """Store one job that stands alone, due at once; returns its id once that is durable."""
        return self.enqueue_many(job_type, [parameters or {}])[0]

    def enqueue_many(self, job_type: str, parameters: Sequence[Mapping[str, object]]) -> builtins.list[int]:
        """Store one job for each of the parameters, all or none; returns their ids in the same order."""
        keys = [str(self._runtime.new_id()) for _ in parameters]
        ids = self._database.perform_statement(lambda connection: jobs.enqueue(connection, job_type, parameters, keys))
        job_manager.wake_claimer(self._runtime)
        return ids

    def failed(self, *, group: str | None = None) -> FailedJobs:
        """Those that failed, to be tried again together."""
        return FailedJobs(self._runtime, self._database, self._user_id, group)


class FailedJobs:
    """The failed jobs of one user, or of one group.

    Example: `system.jobs.failed(group="daily-bars").retry()`
    """

    def __init__(self, runtime: Runtime, database: Database, user_id: int, group: str | None) -> None:
        self._runtime, self._database, self._user_id, self._group = runtime, database, user_id, group

    def __repr__(self) -> str:
        return f"<FailedJobs {[job['name'] for job in self.list()]}>"

    def list(self) -> builtins.list[Record]:
        """Their rows."""
        return self._database.perform(
            lambda connection: reports.jobs(
                connection, self._user_id, group=self._group, status=JobStatus.FAILED, limit=MOST
            )
        )

    def retry(self) -> int:
        """Put them all back to `pending`, in their newest run; returns how many."""

        now = self._runtime.clock.sql_now()

        def work(connection: Connection) -> int:
            return retries.retry_failed(connection, self._user_id, self._group, now)

        count: int = job_manager.perform(self._runtime, work)
        return count


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
