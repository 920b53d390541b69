"""Looks at what a job type keeps by a scope: what is expected, what is missing, and every way to get that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol, runtime_checkable

from moomarkets.domain.coverage import Expected
from moomarkets.domain.job import PlannedJob
from moomarkets.domain.ways import Offer, Step, Volume, Way
from moomarkets.jobtypes.job_type import JobType, PlanView


@dataclass(frozen=True, slots=True)
class Survey:
    """What a scope asks for: `gaps` of what is `expected` are missing; `beyond` is out of reach, `coming` not out yet.

    `offers` are the ways to close the gaps; none where the job type knows only its own.
    """

    expected: tuple[Expected, ...]
    gaps: tuple[Expected, ...]
    offers: tuple[Offer, ...]
    beyond: tuple[date, ...] = ()
    coming: tuple[date, ...] = ()


@runtime_checkable
class Surveyor(Protocol):
    """A job type that can say more of its dataset than which jobs it would plan."""

    def survey(self, view: PlanView, scope: Mapping[str, object]) -> Survey:
        """What the scope asks for, and what of it is missing."""


def survey(job_type: JobType, view: PlanView, scope: Mapping[str, object]) -> Survey:
    """The same of any job type: what it does not say itself is read from the jobs that it plans."""
    if isinstance(job_type, Surveyor):
        return job_type.survey(view, scope)
    expected = _partitions(job_type.plan(replace(view, covered=[]), scope))
    gaps = _partitions(job_type.plan(view, scope))
    size = Volume().learnt(view.past).code_day_bytes
    steps = tuple(Step(Way.RANGE, gap.key, gap.from_on, gap.to_on, (gap.to_on,), 1, size) for gap in gaps)
    return Survey(expected, gaps, (Offer(Way.RANGE, steps),))


def _partitions(jobs: list[PlannedJob]) -> tuple[Expected, ...]:
    """The partitions of planned jobs, as far as these say which they fetch; when each came out is not known."""
    found = []
    for job in jobs:
        given = job.parameters
        if {"key", "from", "to"} <= set(given):
            first, last = date.fromisoformat(str(given["from"])), date.fromisoformat(str(given["to"]))
            found.append(Expected(str(given["key"]), first, last, datetime.min.replace(tzinfo=UTC)))
    return tuple(found)
