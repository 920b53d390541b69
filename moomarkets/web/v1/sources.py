"""Sources and the whole: where they stand, and their switches."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from moomarkets.web.access import Desk
from moomarkets.web.shapes import Page, Switch, public

router = APIRouter(tags=["sources"])


@router.get("/sources", summary="All sources")
def index(desk: Desk) -> Page:
    """Each with its switches, its address and its limits."""
    return Page(items=[public(source) for source in desk.sources.list()])


@router.get("/sources/{code}", summary="One source")
def show(desk: Desk, code: str) -> dict[str, Any]:
    """As in the list, with its `budget`: what may still be asked of it, and when the jobs that wait will be done."""
    return public(desk.sources.show(code)) | {"budget": desk.sources.budget(code).to_json()}


@router.put("/sources/{code}/enabled", summary="Switch a source on or off")
def set_enabled(desk: Desk, code: str, body: Switch) -> dict[str, Any]:
    """Off: no run of its groups starts."""
    if body.enabled:
        desk.sources.enable(code)
    else:
        desk.sources.disable(code)
    return public(desk.sources.show(code))


@router.post("/sources/{code}/pause", summary="Pause a source")
def pause(desk: Desk, code: str) -> dict[str, Any]:
    """It is asked nothing until it is resumed; attempts that need it are given back and cost nothing."""
    desk.sources.pause(code)
    return public(desk.sources.show(code))


@router.post("/sources/{code}/resume", summary="Resume a source")
def resume(desk: Desk, code: str) -> dict[str, Any]:
    """It goes on."""
    desk.sources.resume(code)
    return public(desk.sources.show(code))


@router.get("/status", tags=["status"], summary="Where everything stands")
def status(desk: Desk) -> dict[str, Any]:
    """All groups, the rows of each dataset, the nodes that live, and what is left to do."""
    shown = desk.status.show()
    return {**shown, "groups": [public(group) for group in desk.status.groups()]}


@router.put("/enabled", summary="Switch the whole on or off")
def set_all_enabled(desk: Desk, body: Switch) -> dict[str, Any]:
    """Off: nothing is booked, started or claimed, on any node; what runs finishes."""
    if body.enabled:
        desk.switches.resume()
    else:
        desk.switches.pause()
    return {"is_enabled": desk.switches.is_enabled}
