"""Who asks, and what they may use: the one door between the routes and the services.

A route takes a `Desk` and nothing else. Services belong to one user; today every request is that of the built-in
one. Once there are accounts, `office_of` gives each request the services of whoever sent it.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, Request

from actors.otp.thread_runtime import ThreadRuntime
from actors.pulse import Beat
from moomarkets.services.coverage import Coverage
from moomarkets.services.freshness import FreshnessDesk
from moomarkets.services.groups import Groups
from moomarkets.services.jobs import Executions, Jobs
from moomarkets.services.quarantine import Quarantine
from moomarkets.services.readiness import Fault
from moomarkets.services.runs import Runs
from moomarkets.services.schedules import Schedules
from moomarkets.services.status import Status
from moomarkets.services.switches import Sources, Switches
from moomarkets.services.why import Why


class Office(Protocol):
    """The services that routes use; `moomarkets.system.System` is one."""

    runtime: ThreadRuntime

    @property
    def groups(self) -> Groups:
        """The groups."""

    @property
    def jobs(self) -> Jobs:
        """The jobs."""

    @property
    def runs(self) -> Runs:
        """The runs of groups."""

    @property
    def coverage(self) -> Coverage:
        """What is here of every dataset, what is missing, and filling it."""

    @property
    def schedules(self) -> Schedules:
        """The schedules of groups, and what became of every instant."""

    @property
    def why(self) -> Why:
        """Why something is as it is."""

    @property
    def executions(self) -> Executions:
        """The attempts of jobs."""

    @property
    def status(self) -> Status:
        """Where everything stands."""

    @property
    def switches(self) -> Switches:
        """The switch of the whole."""

    @property
    def sources(self) -> Sources:
        """The switches of the sources."""

    @property
    def quarantine(self) -> Quarantine:
        """The answers that were not stored, and the strange rows that were."""

    @property
    def freshness(self) -> FreshnessDesk:
        """How fresh the data are, and what was told of that."""

    def beats(self) -> list[Beat]:
        """The signs of life of every server."""

    def faults(self) -> list[Fault]:
        """What keeps this node from working."""


def office_of(request: Request) -> Office:
    """The services that this request may use."""
    office: Office = request.app.state.office
    return office


async def _office(request: Request) -> Office:
    # A coroutine: a plain function would be sent to a thread of its own.
    return office_of(request)


Desk = Annotated[Office, Depends(_office)]
