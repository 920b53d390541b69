"""Quality: answers in quarantine, strange rows, and how fresh every dataset is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from moomarkets.web.access import Desk
from moomarkets.web.shapes import Before, Body, Id, Limit, Page, page, public

router = APIRouter(tags=["quality"])

Text = Annotated[str | None, Query(max_length=200)]


class Decision(Body):
    """Why somebody decides so."""

    note: Annotated[str | None, Field(max_length=1000)] = None
    by: Annotated[str, Field(min_length=1, max_length=200)] = "local"


@router.get("/quarantine", summary="Answers that were not stored")
def index(desk: Desk, status: Text = None, dataset: Text = None, before: Before = None, limit: Limit = 50) -> Page:
    """The newest first, without their bodies; `status` is open, released or dismissed."""
    return page(desk.quarantine.list(status, dataset=dataset, before=before, limit=limit), limit)


@router.get("/quarantine/{id}", summary="One answer that was not stored")
def show(desk: Desk, id: Id) -> dict[str, Any]:
    """With everything that was found in it."""
    return public(desk.quarantine.show(id))


@router.get("/quarantine/{id}/body", summary="That answer as it came", response_class=Response)
def body(desk: Desk, id: Id) -> Response:
    """Its pages, one after the other, as plain bytes to be saved."""
    pages = desk.quarantine.body(id)
    # Never shown by a browser: it is as untrusted as the provider it came from.
    headers = {"Content-Disposition": f'attachment; filename="quarantine-{id}.txt"'}
    return Response(b"\n".join(pages), media_type="application/octet-stream", headers=headers)


@router.post("/quarantine/{id}/release", summary="Store it after all")
def release(desk: Desk, id: Id, body: Decision) -> dict[str, Any]:
    """Its rows and coverage are stored, or nothing is."""
    return public(desk.quarantine.release(id, by=body.by, note=body.note))


@router.post("/quarantine/{id}/dismiss", summary="Forget it")
def dismiss(desk: Desk, id: Id, body: Decision) -> dict[str, Any]:
    """The part stays missing, and the next run asks for it again."""
    return public(desk.quarantine.dismiss(id, by=body.by, note=body.note))


@router.get("/findings", summary="Strange rows that are stored")
def findings(desk: Desk, dataset: Text = None, rule: Text = None, before: Before = None, limit: Limit = 50) -> Page:
    """The newest first: the rule, what was found, and the key of the row."""
    return page(desk.quarantine.findings(dataset, rule=rule, before=before, limit=limit), limit)


@router.get("/freshness", summary="How fresh every dataset is")
def freshness(desk: Desk) -> Page:
    """One item for each dataset of each group: fresh, due, overdue since, or resting."""
    return Page(items=[public(one) for one in desk.freshness.list()])


@router.get("/alerts", summary="What was told")
def alerts(desk: Desk, limit: Limit = 50) -> Page:
    """The newest first; `recovered_at` is when it was over."""
    return Page(items=[public(one) for one in desk.freshness.alerts(limit)])
