"""Refuses a group that makes no sense before anything is stored, in words for a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from moomarkets.domain.catch_up import CatchUp, Overlap
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import Dependency, GroupDefinition, Match, OnFailure
from moomarkets.domain.group_scope import stored_scope
from moomarkets.domain.job import PLAN, PlannedJob
from moomarkets.domain.json_value import json_map
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.retry import RetryPolicy
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.submission import check_name
from moomarkets.jobtypes.scope import check_scope

LONGEST_DESCRIPTION = 10_000
FIELDS = tuple(field.name for field in fields(GroupDefinition))
_RANGES = {"max_parallel": (1, 10_000), "crash_limit": (1, 1000), "keep_days": (1, 36_500)}


ScopeKeys = Mapping[str, frozenset[str] | None]
"""By job type the keys of a scope that it knows; None: any."""


def scope_keys(job_types: Mapping[str, object]) -> ScopeKeys:
    """What each of these job types says of it; one from elsewhere that says nothing takes any key."""
    return {name: getattr(job_type, "scope_keys", None) for name, job_type in job_types.items()}


def check_group(
    definition: GroupDefinition, job_types: Collection[str] | None = None, keys: ScopeKeys | None = None
) -> None:
    """Refuse what the database, or a run, would refuse too; `job_types` are those that there are, None: nobody knows.

    `keys` tells what a scope may hold; a job type that is not in it takes anything.

    Raises:
        InvalidInput: names the field, what is expected there, and what was given.
    """
    _check_lists(definition)
    check_name("name", definition.name)
    _check_text("description", definition.description)
    for thing, name in (("data_source", definition.data_source), ("endpoint_id", definition.endpoint_id)):
        if name is not None:
            check_name(thing, name)
    if type(definition.priority) is not int or not 1 <= definition.priority <= 10:
        raise InvalidInput("priority", "a whole number from 1 (low) to 10 (critical)", definition.priority)
    if type(definition.retry_delay_s) is not int:
        raise InvalidInput("retry_delay", "whole seconds", definition.retry_delay_s)
    RetryPolicy(definition.max_retries, definition.retry_delay_s)
    for thing, (low, high) in _RANGES.items():
        _check_count(thing, getattr(definition, thing), low, high)
    if type(definition.is_enabled) is not bool:
        raise InvalidInput("is_enabled", "true or false", definition.is_enabled)
    _check_work(definition, job_types)
    _check_scope(definition, keys or {})
    _check_timing(definition)
    _check_edges(definition)


def changed(before: GroupDefinition, changes: Mapping[str, Any]) -> GroupDefinition:
    """The definition with these fields changed; lists do where tuples are kept.

    Raises:
        InvalidInput: there is no such field.
    """
    unknown = sorted(set(changes) - set(FIELDS))
    if unknown:
        expected = f"only fields of a group: {', '.join(FIELDS)}{did_you_mean(unknown[0], FIELDS)}"
        raise InvalidInput("group", expected, ", ".join(unknown))
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()
    }
    return replace(before, **given)


def named_job_types(definition: GroupDefinition) -> list[str]:
    """The job types that the definition names, as far as they are names at all."""
    named = [*definition.job_types, *(job.job_type for job in definition.jobs if isinstance(job, PlannedJob))]
    return [name for name in named if isinstance(name, str)]


def _check_lists(definition: GroupDefinition) -> None:
    for thing in ("job_types", "jobs", "depends_on"):
        if not isinstance(getattr(definition, thing), tuple):
            raise InvalidInput(thing, "a list", getattr(definition, thing))


def _check_work(definition: GroupDefinition, known: Collection[str] | None) -> None:
    if not definition.job_types and not definition.jobs:
        raise InvalidInput("job_types", "at least one, or explicit jobs", list(definition.job_types))
    for name in definition.job_types:
        _check_job_type("job_types", name, known)
    if not isinstance(definition.scope, dict) or {"job_types", "jobs"} & set(definition.scope):
        raise InvalidInput("scope", "a map without 'job_types' and 'jobs', which are fields of the group", "another")
    keys: set[str] = set()
    for job in definition.jobs:
        if not isinstance(job, PlannedJob):
            raise InvalidInput("jobs", "jobs with key, job_type, name and parameters", job)
        _check_job(job, known)
        if job.key in keys:
            raise InvalidInput("jobs", "keys that differ", job.key)
        keys.add(job.key)
    json_map("scope", stored_scope(definition))


def _check_scope(definition: GroupDefinition, keys: ScopeKeys) -> None:
    """A scope is that of all the group's job types together: each key has to say something to one of them."""
    known: set[str] = set()
    for name in definition.job_types:
        own = keys.get(name)
        if own is None:
            return
        known |= own
    if definition.job_types:
        check_scope(definition.scope, known)


def _check_job(job: PlannedJob, known: Collection[str] | None) -> None:
    check_name("jobs key", job.key)
    if job.key == PLAN:
        raise InvalidInput("jobs key", f"any other than {PLAN}, which is the job that plans the group", job.key)
    check_name("jobs name", job.name)
    _check_job_type("jobs job_type", job.job_type, known)
    if job.symbol is not None:
        check_name("jobs symbol", job.symbol)
    json_map("jobs parameters", job.parameters)


def _check_job_type(thing: str, name: object, known: Collection[str] | None) -> None:
    check_name(thing, name)
    there_are = None if known is None else sorted(set(known) - {PLAN})
    if name == PLAN or (there_are is not None and name not in there_are):
        names = ", ".join(there_are or ()) or "the job types that there are"
        raise InvalidInput(thing, f"one of {names}{did_you_mean(name, there_are or ())}", name)


def _check_timing(definition: GroupDefinition) -> None:
    if definition.schedule is not None:
        Schedule.from_json(definition.schedule)
        json_map("schedule", definition.schedule)
    if not isinstance(definition.catch_up, CatchUp):
        raise InvalidInput("catch_up", "a CatchUp", definition.catch_up)
    CatchUp.from_json(definition.catch_up.to_json())
    if definition.overlap not in list(Overlap):
        expected = f"one of {', '.join(Overlap)}{did_you_mean(definition.overlap, Overlap)}"
        raise InvalidInput("overlap", expected, definition.overlap)


def _check_edges(definition: GroupDefinition) -> None:
    seen: dict[str, Dependency] = {}
    for given in definition.depends_on:
        edge = Dependency(given) if isinstance(given, str) else given
        if not isinstance(edge, Dependency):
            raise InvalidInput("depends_on", "names of groups, or dependencies", given)
        check_name("depends_on", edge.group)
        for thing, value, words in (("match", edge.match, Match), ("on_failure", edge.on_failure, OnFailure)):
            if value not in list(words):
                raise InvalidInput(
                    f"depends_on {thing}", f"one of {', '.join(words)}{did_you_mean(value, words)}", value
                )
        if seen.setdefault(edge.group, edge) != edge:
            raise InvalidInput("depends_on", "each group on one kind of terms", edge.group)
    if definition.parent is not None:
        check_name("parent", definition.parent)


def _check_text(thing: str, value: object) -> None:
    is_text = isinstance(value, str) and len(value) <= LONGEST_DESCRIPTION and "\0" not in value
    if not is_text or any("\ud800" <= character <= "\udfff" for character in str(value)):
        raise InvalidInput(thing, f"a text of at most {LONGEST_DESCRIPTION:,} characters, without NUL", value)


def _check_count(thing: str, value: object, low: int, high: int) -> None:
    if value is not None and (type(value) is not int or not low <= value <= high):
        raise InvalidInput(thing, f"a whole number from {low} to {high:,}, or none", value)
