"""The six routes of the scheduler, where a job is a group and an execution one of the group's runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from moomarkets.store.reports import Record
from moomarkets.web.access import Desk
from moomarkets.web.shapes import Before, Id, Limit, Page, Switch

router = APIRouter()

_UNDER_WAY = ("pending", "running")


@router.get("/status", summary="Whether it is switched on, what runs, and what is next")
def status(desk: Desk) -> dict[str, Any]:
    """Running jobs are those with a run under way; the next runs come in their order of time."""
    jobs = [job_of(group) for group in desk.groups.list()]
    coming = sorted(
        (job for job in jobs if job["next_run_at"] and job["is_enabled"]), key=lambda job: job["next_run_at"]
    )
    return {
        "is_enabled": desk.switches.is_enabled,
        "running_jobs": [job for job in jobs if job["is_running"]],
        "next_runs": [{name: job[name] for name in ("id", "name", "next_run_at")} for job in coming],
    }


@router.get("/jobs", summary="All scheduled jobs")
def jobs(desk: Desk) -> Page:
    """By id."""
    return Page(items=[job_of(group) for group in desk.groups.list()])


@router.get("/jobs/{job_id}", summary="One scheduled job")
def job(desk: Desk, job_id: Id) -> dict[str, Any]:
    """With its switch, its schedule, and whether it runs."""
    return job_of(desk.runs.group_by_id(job_id))


@router.put("/jobs/{job_id}/enabled", summary="Switch a job on or off")
def set_enabled(desk: Desk, job_id: Id, body: Switch) -> dict[str, Any]:
    """Off: its schedule brings no runs; by hand it can be run all the same."""
    name = str(desk.runs.group_by_id(job_id)["name"])
    if body.enabled:
        desk.groups.enable(name)
    else:
        desk.groups.disable(name)
    return job_of(desk.runs.group_by_id(job_id))


@router.post("/jobs/{job_id}/run", status_code=202, summary="Run a job now")
def run(desk: Desk, job_id: Id) -> dict[str, Any]:
    """A run that is under way is the answer."""
    name = str(desk.runs.group_by_id(job_id)["name"])
    return execution_of(desk.groups.run(name).show())


@router.get("/jobs/{job_id}/executions", summary="The runs of a job, newest first")
def executions(desk: Desk, job_id: Id, before: Before = None, limit: Limit = 50) -> Page:
    """Page by page."""
    name = str(desk.runs.group_by_id(job_id)["name"])
    found = desk.runs.list(group=name, before=before, limit=limit)
    last = found[-1]["id"] if len(found) == limit else None
    return Page(items=[execution_of(run) for run in found], next=last if isinstance(last, int) else None)


def job_of(group: Record) -> dict[str, Any]:
    """A group as a scheduled job."""
    spec, scope = group["schedule"], group["scope"]
    types = list(scope.get("job_types", ())) if isinstance(scope, dict) else []
    return {
        **{name: group[name] for name in ("id", "name", "description", "status", "last_run_at", "next_run_at")},
        "job_type": types[0] if len(types) == 1 else None,
        "job_types": types,
        "schedule": spec.get("cron") if isinstance(spec, dict) else None,
        "schedule_spec": spec,
        "is_enabled": group["is_enabled"],
        "is_running": group["run_status"] in _UNDER_WAY,
        "run_id": group["run_id"],
        **{name: group[name] for name in ("created_at", "updated_at")},
    }


def execution_of(run: Record) -> dict[str, Any]:
    """A run as an execution of a scheduled job."""
    told = ("id", "status", "kind", "for_on", "due_at", "requested_at", "started_at", "completed_at", "error_message")
    counted = ("total_jobs", "completed_jobs", "failed_jobs", "rows_written", "blocked_by")
    return {name: run[name] for name in (*told, *counted)}
