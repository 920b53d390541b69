"""Whether the process lives (`/healthz`, asks nobody and no database) and whether it can work (`/readyz`)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from moomarkets.web.access import Desk

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Whether every server of the tree answers")
async def healthz(desk: Desk, response: Response) -> dict[str, object]:
    """503 as soon as one of them has not answered for 10 s. Needs no database, and no server's answer."""
    beats = desk.beats()
    overdue = [beat.path for beat in beats if beat.is_overdue]
    if overdue:
        response.status_code = 503
    actors = [
        {
            "path": beat.path,
            "server": beat.server,
            "state": str(beat.state),
            "busy_with": beat.message or None,
            "seconds_since_answer": round(beat.silent_s, 3),
            "is_overdue": beat.is_overdue,
            "restarts": beat.restarts,
        }
        for beat in beats
    ]
    return {"status": "overdue" if overdue else "ok", "overdue": overdue, "actors": actors}


@router.get("/readyz", summary="Whether this node can do its work")
def readyz(desk: Desk, response: Response) -> dict[str, object]:
    """503 with the reasons while the database does not answer, is not up to date, or the tree does not run."""
    faults = desk.faults()
    if faults:
        response.status_code = 503
    return {
        "status": "not_ready" if faults else "ready",
        "reasons": [{"what": fault.what, "why": fault.why} for fault in faults],
    }
