"""What is here of every dataset, what is missing and why, what it would cost to get it, and getting it."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from moomarkets.domain.clock import Clock
from moomarkets.domain.coverage import ALL, Expected, Held
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.errors import CredentialsMissing, InvalidInput, NotFound
from moomarkets.domain.gap_list import NOT_FETCHED, GapRange, joined
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.source import SourceSpec
from moomarkets.domain.ways import AUTO
from moomarkets.jobtypes.job_type import JobType
from moomarkets.jobtypes.plan_view import Sources
from moomarkets.services.coverage_costs import Costs
from moomarkets.services.coverage_survey import Asked, Scope, Seen, Surveyor, endpoint_of
from moomarkets.services.coverage_views import DatasetCoverage, FetchPlan, Filling, FillRun
from moomarkets.services.groups import GroupDesk
from moomarkets.store import coverage_report
from moomarkets.store.coverage_report import Holding, Trouble
from moomarkets.store.database import Database

FILL = "fill-"
"""With what the names of groups begin that a fill makes."""


class Coverage:
    """The coverage of one user's datasets; needs no running system, but a fill runs only where there is one.

    Example: `system.coverage.fill("daily_bars", from_on=date(2026, 9, 1), to_on=date(2026, 9, 30))`
    """

    def __init__(
        self,
        database: Database,
        user_id: int,
        clock: Clock,
        job_types: Mapping[str, JobType],
        specs: Mapping[str, SourceSpec],
        sources: Sources,
        groups: GroupDesk,
        missing_credentials: Callable[[], Collection[str]],
    ) -> None:
        self._database, self._user_id, self._clock = database, user_id, clock
        self._specs, self._sources, self._groups = specs, sources, groups
        self._missing_credentials = missing_credentials
        self._names = {job_type.name: job_type for job_type in job_types.values() if job_type.dataset}
        self._keepers: dict[str, JobType] = {}
        # A dataset that several sources have is kept by the first of them, one that is off by default last of all; the
        # others are named by their job types.
        for job_type in sorted(self._names.values(), key=self._is_off_by_default):
            self._keepers.setdefault(job_type.dataset, job_type)

    # Look.

    def show(
        self,
        dataset: str | None = None,
        *,
        from_on: date | None = None,
        to_on: date | None = None,
        codes: Sequence[str] = (),
    ) -> list[DatasetCoverage]:
        """Every dataset that is kept or of which something is here, or the one that is named."""
        asked = Asked(from_on, to_on, tuple(codes))
        keepers = [self.keeper(dataset)] if dataset is not None else builtins.list(self._names.values())
        if dataset is None and asked.codes:
            raise InvalidInput("code", "a dataset too", ", ".join(asked.codes))

        def work(connection: Connection) -> builtins.list[DatasetCoverage]:
            held = coverage_report.holdings(connection, self._user_id, None, from_on, to_on)
            lines = [
                self._line(connection, keeper, asked, held.get(keeper.dataset, Holding()), dataset is not None)
                for keeper in keepers
            ]
            return [line for line in lines if line is not None]

        return self._database.perform(work)

    def gaps(
        self, dataset: str, *, from_on: date | None = None, to_on: date | None = None, codes: Sequence[str] = ()
    ) -> list[GapRange]:
        """What is missing of the dataset, as ranges, with the reason of each: oldest first."""
        keeper, asked = self.keeper(dataset), Asked(from_on, to_on, tuple(codes))

        def work(connection: Connection) -> builtins.list[GapRange]:
            seen = self._look(connection, keeper, asked)
            known = coverage_report.troubles(connection, self._user_id, [keeper.name])
            return joined(_reasons(seen, known, self._published), seen.has_data)

        return self._database.perform(work)

    def plan(
        self,
        dataset: str,
        *,
        from_on: date | None = None,
        to_on: date | None = None,
        codes: Sequence[str] = (),
        way: str = AUTO,
    ) -> list[FetchPlan]:
        """How what is missing would be fetched, every way with its cost; sends nothing and stores nothing.

        One plan, or several where groups keep whole days and single codes of the dataset.
        """
        return [plan for _, plan in self._plans(self.keeper(dataset), Asked(from_on, to_on, tuple(codes), way))]

    def kept(self) -> list[str]:
        """The datasets that groups in force keep."""
        return [line.dataset for line in self.show() if line.kept_by]

    # Get it.

    def fill(
        self,
        dataset: str,
        *,
        from_on: date | None = None,
        to_on: date | None = None,
        codes: Sequence[str] = (),
        way: str = AUTO,
        dry_run: bool = False,
    ) -> Filling:
        """Ask for a run that fetches what is missing, in a group `fill-<dataset>` that it makes or changes.

        Nothing is asked for where nothing is missing, or with `dry_run`. A run that is under way is the answer.

        Raises:
            NotFound: there is no such dataset.
            InvalidInput: dates or codes make no sense, or nothing of them can be had.
            CredentialsMissing: the source needs a credential that nobody has given.
            Forbidden: this user may look only.
        """
        keeper = self.keeper(dataset)
        orders = self._plans(keeper, Asked(from_on, to_on, tuple(codes), way))
        plans = tuple(plan for _, plan in orders)
        if dry_run or not orders:
            return Filling(self._label(keeper), plans)
        self._database.check_writable()
        if keeper.source in self._missing_credentials():
            raise CredentialsMissing(keeper.source)
        runs = []
        for number, (scope, _) in enumerate(orders, start=1):
            name = f"{FILL}{self._label(keeper)}" + (f"-{number}" if number > 1 else "")
            runs.append(FillRun(name, self._order(name, keeper, scope)))
        return Filling(self._label(keeper), plans, tuple(runs))

    def keeper(self, dataset: str) -> JobType:
        """The job type that keeps the dataset, which may also be named by that."""
        found = self._keepers.get(dataset) or self._names.get(dataset)
        if found is None:
            raise NotFound("dataset", dataset, sorted(self._keepers))
        return found

    # How it is done.

    def _label(self, keeper: JobType) -> str:
        """The dataset, or the job type where another source comes first for the dataset."""
        return keeper.dataset if self._keepers[keeper.dataset] is keeper else keeper.name

    def _look(self, connection: Connection, keeper: JobType, asked: Asked, *, by_default: bool = False) -> Seen:
        kept = coverage_report.keepings(connection, self._user_id)
        surveyor = Surveyor(connection, self._user_id, self._sources, self._clock.now())
        return surveyor.look(keeper, asked, kept, by_default=by_default)

    def _plans(self, keeper: JobType, asked: Asked) -> list[tuple[Scope, FetchPlan]]:
        def work(connection: Connection) -> builtins.list[tuple[Scope, FetchPlan]]:
            surveyor = Surveyor(connection, self._user_id, self._sources, self._clock.now())
            kept = coverage_report.keepings(connection, self._user_id)
            seen = surveyor.look(keeper, asked, kept, by_default=True)
            _check_reach(seen, asked, self._published(seen))
            costs = Costs(connection, self._user_id, self._specs, self._sources.ids)
            return [(scope, costs.plan(seen, found, asked.way)) for scope, found in surveyor.orders(seen, asked)]

        return self._database.perform(work)

    def _is_off_by_default(self, job_type: JobType) -> bool:
        spec = self._specs.get(job_type.source)
        return spec is not None and not spec.is_on_by_default

    def _order(self, name: str, keeper: JobType, scope: Scope) -> int:
        """Have a group of that name with that scope, and a run of it."""
        if self._groups.exists(name):
            self._groups.edit(name, scope=dict(scope), job_types=(keeper.name,), is_enabled=True)
        else:
            endpoint = endpoint_of(keeper)
            self._groups.create(
                GroupDefinition(
                    name=name,
                    description=f"What the newest fill of {self._label(keeper)} has asked for",
                    data_source=keeper.source or None,
                    endpoint_id=f"{keeper.source}/{endpoint.name}" if endpoint is not None else None,
                    job_types=(keeper.name,),
                    scope=dict(scope),
                )
            )
        return self._groups.request(name)

    def _line(
        self, connection: Connection, keeper: JobType, asked: Asked, held: Holding, is_named: bool
    ) -> DatasetCoverage | None:
        """One dataset; None for one that nobody keeps and of which nothing is here, unless it is named."""
        seen = self._look(connection, keeper, asked if is_named else Asked())
        label = self._label(keeper)
        if not is_named and not seen.groups and (held == Holding() or label != keeper.dataset):
            return None
        covered, missing = Held(seen.view.covered), seen.gaps
        present = [one for place, one in seen.expected.items() if place not in missing]
        empty = sum(1 for one in present if (part := covered.covers(one)) is not None and part.is_empty)
        published = self._published(seen)
        is_expected = bool(seen.surveys)
        rows = coverage_report.count_rows(
            connection, DATASETS[keeper.dataset], self._user_id, asked.from_on, asked.to_on
        )
        return DatasetCoverage(
            dataset=label,
            source=keeper.source,
            kept_by=seen.groups,
            expected=len(seen.expected),
            complete=len(present) - empty if is_expected else held.complete,
            empty=empty if is_expected else held.empty,
            missing=len(missing),
            out_of_window=len(seen.beyond),
            not_published=len(seen.coming),
            quarantined=held.quarantined,
            first_on=held.first_on,
            last_on=held.last_on,
            newest_published_on=published,
            is_fresh=None if held.last_on is None or published is None else held.last_on >= published,
            rows=rows,
            note=seen.note or ("" if seen.groups or asked.is_narrowed else "no group keeps it"),
        )

    def _published(self, seen: Seen) -> date | None:
        """The newest day that is published and within reach."""
        spec = self._specs.get(seen.job_type.source)
        endpoints = [one for one in spec.endpoints if one.dataset.name == seen.job_type.dataset] if spec else []
        upkeep = next((one.upkeep for one in endpoints if one.upkeep is not None), None)
        if upkeep is None:
            return None
        newest = upkeep.publication.newest(seen.view.now, seen.view.calendar)
        while not upkeep.has_data(newest, seen.view.calendar):
            newest = upkeep.publication.newest(upkeep.publication.of(newest), seen.view.calendar)
        return min(newest, seen.view.last_on or newest)


def _check_reach(seen: Seen, asked: Asked, published: date | None) -> None:
    """Refuse dates of which nothing can be had, in words that say what can be."""
    if not (asked.from_on or asked.to_on) or seen.expected or seen.job_type.dataset not in DATASETS:
        return
    view = seen.view
    given = f"{asked.from_on or '…'} to {asked.to_on or '…'}"
    if seen.beyond or (asked.to_on is not None and asked.to_on < view.first_on):
        reach = f"dates that the subscription reaches, {view.first_on} to {view.last_on or published}"
        raise InvalidInput("from, to", reach, given)
    if published is not None and (seen.coming or (asked.from_on is not None and asked.from_on > published)):
        raise InvalidInput("from", f"a date up to the newest that is published, {published}", str(asked.from_on))


def _reasons(
    seen: Seen, troubles: Collection[Trouble], published: Callable[[Seen], date | None]
) -> dict[Expected, str]:
    """Why each missing partition, each day out of reach and each that is still to come is not here."""
    reasons = dict.fromkeys(seen.gaps.values(), NOT_FETCHED)
    for trouble in troubles:
        kind = "failed" if trouble.is_failed else "to be tried again"
        for gap in reasons:
            if _concerns(trouble, gap):
                reasons[gap] = f"{kind}: {trouble.error}"
    view = seen.view
    reach = f"out of reach: the subscription has {view.first_on} to {view.last_on or published(seen)}"
    reasons |= dict.fromkeys((_whole(day, seen) for day in seen.beyond), reach)
    endpoint = endpoint_of(seen.job_type)
    for day in seen.coming if endpoint is not None and endpoint.upkeep is not None else ():
        assert endpoint is not None
        assert endpoint.upkeep is not None
        at = endpoint.upkeep.publication.of(day)
        reasons[_whole(day, seen)] = f"not published until {at:%Y-%m-%d %H:%M} UTC"
    return reasons


def _whole(day: date, seen: Seen) -> Expected:
    return Expected(ALL, day, day, seen.view.now)


def _concerns(trouble: Trouble, gap: Expected) -> bool:
    """Whether the job was to bring that partition."""
    given = trouble.parameters
    if isinstance(days := given.get("days"), list):
        return gap.from_on.isoformat() in days
    first, last = str(given.get("from", "")), str(given.get("to", ""))
    return given.get("key") in (gap.key, ALL) and first <= gap.from_on.isoformat() and gap.to_on.isoformat() <= last
