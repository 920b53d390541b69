"""Deletes stored data of a source that its owner may not keep, or does not want: after looking, in short pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.domain.source import Endpoint, SourceSpec, Subscription
from moomarkets.store import purging, sources
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.store.purging import Piece, Scope
from moomarkets.store.reports import Record

T = TypeVar("T")

Period = tuple[date | None, date | None]
"""First and last date; None where that end is open."""

EVERYTHING: Period = (None, None)
DAY = timedelta(days=1)


class _Delete(Protocol):
    """Deletes one piece of a scope, from a place on."""

    def __call__(self, connection: Connection, scope: Scope, start: int) -> Piece: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to go. Exactly one of: `is_all`; `above_plan`; dates (`before`, `after`, or both for what lies between).

    `datasets` narrows it; none given: all of the source. `add_ons` are those that remain beside the plan.
    """

    source: str
    above_plan: str | None = None
    is_all: bool = False
    before: date | None = None
    after: date | None = None
    datasets: Sequence[str] = ()
    add_ons: Sequence[str] = ()

    def check(self) -> None:
        """Refuse what says nothing, or two things at once."""
        ways = [self.is_all, self.above_plan is not None, self.before is not None or self.after is not None]
        if sum(ways) != 1:
            got = "none of them" if not any(ways) else "more"
            raise InvalidInput("purge", "one of --all, --above-plan, or --before and --after", got)
        if self.before is not None and self.after is not None and self.before - self.after < 2 * DAY:
            raise InvalidInput(
                "before", "a date later than that of --after, with days between", self.before.isoformat()
            )


@dataclass(frozen=True, slots=True)
class Purged:
    """What went: rows by dataset, and older revisions and coverage beside them."""

    rows: dict[str, int] = field(default_factory=dict)
    revisions: int = 0
    coverage: int = 0


class Purge:
    """Deletes data of one user, never those of another.

    Example: `system.purge.look(Wanted("jquants", above_plan="light"))`
    """

    def __init__(
        self,
        database: Database,
        user_id: int,
        specs: Mapping[str, SourceSpec],
        clock: Clock,
        job_sources: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`job_sources` tells which source each job type asks."""
        self._database, self._user_id, self._specs, self._clock = database, user_id, specs, clock
        self._job_sources = job_sources

    def look(self, wanted: Wanted) -> list[Record]:
        """What would go, by dataset and period: rows, their first and last date, revisions, coverage.

        Raises:
            NotFound: there is no such source or dataset.
            InvalidInput: it does not say what is to go, or the source has no such plan.
        """
        return [
            {"dataset": scope.dataset.name, **asdict(self._database.perform(partial(purging.look, scope=scope)))}
            for scope in self._scopes(wanted)
        ]

    def perform(self, wanted: Wanted) -> Purged:
        """Delete it, a piece at a time; harmless to break off and to repeat.

        Raises:
            Conflict: a run of that source is going on; pause the source, or wait. What was deleted until then is gone.
        """
        rows: dict[str, int] = {}
        revisions = coverage = 0
        for scope in self._scopes(wanted):
            # Coverage first: broken off after it, the rest is fetched again; the other way round it would be missed.
            code = wanted.source
            coverage += self._piece(scope.owner, code, partial(purging.delete_coverage, scope=scope))
            revisions += self._walk(scope, code, purging.delete_revisions)
            count = self._walk(scope, code, purging.delete_rows)
            rows[scope.dataset.name] = rows.get(scope.dataset.name, 0) + count
            # And last: what was fetched meanwhile may have lost rows, and must not count as here.
            coverage += self._piece(scope.owner, code, partial(purging.delete_coverage, scope=scope))
            self._piece(scope.owner, code, partial(purging.delete_marks, scope=scope))
        return Purged(rows, revisions, coverage)

    def _walk(self, scope: Scope, code: str, delete: _Delete) -> int:
        count, place = 0, 0
        while True:
            piece = self._piece(scope.owner, code, partial(delete, scope=scope, start=place))
            count += piece.count
            if piece.following is None:
                return count
            place = piece.following

    def _piece(self, owner: Owner, code: str, work: Callable[[Connection], T]) -> T:
        """One short transaction, unless somebody has begun to fetch meanwhile."""
        asking = [job_type for job_type, source in self._job_sources.items() if source == code]

        def checked(connection: Connection) -> T:
            if purging.is_in_use(connection, owner, asking):
                remedy = f"pause it with `moomarkets sources pause {code}` and let its jobs finish, or wait"
                raise Conflict(f"{code}: expected no run under way, got one; {remedy}")
            return work(connection)

        return self._database.perform(checked)

    def _scopes(self, wanted: Wanted) -> list[Scope]:
        wanted.check()
        spec = self._specs.get(wanted.source)
        if spec is None:
            raise NotFound("source", wanted.source, sorted(self._specs))
        subscription = _subscription(spec, wanted)
        endpoints: dict[str, list[Endpoint]] = {}
        for endpoint in spec.endpoints:
            endpoints.setdefault(endpoint.dataset.name, []).append(endpoint)
        for name in wanted.datasets:
            if name not in endpoints:
                raise NotFound("dataset", name, sorted(endpoints))
        owner = Owner(self._user_id, self._database.perform(lambda connection: sources.find(connection, spec.code)).id)
        today = self._clock.now().astimezone(TOKYO).date()
        return [
            Scope(owner, of_dataset[0].dataset, first_on, last_on)
            for name, of_dataset in endpoints.items()
            if not wanted.datasets or name in wanted.datasets
            for first_on, last_on in _periods(wanted, _beyond(subscription, of_dataset, today))
        ]


def _periods(wanted: Wanted, beyond: Sequence[Period]) -> Sequence[Period]:
    """The periods of a dataset that are to go; `beyond` are those that the plan does not give."""
    if wanted.is_all:
        return [EVERYTHING]
    if wanted.above_plan is not None:
        return beyond
    first_on = None if wanted.after is None else wanted.after + DAY
    last_on = None if wanted.before is None else wanted.before - DAY
    return [(first_on, last_on)]


def _beyond(subscription: Subscription, endpoints: Sequence[Endpoint], today: date) -> Sequence[Period]:
    """What it does not give of a dataset: all of it, where none of its endpoints may be asked, else other dates."""
    if not any(subscription.may_ask(endpoint) for endpoint in endpoints):
        return [EVERYTHING]
    first_on, last_on = subscription.reach(today)
    newest: list[Period] = [] if last_on is None else [(last_on + DAY, None)]
    return [(None, first_on - DAY), *newest] if first_on > date.min else newest


def _subscription(spec: SourceSpec, wanted: Wanted) -> Subscription:
    """What remains after the downgrade; add-ons only where they are named."""
    if wanted.above_plan is None:
        return Subscription()
    if not spec.plans:
        raise InvalidInput("above_plan", "a source with plans", spec.code)
    names = [plan.name for plan in spec.plans]
    if wanted.above_plan not in names:
        raise InvalidInput("above_plan", f"one of {', '.join(names)}", wanted.above_plan)
    for name in wanted.add_ons:
        if name not in spec.add_ons:
            raise InvalidInput("add_on", f"one of {', '.join(spec.add_ons) or 'none'}", name)
    return Subscription.of(spec, wanted.above_plan, wanted.add_ons)
