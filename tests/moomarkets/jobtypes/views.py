"""What plans are made from, as tests set it."""

from __future__ import annotations

from datetime import date, datetime, time

from moomarkets.domain.calendar import TOKYO, TokyoCalendar
from moomarkets.domain.coverage import Covered
from moomarkets.domain.job import PlannedJob
from moomarkets.jobtypes.job_type import PlanView


def tokyo(day: str, hour: int = 18, minute: int = 0) -> datetime:
    """That wall time in Tokyo."""
    return datetime.combine(date.fromisoformat(day), time(hour, minute), TOKYO)


def view(
    now: datetime, covered: list[Covered] | None = None, first_on: date = date.min, last_on: date | None = None
) -> PlanView:
    """By default nothing is covered and everything may be read; the calendar follows the rules."""
    return PlanView(now, TokyoCalendar({}), covered or [], first_on, last_on)


def fetched(jobs: list[PlannedJob], at: datetime) -> list[Covered]:
    """The coverage once those jobs have all been done."""
    return [
        Covered(
            str(job.parameters["key"]),
            date.fromisoformat(str(job.parameters["from"])),
            date.fromisoformat(str(job.parameters["to"])),
            at,
        )
        for job in jobs
    ]
