"""Runs, one pass of a group each; and why something is as it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from moomarkets.web.access import Desk
from moomarkets.web.shapes import Before, Day, Id, Limit, Page, page, public

router = APIRouter(tags=["runs"])


@router.get("/runs", summary="Runs of all groups, newest first")
def index(
    desk: Desk, group: str | None = None, status: str | None = None, before: Before = None, limit: Limit = 50
) -> Page:
    """Narrowed to a group or a status where given."""
    return page(desk.runs.list(group=group, status=status, before=before, limit=limit), limit)


@router.get("/runs/{run_id}", summary="One run")
def show(desk: Desk, run_id: Id) -> dict[str, Any]:
    """Its state, counters and times, and in `blocked_by` what it waits for."""
    return public(desk.runs.show(run_id))


@router.get("/runs/{run_id}/progress", summary="How far a run has come")
def progress(desk: Desk, run_id: Id) -> dict[str, Any]:
    """How its jobs ended, what the others wait for, and when it will be over; `eta_at` is null where nothing tells."""
    found = desk.runs.progress(run_id)
    return {**asdict(found), "done": found.done, "eta_at": found.eta_at}


@router.get("/why", summary="Why something is as it is")
def why(
    desk: Desk,
    thing: Annotated[str, Query(min_length=1, max_length=200, description="the id of a job, or the name of a group")],
    on: Annotated[Day | None, Query(description="the date of a run of that group")] = None,
) -> dict[str, Any]:
    """The chain from the schedule to the rows that were written, and in `remedies` what would unblock it."""
    chain = desk.why.explain(thing, on)
    return {**asdict(chain), "remedies": chain.remedies}
