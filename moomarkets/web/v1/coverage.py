"""Coverage: what is here of every dataset, what is missing and why, what it would cost to get it, and getting it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from moomarkets.services.coverage_views import FetchPlan
from moomarkets.web.access import Desk
from moomarkets.web.shapes import Body, Day, Page, Truth

router = APIRouter(tags=["coverage"])

From = Annotated[Day | None, Query(alias="from", description="the first date")]
To = Annotated[Day | None, Query(alias="to", description="the last date")]
Codes = Annotated[list[str] | None, Query(alias="code", description="only this issue; may be repeated")]


class FillBody(Body):
    """What to fill: without dates and codes that which groups keep. With `dry_run` nothing is asked for."""

    from_on: Day | None = Field(None, alias="from")
    to: Day | None = None
    codes: list[str] = Field(default_factory=list, max_length=1000)
    way: str = "auto"
    dry_run: Truth = False


@router.get("/coverage", summary="What is here of every dataset")
def index(desk: Desk, from_on: From = None, to_on: To = None) -> Page:
    """Datasets that a group keeps, or of which something is here. Counts are of partitions, mostly days."""
    return Page(items=[asdict(line) for line in desk.coverage.show(from_on=from_on, to_on=to_on)])


@router.get("/coverage/{dataset}", summary="What is here of one dataset")
def show(desk: Desk, dataset: str, from_on: From = None, to_on: To = None, codes: Codes = None) -> dict[str, Any]:
    """By what groups keep of it, or by dates and codes."""
    (line,) = desk.coverage.show(dataset, from_on=from_on, to_on=to_on, codes=codes or ())
    return asdict(line)


@router.get("/coverage/{dataset}/gaps", summary="What is missing of a dataset")
def gaps(desk: Desk, dataset: str, from_on: From = None, to_on: To = None, codes: Codes = None) -> Page:
    """Ranges of dates, oldest first, each with the reason why it is not here."""
    found = desk.coverage.gaps(dataset, from_on=from_on, to_on=to_on, codes=codes or ())
    return Page(items=[asdict(gap) for gap in found])


@router.get("/coverage/{dataset}/plan", summary="What it would cost to get what is missing of a dataset")
def plan(
    desk: Desk, dataset: str, from_on: From = None, to_on: To = None, codes: Codes = None, way: str = "auto"
) -> Page:
    """Every way with its requests, seconds and bytes, the one that is taken marked. Sends nothing."""
    plans = desk.coverage.plan(dataset, from_on=from_on, to_on=to_on, codes=codes or (), way=way)
    return Page(items=[_shown(one) for one in plans])


@router.post("/coverage/{dataset}/fill", status_code=202, summary="Get what is missing of a dataset")
def fill(desk: Desk, dataset: str, response: Response, body: FillBody | None = None) -> dict[str, Any]:
    """The runs that do it, none where nothing is missing. A run that is under way is the answer."""
    given = body or FillBody.model_validate({})
    filling = desk.coverage.fill(
        dataset, from_on=given.from_on, to_on=given.to, codes=given.codes, way=given.way, dry_run=given.dry_run
    )
    if not filling.runs:
        response.status_code = 200
    return {
        "dataset": filling.dataset,
        "missing": filling.missing,
        "plans": [_shown(one) for one in filling.plans],
        "runs": [asdict(run) for run in filling.runs],
    }


def _shown(plan: FetchPlan) -> dict[str, Any]:
    return {**asdict(plan), "requests": plan.requests}
