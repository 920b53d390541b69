"""What is said of a group when it is created or changed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from moomarkets.domain.catch_up import CatchUp, Overlap
from moomarkets.domain.errors import ErrorClass, Reason
from moomarkets.domain.group import Dependency, GroupDefinition, Match, OnFailure
from moomarkets.domain.job import PlannedJob
from moomarkets.web.shapes import Body, Day, Truth, Whole


class DependencyBody(Body):
    """A group that has to have run before."""

    group: str
    match: Match = Match.LATEST
    on_failure: OnFailure = OnFailure.SKIP


def _edge(edge: object) -> object:
    return {"group": edge} if isinstance(edge, str) else edge


Edge = Annotated[DependencyBody, BeforeValidator(_edge, json_schema_input_type=str | DependencyBody)]
"""A dependency, or the mere name of its group. Not a union of the two: a fault is told once, by its field."""


class PlannedJobBody(Body):
    """A job that each run does, beside those that its job types plan."""

    key: str
    job_type: str
    name: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    symbol: str | None = None

    def as_job(self) -> PlannedJob:
        """The value that the services take."""
        return PlannedJob(self.key, self.job_type, self.name or self.key, self.parameters, self.symbol)


class GroupBody(Body):
    """A group; what is left out has its default, or stays as it is."""

    name: str
    data_source: str | None = None
    job_types: list[str] = Field(default_factory=list)
    endpoint_id: str | None = None
    description: str = ""
    scope: dict[str, Any] = Field(default_factory=dict)
    jobs: list[PlannedJobBody] = Field(default_factory=list)
    schedule: dict[str, Any] | None = None
    catch_up: dict[str, Any] | str = "latest"
    overlap: Overlap = Overlap.SKIP
    depends_on: list[Edge] = Field(default_factory=list)
    parent: str | None = None
    priority: Whole = 5
    max_retries: Whole = 3
    retry_delay_s: Whole = 300
    max_parallel: Whole | None = None
    crash_limit: Whole | None = None
    keep_days: Whole | None = None
    is_enabled: Truth = True

    def given(self) -> dict[str, Any]:
        """The fields that were given, as the services take them."""
        fields = {name: getattr(self, name) for name in self.model_fields_set}
        for name, value in fields.items():
            match name:
                case "job_types":
                    fields[name] = tuple(value)
                case "jobs":
                    fields[name] = tuple(job.as_job() for job in value)
                case "catch_up":
                    fields[name] = CatchUp.from_json(value)
                case "depends_on":
                    fields[name] = tuple(Dependency(edge.group, edge.match, edge.on_failure) for edge in value)
        return fields

    def as_definition(self) -> GroupDefinition:
        """A new group."""
        return GroupDefinition(**{"data_source": None, **self.given()})


class GroupChanges(GroupBody):
    """What is to be changed; all else stays as it is."""

    name: str = ""


class RunBody(Body):
    """What a run by hand is for: the date that its dependents match it by; default today."""

    for_on: Day | None = None


class RetryBody(Body):
    """Which failed jobs are tried again: all, or those whose last attempt met this."""

    reason: Reason | None = None
    error_class: ErrorClass | None = None
