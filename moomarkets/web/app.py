"""The application: all routes over the services of one system, behind the guards."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from moomarkets.web import health, scheduler
from moomarkets.web.access import Office
from moomarkets.web.guards import Guards
from moomarkets.web.problems import add_handlers
from moomarkets.web.v1 import coverage, groups, jobs, quality, runs, schedules, sources


def create_app(office: Office, version: str) -> Any:
    """An ASGI application; a host may mount it under any path.

    Example: `create_app(system, "1.0")`
    """
    app = FastAPI(
        title="moomarkets",
        version=version,
        openapi_url="/api/openapi.json",
        # The pages that come with the framework load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.office = office
    add_handlers(app)
    app.include_router(health.router)
    app.include_router(scheduler.router, prefix="/api/scheduler", tags=["scheduler"])
    for part in (jobs, groups, runs, schedules, sources, coverage, quality):
        app.include_router(part.router, prefix="/api/v1")
    return Guards(app, office.runtime.clock)
