"""The jobs that failed, to be looked at and tried again together."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import ErrorClass, InvalidInput, Reason
from moomarkets.store import job_pages, retries
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

MOST = 500


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which of the failed jobs: those of a group, and those whose last attempt failed with a class or a reason."""

    group: str | None = None
    error_class: ErrorClass | None = None
    reason: Reason | None = None

    @classmethod
    def of(cls, group: str | None, error_class: str | None, reason: str | None) -> Narrowed:
        """The same from words; those that do not exist are refused with those that do."""
        if error_class is not None and error_class not in {known.value for known in ErrorClass}:
            raise InvalidInput("error_class", f"one of {', '.join(ErrorClass)}", error_class)
        if reason is not None and reason not in {known.value for known in Reason}:
            raise InvalidInput("reason", f"one of {', '.join(Reason)}", reason)
        return cls(
            group,
            None if error_class is None else ErrorClass(error_class),
            None if reason is None else Reason(reason),
        )


class FailedJobs:
    """The failed jobs of one user, or some of them.

    Example: `system.jobs.failed(group="daily-bars", reason="network").retry()`
    """

    def __init__(
        self,
        database: Database,
        user_id: int,
        narrowed: Narrowed,
        clock: Clock,
        perform: Callable[[Callable[[Connection], object]], Any],
    ) -> None:
        self._database, self._user_id, self._narrowed = database, user_id, narrowed
        self._clock, self._perform = clock, perform

    def __repr__(self) -> str:
        return f"<FailedJobs {[job['name'] for job in self.list()]}>"

    def list(self) -> builtins.list[Record]:
        """Their rows with the class and the reason of the last attempt, newest change first; at most 500."""
        narrowed = self._narrowed
        return self._database.perform(
            lambda connection: job_pages.failed(
                connection,
                self._user_id,
                group=narrowed.group,
                error_class=narrowed.error_class,
                reason=narrowed.reason,
                limit=MOST,
            )
        )

    def retry(self) -> int:
        """Put them all back to work, those of groups in their newest run; returns how many.

        A group that has another run under way is left alone.
        """
        narrowed, now = self._narrowed, self._clock.sql_now()

        def work(connection: Connection) -> int:
            return retries.retry_failed(
                connection,
                self._user_id,
                narrowed.group,
                now,
                error_class=narrowed.error_class,
                reason=narrowed.reason,
            )

        count: int = self._perform(work)
        return count
