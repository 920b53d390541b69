"""Says why something is as it is, from the schedule to the rows; reads only, with or without a running system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from moomarkets.domain import dependencies
from moomarkets.domain.dependencies import Block
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.why import Explanation, RunFacts
from moomarkets.services.jobs import check_group
from moomarkets.store import reports, runs, why, why_due
from moomarkets.store.database import Database

MOST_JOBS = 20
LONGEST_ID = 18
"""Digits of the largest id that there will be."""


class Why:
    """The chain behind a job, a group, or a group on one date.

    Example: `system.why.group("daily-bars").remedies`
    """

    def __init__(self, database: Database, user_id: int) -> None:
        self._database, self._user_id = database, user_id

    def explain(self, thing: str, on: date | None = None) -> Explanation:
        """The chain behind a job, given by its id, or else behind the group of that name, on that date.

        Raises:
            NotFound: there is no such job or group.
            InvalidInput: a date beside a job.
        """
        is_id = thing.isdecimal() and len(thing) <= LONGEST_ID
        if not is_id or self._is_group(thing):
            return self.group(thing, on)
        if on is not None:
            raise InvalidInput("on", "no date beside a job", on.isoformat())
        return self.job(int(thing))

    def group(self, name: str, on: date | None = None) -> Explanation:
        """The chain behind a group: on that date, or else behind its newest run and those that are not over."""
        return self._database.perform(lambda connection: self._explain_group(connection, name, on))

    def job(self, job_id: int) -> Explanation:
        """The chain behind one job, with all its attempts."""
        return self._database.perform(lambda connection: self._explain_job(connection, job_id))

    def _is_group(self, name: str) -> bool:
        return self._database.perform(lambda connection: why_due.group(connection, self._user_id, name)) is not None

    def _explain_group(self, connection: Connection, name: str, on: date | None) -> Explanation:
        check_group(connection, self._user_id, name)
        found = why_due.group(connection, self._user_id, name)
        if found is None:
            raise NotFound("group", name)
        due = why_due.occurrences(connection, found.id, on)
        ids = {occurrence.run_id for occurrence in due if occurrence.run_id is not None}
        passes = _with_obstacles(connection, why.runs(connection, found.id, on, sorted(ids)))
        jobs = why.unfinished_jobs(connection, [run.id for run in passes], MOST_JOBS)
        blank = self._blank(connection, f"group {name}", on)
        return replace(blank, group=found, occurrences=tuple(due), runs=tuple(passes), jobs=tuple(jobs))

    def _explain_job(self, connection: Connection, job_id: int) -> Explanation:
        job = why.job(connection, self._user_id, job_id)
        if job is None:
            raise NotFound("job", job_id)
        job = replace(job, written=tuple(why.written(connection, [attempt.id for attempt in job.executions])))
        found = None if job.group is None else why_due.group(connection, self._user_id, job.group)
        run = None if job.run_id is None else why.run(connection, job.run_id)
        due = [] if run is None or found is None else why_due.occurrences(connection, found.id, run.for_on)
        return replace(
            self._blank(connection, f"job {job_id}", None),
            group=found,
            occurrences=tuple(one for one in due if one.run_id is not None and one.run_id == job.run_id),
            runs=() if run is None else tuple(_with_obstacles(connection, [run])),
            jobs=(job,),
        )

    def _blank(self, connection: Connection, asked: str, on: date | None) -> Explanation:
        return Explanation(asked, on, why_due.scheduler_is_enabled(connection), len(reports.nodes(connection)))


def _with_obstacles(connection: Connection, found: Sequence[RunFacts]) -> list[RunFacts]:
    """What pending runs wait for as things are now; their rows say how they were at a supervisor's last look."""
    pending = {run.id for run in found if run.status == "pending"}
    if not pending:
        return list(found)
    waiting = [replace(run, blocked_by=None) for run in runs.waiting(connection) if run.run_id in pending]
    blocked = {
        verdict.run_id: verdict.blocked_by for verdict in dependencies.decide(waiting) if isinstance(verdict, Block)
    }
    return [replace(run, blocked_by=blocked.get(run.id)) if run.id in pending else run for run in found]
