"""The scope of a group as it is stored: what a person said of it, with its job types and its explicit jobs."""

from __future__ import annotations

from collections.abc import Mapping

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.job import PlannedJob

JOB_TYPES = "job_types"
JOBS = "jobs"


def stored_scope(definition: GroupDefinition) -> dict[str, object]:
    """The map that is kept for the group.

    Example:
        >>> stored_scope(GroupDefinition("bars", "yahoo", ("yahoo_daily_bars",), scope={"symbols": ["AAPL"]}))
        {'symbols': ['AAPL'], 'job_types': ['yahoo_daily_bars']}
    """
    scope: dict[str, object] = {**definition.scope, JOB_TYPES: list(definition.job_types)}
    if definition.jobs:
        scope[JOBS] = [
            {
                "key": job.key,
                "job_type": job.job_type,
                "name": job.name,
                "symbol": job.symbol,
                "parameters": job.parameters,
            }
            for job in definition.jobs
        ]
    return scope


def own_scope(scope: Mapping[str, object]) -> dict[str, object]:
    """What a person said of the scope, without job types and jobs."""
    return {name: value for name, value in scope.items() if name not in (JOB_TYPES, JOBS)}


def job_types(scope: Mapping[str, object]) -> tuple[str, ...]:
    """The job types that plan the group's runs."""
    names = scope.get(JOB_TYPES, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInput("scope job_types", "a list of job types", names)
    return tuple(names)


def explicit_jobs(scope: Mapping[str, object]) -> tuple[PlannedJob, ...]:
    """The jobs that each run of the group does beside those that its job types plan."""
    given = scope.get(JOBS, [])
    try:
        return tuple(
            PlannedJob(job["key"], job["job_type"], job["name"], job["parameters"], job.get("symbol"))
            for job in given  # type: ignore[attr-defined]  # what is no list of maps is refused below
        )
    except (TypeError, KeyError, AttributeError):
        raise InvalidInput("scope jobs", "a list of jobs", given) from None
