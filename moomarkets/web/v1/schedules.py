"""Schedules: what is due next, and what one would mean before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from moomarkets.domain.errors import InvalidInput
from moomarkets.services.schedules import read_schedule
from moomarkets.web.access import Desk
from moomarkets.web.shapes import Body, Count, Instant, Page, public

router = APIRouter(tags=["schedules"])


class PreviewBody(Body):
    """Any schedule, as a group takes it."""

    schedule: dict[str, Any]
    after: Instant | None = None
    n: Count = 5


@router.get("/schedules", summary="The schedules of all groups")
def index(desk: Desk) -> Page:
    """Each told in words; one that cannot be read says why."""
    return Page(items=[public(schedule) for schedule in desk.schedules.list()])


@router.get("/schedules/next", summary="The next due instants over all groups")
def coming(desk: Desk, n: Annotated[int, Query(ge=1, le=500)] = 5) -> Page:
    """The soonest first."""
    return Page(items=[public(instant) for instant in desk.schedules.next(n)])


@router.get("/schedules/preview", summary="The next instants of a cron expression or an interval")
def preview(
    desk: Desk,
    cron: Annotated[str | None, Query(max_length=1000, description="such as `0 17 * * 1-5`")] = None,
    tz: Annotated[str, Query(max_length=100, description="the zone of `cron`")] = "UTC",
    every_s: Annotated[float | None, Query(description="seconds, in place of `cron`")] = None,
    after: Annotated[Instant | None, Query(description="default: now")] = None,
    n: Annotated[int, Query(ge=1, le=500)] = 5,
) -> dict[str, Any]:
    """`n` instants in UTC, later than `after`; a daylight saving change shows as it will be."""
    if (cron is None) == (every_s is None):
        raise InvalidInput("cron", "either cron or every_s", {"cron": cron, "every_s": every_s})
    spec: dict[str, object] = {"every_s": every_s} if cron is None else {"cron": cron, "timezone": tz}
    return _previewed(desk, spec, after, n)


@router.post("/schedules/preview", summary="The next instants of any schedule")
def preview_any(desk: Desk, body: PreviewBody) -> dict[str, Any]:
    """The same for a schedule as a group takes it, one by the days of a market too."""
    return _previewed(desk, body.schedule, body.after, body.n)


def _previewed(desk: Desk, spec: dict[str, object], after: datetime | None, n: int) -> dict[str, Any]:
    instants = desk.schedules.preview(spec, after=after, n=n)
    return {"schedule": spec, "in_words": read_schedule(spec).describe(), "instants": _in_utc(instants)}


def _in_utc(instants: Sequence[datetime]) -> list[str]:
    return [instant.astimezone(UTC).isoformat().replace("+00:00", "Z") for instant in instants]
