"""The group job: looks at what is there and gives its run the child jobs that are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, InvalidInput, Reason
from moomarkets.domain.group_scope import explicit_jobs, job_types
from moomarkets.domain.job import PLAN, Attempt, PlannedJob, Usage
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.source import Endpoint
from moomarkets.domain.upkeep import Cut
from moomarkets.jobtypes.job_type import JobType, Outcome, PlanView, Tools
from moomarkets.jobtypes.plan_view import Sources, plan_view
from moomarkets.store import runs


class PlanGroup:
    """Plans one run of a group: the jobs of all its job types, in their order. Sends no request."""

    name = PLAN
    description = "Finds out what a run of a group has to fetch"
    default_schedule: Schedule | None = None
    source = ""
    dataset = ""
    scope_keys = frozenset[str]()

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """Nothing: a plan is not planned."""
        return []

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        assert attempt.run_id is not None
        run_id = attempt.run_id
        try:
            planned = tools.database.perform(lambda connection: _plan(connection, attempt, tools))
        except InvalidInput as error:
            raise AttemptError(Reason.INVALID, str(error)) from None
        now = tools.clock.sql_now()
        return Outcome(Usage(), lambda connection: _write(connection, run_id, planned, now))


def _plan(connection: Connection, attempt: Attempt, tools: Tools) -> list[PlannedJob]:
    """The child jobs that the group's job types ask for, in their order, then those that were given one by one.

    Job types whose data are gone once they were missed come first.

    The group counts as it was when the run started, whatever has become of it since.
    """
    scope = (
        connection.scalar(text("SELECT definition -> 'scope' FROM runs WHERE id = :id"), {"id": attempt.run_id}) or {}
    )
    sources, now = Sources(tools.source_ids, tools.subscriptions), tools.clock.now()
    planned = [
        job
        for job_type in sorted(_job_types(scope, tools), key=_can_wait)
        for job in job_type.plan(plan_view(connection, attempt.user_id, job_type, scope, sources, now), scope)
    ]
    return _without_twins([*planned, *explicit_jobs(scope)])


def _can_wait(job_type: JobType) -> bool:
    """Whether the past of its dataset can be asked for: where it cannot, what is missed is gone."""
    endpoint: Endpoint | None = getattr(job_type, "endpoint", None)
    return endpoint is None or endpoint.upkeep is None or endpoint.upkeep.cut is not Cut.NEWEST


def _without_twins(jobs: list[PlannedJob]) -> list[PlannedJob]:
    keys = Counter(job.key for job in jobs)
    twins = [key for key, count in keys.items() if count > 1]
    if twins:
        raise InvalidInput("jobs", "keys that differ", twins)
    return jobs


def _write(connection: Connection, run_id: int, planned: list[PlannedJob], now: datetime | None) -> None:
    runs.plan(connection, run_id, planned, now)


def _job_types(scope: Mapping[str, object], tools: Tools) -> list[JobType]:
    names = job_types(scope)
    unknown = [name for name in names if name not in tools.job_types]
    if unknown:
        raise InvalidInput("scope job_types", f"some of {', '.join(sorted(tools.job_types))}", unknown)
    return [tools.job_types[name] for name in names]
