"""What somebody asks to be queued: jobs that stand alone, checked before anything is stored."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.job import PLAN
from moomarkets.domain.json_value import json_map
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.retry import QUEUE_RETRIES, RetryPolicy
from moomarkets.domain.schedule import check_instant

PRIORITIES = {"summarize": 7, "generate_podcast": 5, "calculate_similarity": 3}
USUAL_PRIORITY = 5
LONGEST_NAME = 200
LONGEST_TIMEOUT_S = 86400.0
MOST_JOBS = 100_000


class Terms(TypedDict, total=False):
    """On which terms jobs are queued: the fields of a `Submission` of these names."""

    name: str | None
    priority: int | None
    due_at: datetime | None
    deadline_at: datetime | None
    timeout_s: float | None
    max_retries: int
    retry_delay_s: int


@dataclass(frozen=True, slots=True)
class Submission:
    """Jobs of one type on the same terms, one for each of `parameters`; none belongs to a group.

    `unique_keys`, where given, is as long as `parameters`. `priority` is 1-10 (None: the job type's own, usually 5);
    `due_at` None means at once; a job that is not claimed until `deadline_at` fails; `timeout_s` is the deadline of one
    attempt (None: as the settings say). `retry_delay_s` doubles with each retry.

    Example:
        >>> Submission("summarize", [{"article": 7}]).ranked
        7
    """

    job_type: str
    parameters: Sequence[Mapping[str, object]]
    unique_keys: Sequence[str] = ()
    name: str | None = None
    priority: int | None = None
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    timeout_s: float | None = None
    max_retries: int = QUEUE_RETRIES.max_retries
    retry_delay_s: int = int(QUEUE_RETRIES.delay_s)

    @property
    def ranked(self) -> int:
        """Its priority: the one that was given, else that of the job type."""
        return PRIORITIES.get(self.job_type, USUAL_PRIORITY) if self.priority is None else self.priority

    def check(self, job_types: Collection[str] | None = None) -> str:
        """Refuse what makes no sense; returns the parameters as one JSON list. `job_types` are those that there are."""
        _check_job_type(self.job_type, job_types)
        check_name("name", self.name if self.name is not None else self.job_type)
        if type(self.ranked) is not int or not 1 <= self.ranked <= 10:
            raise InvalidInput("priority", "a whole number from 1 (low) to 10 (critical)", self.priority)
        if type(self.retry_delay_s) is not int:
            raise InvalidInput("retry_delay", "whole seconds", self.retry_delay_s)
        RetryPolicy(self.max_retries, self.retry_delay_s)
        self._check_times()
        if len(self.parameters) > MOST_JOBS:
            raise InvalidInput("parameters", f"at most {MOST_JOBS:,} jobs at once", len(self.parameters))
        if self.unique_keys:
            self._check_unique_keys()
        return f"[{','.join([json_map('parameters', given) for given in self.parameters])}]"

    def _check_times(self) -> None:
        for thing, instant in (("due_at", self.due_at), ("deadline_at", self.deadline_at)):
            if instant is not None and (not isinstance(instant, datetime) or instant.tzinfo is None):
                raise InvalidInput(thing, "a datetime with a time zone", instant)
            if instant is not None:
                check_instant(thing, instant)
        if self.due_at is not None and self.deadline_at is not None and self.deadline_at <= self.due_at:
            raise InvalidInput("deadline_at", f"an instant after due_at ({self.due_at})", self.deadline_at)
        timeout_s = self.timeout_s
        is_number = isinstance(timeout_s, int | float) and not isinstance(timeout_s, bool) and math.isfinite(timeout_s)
        if timeout_s is not None and not (is_number and 1 <= timeout_s <= LONGEST_TIMEOUT_S):
            raise InvalidInput("timeout_s", f"seconds from 1 to {LONGEST_TIMEOUT_S:,.0f}", timeout_s)

    def _check_unique_keys(self) -> None:
        if len(self.unique_keys) != len(self.parameters):
            expected = f"one for each of the {len(self.parameters)} jobs"
            raise InvalidInput("unique_keys", expected, len(self.unique_keys))
        for key in self.unique_keys:
            check_name("unique_key", key)


def check_name(thing: str, name: object) -> None:
    """Refuse a name that is no name: 1 to 200 visible characters, without spaces around."""
    is_name = isinstance(name, str) and 1 <= len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()
    if not is_name:
        raise InvalidInput(thing, f"1 to {LONGEST_NAME} visible characters without spaces around", name)


def _check_job_type(job_type: object, known: Collection[str] | None) -> None:
    check_name("job_type", job_type)
    if job_type == PLAN:
        raise InvalidInput("job_type", "any other than the one that plans the run of a group", job_type)
    if known is not None and job_type not in known:
        there_are = sorted(set(known) - {PLAN})
        expected = f"one of {', '.join(there_are)}{did_you_mean(job_type, there_are)}"
        raise InvalidInput("job_type", expected, job_type)
