"""Looks again at what is here: which fetched days a run asks for once more, to see whether they still are the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime, timedelta

from moomarkets.domain.coverage import ALL, Expected
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.job import PlannedJob
from moomarkets.domain.upkeep import Cut, Upkeep
from moomarkets.jobtypes.fetch import Fetch
from moomarkets.jobtypes.job_type import PlanView

REVERIFY = "reverify"
"""The key of a scope that says how many days a run looks at again."""

MOST = 1000
DOUBTFUL_AFTER = timedelta(days=7)
"""So old a look must be at least before a doubtful day gets another one: what is wrong takes days to be put right."""

ANY_AFTER = timedelta(days=28)
"""The same for a day without doubts."""

EARLY = timedelta(days=1)
"""What was fetched so soon after its publication may have been corrected since."""

Make = Callable[[Fetch, date], PlannedJob]
"""Makes the job of a fetch that begins on that day."""


def reverify_of(scope: Mapping[str, object]) -> int:
    """`reverify`: how many days a run looks at again; none where the scope says nothing."""
    value = scope.get(REVERIFY, 0)
    if type(value) is not int or not 0 <= value <= MOST:
        raise InvalidInput("scope reverify", f"a whole number from 0 to {MOST:,}", value)
    return value


def verifications(
    upkeep: Upkeep, view: PlanView, scope: Mapping[str, object], taken: Collection[date], make: Make
) -> list[PlannedJob]:
    """The jobs that look again, as many as the scope allows: doubtful days first, then those seen longest ago.

    Only whole trading days are looked at again. `taken` are days for which the run has a job already.
    """
    count = reverify_of(scope)
    if not count or upkeep.cut is not Cut.DAY:
        return []
    readable = [
        (day, seen_at)
        for day, seen_at in _days(view)
        if view.first_on <= day <= (view.last_on or date.max) and day not in taken
    ]
    doubtful = sorted(
        (seen_at, day)
        for day, seen_at in readable
        if seen_at <= view.now - DOUBTFUL_AFTER and (day in view.doubtful or _was_early(upkeep, day, seen_at))
    )
    others = sorted((seen_at, day) for day, seen_at in readable if seen_at <= view.now - ANY_AFTER)
    chosen = list(dict.fromkeys(day for _, day in (*doubtful, *others)))[:count]
    return [make(_fetch(upkeep, day, view.now), day) for day in chosen]


def _days(view: PlanView) -> Iterator[tuple[date, datetime]]:
    """Every trading day that is here for the whole market, and when it was fetched."""
    for part in view.covered:
        if part.key != ALL:
            continue
        if part.from_on == part.to_on:
            yield part.from_on, part.fetched_at
        else:
            for day in view.calendar.trading_days(part.from_on, part.to_on):
                yield day, part.fetched_at


def _was_early(upkeep: Upkeep, day: date, seen_at: datetime) -> bool:
    return seen_at - (upkeep.final or upkeep.publication).of(day) < EARLY


def _fetch(upkeep: Upkeep, day: date, now: datetime) -> Fetch:
    request = {upkeep.day_parameter: day.isoformat()}
    return Fetch(Expected(ALL, day, day, upkeep.published_at(day, now)), request, is_verification=True)
