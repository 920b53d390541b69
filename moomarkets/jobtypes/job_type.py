"""What a job type is, and the tools that its code gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from moomarkets.domain.calendar import TokyoCalendar
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.coverage import Covered
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.events import Events
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.domain.listing import Listing
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.source import DataSource, Subscription
from moomarkets.domain.ways import Past
from moomarkets.jobtypes.access import Access
from moomarkets.store.database import Database
from moomarkets.store.outage import Outage

Compute = Callable[[str, Mapping[str, object], CancelToken], Any]
"""Computes `package.module:function` of these arguments in a process of its own, and waits for its JSON value."""


def no_compute(function: str, arguments: Mapping[str, object], token: CancelToken) -> Any:
    """Where there are no processes to compute in."""
    raise AttemptError(Reason.INVALID, f"{function}: expected a process to compute it in, got none here")


@dataclass(frozen=True, slots=True)
class Tools:
    """What job code may use; everything else is out of its reach.

    `open_source` gives the client of a source with the user's credential, behind that credential's rate limiter.
    `source_ids` maps source codes to their rows, `subscriptions` says what may be asked of each.

    `compute` is for what takes long or may hang in C: `tools.compute("my_package.factors:momentum", {"closes": …},
    token)` has a pure function, which takes `(arguments, token)` and returns JSON, computed in another process, and
    raises `AttemptError` where that fails. A cancel that the function does not heed ends its process.
    """

    database: Database
    open_source: Callable[[int, str], DataSource]
    source_ids: Mapping[str, int]
    subscriptions: Mapping[str, Subscription]
    job_types: Mapping[str, JobType]
    clock: Clock
    events: Events
    compute: Compute = no_compute
    outage: Outage = field(init=False)
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "access", Access(self.database, self.subscriptions, self.clock, self.events))
        # One for all attempts: hundreds that wait with their results say no more than one does.
        object.__setattr__(self, "outage", Outage(self.events, self.clock, path="attempts"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt brought: `write` stores it, in the transaction that ends the attempt; None: nothing to store.

    Where `write` returns a `Stored` of `moomarkets.store.datasets`, only what that says is counted as written. Where it
    raises an `AttemptError`, or the database refuses the rows, nothing is stored, and `refused` is told
    why. `committed` is called once all is durable; a process that dies in between never calls it.
    """

    usage: Usage
    write: Callable[[Connection], object] | None = None
    refused: Callable[[AttemptError], None] | None = None
    committed: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class PlanView:
    """What is known when a run is planned. `first_on` and `last_on` are what the subscription lets us read."""

    now: datetime
    calendar: TokyoCalendar
    covered: list[Covered]
    first_on: date
    last_on: date | None
    subscription: Subscription = field(default_factory=Subscription)
    past: Past = field(default_factory=Past)
    """What past fetches of the dataset have brought."""
    listings: Mapping[str, Listing] = field(default_factory=dict)
    """From when to when the codes of the scope were listed, as far as is known."""
    doubtful: frozenset[date] = frozenset()
    """Days that are worth a second look."""


class JobType(Protocol):
    """One kind of work. Adding one is one file, and one line in the registry or an entry point.

    `source` is the code of the provider that it asks, "" for none; `dataset` the table that it fills, "" for none. One
    may also say in `scope_keys` which keys of a scope it knows: without, any key is taken.
    """

    name: str
    description: str
    default_schedule: Schedule | None
    source: str
    dataset: str

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The child jobs that a run needs now, in the order in which they should run; none when all is there."""

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        """Do the work of one attempt; raise `AttemptError` with its reason where it fails."""
