"""Which days of a dataset a scope asks for: those that can be had, those out of reach, and those still to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.source import Endpoint
from moomarkets.domain.upkeep import Cut, Upkeep
from moomarkets.jobtypes.job_type import PlanView
from moomarkets.jobtypes.scope import newest_of, ranges_of

NEWEST = 20
_LONGEST = timedelta(days=20 * 366)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The days that a scope asks for and that have data, each list oldest first.

    `days` are published and readable; `beyond` the subscription does not reach; `coming` are not published yet.
    """

    days: tuple[date, ...]
    beyond: tuple[date, ...] = ()
    coming: tuple[date, ...] = ()


def wanted_days(endpoint: Endpoint, upkeep: Upkeep, view: PlanView, scope: Mapping[str, object]) -> Wanted:
    """What the scope asks for, by the calendar, the times of publication and the reach of the subscription.

    Without any dates: the newest 20 days, or all dates where a range comes in one request.
    """
    newest = upkeep.publication.newest(view.now, view.calendar)
    last = min(newest, view.last_on or newest)
    oldest = max(view.first_on, endpoint.since or view.first_on)
    ranges, count = ranges_of(scope), newest_of(scope)
    if not ranges and count is None and upkeep.cut is Cut.RANGE:
        ranges = [(oldest, last)]
    if not ranges or count is not None:
        return Wanted(_newest(count or NEWEST, oldest, last, ranges, upkeep, view))
    today = view.now.astimezone(upkeep.publication.zone).date()
    asked = sorted({day for given in ranges for day in _asked(given, endpoint, upkeep, view, today)})
    return Wanted(
        tuple(day for day in asked if oldest <= day <= last),
        tuple(day for day in asked if day < oldest or last < day <= newest),
        tuple(day for day in asked if day > newest),
    )


def _newest(
    count: int, oldest: date, last: date, ranges: list[tuple[date, date]], upkeep: Upkeep, view: PlanView
) -> tuple[date, ...]:
    """The newest days, up to the end of the range where one is given."""
    if ranges:
        last = min(last, max(end for _, end in ranges))
    if last < oldest:
        return ()
    days = view.calendar.newest(count, last)
    starts = [start for start, _ in ranges]
    oldest = max(oldest, min(starts)) if starts else oldest
    return tuple(day for day in days if day >= oldest and upkeep.has_data(day, view.calendar))


def _asked(given: tuple[date, date], endpoint: Endpoint, upkeep: Upkeep, view: PlanView, today: date) -> Iterator[date]:
    """The days with data in a range; nothing is looked up before the provider has any, nor beyond today."""
    first = max(given[0], endpoint.since or max(view.first_on, today - _LONGEST))
    last = min(given[1], today)
    for ahead in range((last - first).days + 1):
        day = first + timedelta(days=ahead)
        if upkeep.has_data(day, view.calendar):
            yield day


def check_codes(endpoint: Endpoint, scope: Mapping[str, object]) -> None:
    """Refuse codes where a dataset has none."""
    if scope.get("codes") is not None and not endpoint.dataset.symbol and not _takes_codes(endpoint):
        raise InvalidInput(
            "scope codes", f"none, as {endpoint.dataset.name} is not about single issues", scope["codes"]
        )


def _takes_codes(endpoint: Endpoint) -> bool:
    return endpoint.upkeep is not None and bool(endpoint.upkeep.code_parameter)
