"""Jobs: those that stand alone are stored here, and all can be looked at."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from moomarkets.domain.errors import InvalidInput
from moomarkets.store.reports import Record
from moomarkets.web.access import Desk
from moomarkets.web.shapes import Body, Id, Instant, Limit, Page, Seconds, Switch, Whole, public

router = APIRouter(tags=["jobs"])


_NAMES: Final = {"job_id": "id", "type": "job_type", "payload": "parameters", "error": "error_message"}
"""What the API calls by another name than the tables do."""

_FIELDS: Final = {kept: name for name, kept in _NAMES.items()}


class Verb(StrEnum):
    """What can be done to a job."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    RUN = "run"


class JobBody(Body):
    """A job that stands alone; what is left out has its default."""

    type: str
    payload: dict[str, Any] = Field(default_factory=dict)
    priority: Annotated[Whole | None, Field(description="1 to 10, 10 first; default by type")] = None
    unique_key: str | None = None
    due_at: Instant | None = None
    deadline_at: Instant | None = None
    timeout_s: Seconds | None = None
    max_retries: Whole | None = None
    retry_delay_s: Whole | None = None
    name: str | None = None


@router.post("/jobs", status_code=201, summary="Store a job")
def create(desk: Desk, body: JobBody, request: Request, response: Response) -> dict[str, Any]:
    """It is durable when this is answered. With a `unique_key` that a job under way has, that one is the answer."""
    terms = body.model_dump(exclude={"type", "payload"}, exclude_none=True)
    try:
        job_id = desk.jobs.enqueue(body.type, body.payload, **terms)
    except InvalidInput as refusal:
        raise InvalidInput(_FIELDS.get(refusal.thing, refusal.thing), refusal.expected, refusal.got) from None
    response.headers["Location"] = str(request.url_for("show_job", job_id=job_id))
    return job_of(desk.jobs.show(job_id))


@router.get("/jobs", summary="Jobs, newest change first")
def index(desk: Desk, group: str | None = None, status: str | None = None, limit: Limit = 50) -> Page:
    """Narrowed to a group or a status where given."""
    return Page(items=[job_of(job) for job in desk.jobs.list(group=group, status=status, limit=limit)])


@router.get("/jobs/{job_id}", name="show_job", summary="One job with its attempts")
def show(desk: Desk, job_id: Id) -> dict[str, Any]:
    """`progress` is 0 to 100; `error` is null unless the job has failed or was cancelled."""
    return job_of(desk.jobs.show(job_id))


@router.put("/jobs/{job_id}/enabled", summary="Switch a job on or off")
def set_enabled(desk: Desk, job_id: Id, body: Switch) -> dict[str, Any]:
    """Off: no run has it until it is switched on again; an attempt that runs finishes."""
    desk.jobs.toggle(job_id, body.enabled)
    return job_of(desk.jobs.show(job_id))


@router.post("/jobs/{job_id}/{verb}", summary="Pause, resume, cancel, retry or run a job")
def turn(desk: Desk, job_id: Id, verb: Verb) -> dict[str, Any]:
    """`retry` and `run` put a job that has ended back to work; `cancel` reaches an attempt that runs."""
    verbs: dict[Verb, Callable[[int], None]] = {
        Verb.PAUSE: desk.jobs.pause,
        Verb.RESUME: desk.jobs.resume,
        Verb.CANCEL: desk.jobs.cancel,
        Verb.RETRY: desk.jobs.retry,
        Verb.RUN: desk.jobs.run,
    }
    verbs[verb](job_id)
    return job_of(desk.jobs.show(job_id))


@router.get("/executions", summary="Attempts of jobs, newest first")
def executions(desk: Desk, group: str | None = None, status: str | None = None, limit: Limit = 50) -> Page:
    """Narrowed to a group or a status where given."""
    return Page(items=[public(one) for one in desk.executions.list(group=group, status=status, limit=limit)])


def job_of(record: Record) -> dict[str, Any]:
    """A job as the API tells of it."""
    shown = public(record)
    told = {name: shown.pop(kept) for name, kept in _NAMES.items()}
    if "attempts" in record and isinstance(shown["attempts"], list):
        shown["attempts"] = [public(attempt) for attempt in shown["attempts"]]
    return {**told, **shown}
