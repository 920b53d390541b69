"""Groups: standing orders that are run by hand or by their schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from moomarkets.web.access import Desk
from moomarkets.web.shapes import Before, Instant, Limit, Page, Switch, page, public
from moomarkets.web.v1.group_bodies import GroupBody, GroupChanges, PlannedJobBody, RetryBody, RunBody

router = APIRouter(tags=["groups"])


@router.get("/groups", summary="All groups")
def index(desk: Desk) -> Page:
    """Each with the counters of its newest run."""
    return Page(items=[public(group) for group in desk.groups.list()])


@router.post("/groups", status_code=201, summary="Create a group")
def create(desk: Desk, body: GroupBody, request: Request, response: Response) -> dict[str, Any]:
    """Nothing is stored unless all of it makes sense."""
    desk.groups.create(body.as_definition())
    response.headers["Location"] = str(request.url_for("show_group", name=body.name))
    return public(desk.runs.group(body.name))


# What follows a name comes first: a name may hold a slash.


@router.get("/groups/{name:path}/runs", summary="Runs of a group, newest first")
def runs(desk: Desk, name: str, status: str | None = None, before: Before = None, limit: Limit = 50) -> Page:
    """Page by page."""
    return page(desk.runs.list(group=name, status=status, before=before, limit=limit), limit)


@router.get("/groups/{name:path}/occurrences", summary="The due instants of a group's schedule, newest first")
def occurrences(
    desk: Desk,
    name: str,
    status: str | None = None,
    from_at: Annotated[Instant | None, Query(description="from this instant on")] = None,
    to_at: Annotated[Instant | None, Query(description="before this instant; `next` of the page before")] = None,
    limit: Limit = 50,
) -> Page:
    """Each with what became of it, and why."""
    found = desk.schedules.occurrences(name, status=status, from_at=from_at, to_at=to_at, limit=limit)
    last = found[-1]["due_at"] if len(found) == limit else None
    return Page(
        items=[public(occurrence) for occurrence in found],
        next=last.isoformat() if isinstance(last, datetime) else None,
    )


@router.get("/groups/{name:path}/schedule", summary="The schedule of a group")
def schedule(desk: Desk, name: str, n: Annotated[int, Query(ge=1, le=500)] = 5) -> dict[str, Any]:
    """In words, with its next `n` instants."""
    return public(desk.schedules.show(name, n))


@router.post("/groups/{name:path}/run", status_code=202, summary="Run a group now")
def run(desk: Desk, name: str, body: RunBody | None = None) -> dict[str, Any]:
    """The run starts once nothing blocks it. One that is under way is the answer."""
    return public(desk.groups.run(name, None if body is None else body.for_on).show())


@router.post("/groups/{name:path}/stop", summary="Cancel the runs of a group")
def stop(desk: Desk, name: str) -> dict[str, Any]:
    """With its jobs that wait and those that run; without a run nothing happens."""
    desk.groups.stop(name)
    return public(desk.runs.group(name))


@router.post("/groups/{name:path}/pause", summary="Pause a group")
def pause(desk: Desk, name: str) -> dict[str, Any]:
    """Nothing of it starts until it is resumed; what runs may finish."""
    desk.groups.pause(name)
    return public(desk.runs.group(name))


@router.post("/groups/{name:path}/resume", summary="Resume a group")
def resume(desk: Desk, name: str) -> dict[str, Any]:
    """It goes on where it was."""
    desk.groups.resume(name)
    return public(desk.runs.group(name))


@router.post("/groups/{name:path}/retry", summary="Try the failed jobs of a group's newest run again")
def retry(desk: Desk, name: str, body: RetryBody | None = None) -> dict[str, Any]:
    """With fresh retries; tells how many there were."""
    which = body or RetryBody()
    count = desk.groups.retry_failed(name, reason=which.reason, error_class=which.error_class)
    return {"retried": count, **public(desk.runs.group(name))}


@router.post("/groups/{name:path}/jobs", summary="Have each run of a group do one more job")
def schedule_job(desk: Desk, name: str, body: PlannedJobBody) -> dict[str, Any]:
    """One of the same key is replaced."""
    desk.groups.schedule_job(name, body.as_job())
    return public(desk.runs.group(name))


@router.put("/groups/{name:path}/enabled", summary="Switch a group on or off")
def set_enabled(desk: Desk, name: str, body: Switch) -> dict[str, Any]:
    """Off: its schedule brings no runs; by hand it can be run all the same."""
    if body.enabled:
        desk.groups.enable(name)
    else:
        desk.groups.disable(name)
    return public(desk.runs.group(name))


@router.get("/groups/{name:path}", name="show_group", summary="One group")
def show(desk: Desk, name: str) -> dict[str, Any]:
    """With the counters of its newest run, and what that waits for."""
    return public(desk.runs.group(name))


@router.patch("/groups/{name:path}", summary="Change a group")
def edit(desk: Desk, name: str, body: GroupChanges) -> dict[str, Any]:
    """Fields that are left out stay. The next run goes by the change; one under way does not."""
    changes = body.given()
    desk.groups.edit(name, **changes)
    return public(desk.runs.group(changes.get("name", name)))


@router.delete("/groups/{name:path}", status_code=204, summary="Delete a group")
def delete(desk: Desk, name: str) -> None:
    """With its jobs, runs and history; data stay. Refused while other groups depend on it."""
    desk.groups.delete(name)
