"""Keeps the dataset of one endpoint as its upkeep says: the job type of every endpoint that has no own one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, Expected, missing
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.source import Endpoint
from moomarkets.domain.upkeep import Cut, Upkeep
from moomarkets.jobtypes.fetch import Fetch, is_live, perform_fetch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.jobtypes.scope import date_of, newest_of

NEWEST = 20


class DatasetUpkeep:
    """One job per partition that is published, readable and not here yet.

    Scope: `newest` (the newest n trading days) or `from` and `to` (dates, both included); without any, the newest 20
    days, or all dates where a range comes in one request. Its name is by default that of its dataset.

    Example:
        >>> from datasources.jquants.endpoints import VALUATIONS_ENDPOINT
        >>> DatasetUpkeep("jquants", VALUATIONS_ENDPOINT).name
        'valuations'
    """

    def __init__(self, source: str, endpoint: Endpoint, name: str = "") -> None:
        if endpoint.upkeep is None:
            raise ValueError(f"endpoint {endpoint.name}: expected one with an upkeep, got none")
        self.source, self._endpoint, self._upkeep = source, endpoint, endpoint.upkeep
        self.dataset = endpoint.dataset.name
        self.name = name or self.dataset
        self.description = f"{endpoint.dataset.doc.partition('.')[0].partition(';')[0]} ({source})"
        self.default_schedule: Schedule | None = self._upkeep.schedule

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The missing partitions, the newest first: those are what a reader waits for."""
        if not view.subscription.may_ask(self._endpoint):
            wanted = self._endpoint.plan or self._endpoint.name
            detail = f"{self.name}: expected a subscription with {wanted}, got one without"
            raise AttemptError(Reason.PLAN_RESTRICTED, detail)
        days = wanted_days(self._endpoint, self._upkeep, view, scope)
        expected = [Expected(ALL, day, day, self._upkeep.published_at(day, view.now)) for day in reversed(days)]
        live = self._live(view, scope)
        expected = [*live, *(want for want in expected if not live or want.from_on < live[0].from_on)]
        if self._upkeep.cut is Cut.NEWEST:
            # An older state cannot be asked for.
            expected = expected[:1]
        gaps = missing(expected, view.covered)
        if self._upkeep.cut is Cut.RANGE and gaps:
            gaps = [Expected(ALL, gaps[-1].from_on, gaps[0].to_on, gaps[0].published_at)]
        return [self._job(gap) for gap in gaps]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        return perform_fetch(self.source, self._endpoint.name, attempt, tools, token)

    def key_of(self, day: str) -> str:
        """The key of the job whose partition begins on `day`; within a group keys of all job types differ."""
        return f"{self.name} {day}"

    def title_of(self, days: str) -> str:
        """What a person reads as the name of the job."""
        return f"{self.dataset.replace('_', ' ')} of {days}"

    def _live(self, view: PlanView, scope: Mapping[str, object]) -> list[Expected]:
        """Today, where more of it can come at any time: what was fetched a minute ago is old then."""
        today = view.now.astimezone(TOKYO).date()
        newest = Expected(ALL, today, today, view.now)
        is_wanted = date_of(scope, "to") is None and view.calendar.is_trading_day(today)
        return [newest] if is_wanted and is_live(self._endpoint, view.subscription, newest, view.now) else []

    def _job(self, gap: Expected) -> PlannedJob:
        first, last = gap.from_on.isoformat(), gap.to_on.isoformat()
        upkeep, request = self._upkeep, {}
        if upkeep.day_parameter:
            request = {upkeep.day_parameter: first}
        elif upkeep.cut is Cut.RANGE:
            request = {upkeep.from_parameter: first, upkeep.to_parameter: last}
        shown = first if first == last else f"{first} to {last}"
        return Fetch(gap, request).job(self.key_of(first), self.name, self.title_of(shown))


def wanted_days(endpoint: Endpoint, upkeep: Upkeep, view: PlanView, scope: Mapping[str, object]) -> list[date]:
    """The days that the scope asks for and that have data, as far as they are published and readable; oldest first."""
    newest = upkeep.publication.newest(view.now, view.calendar)
    last = min(newest, view.last_on or newest, date_of(scope, "to") or newest)
    oldest = max(view.first_on, endpoint.since or view.first_on)
    first, count = date_of(scope, "from"), newest_of(scope)
    if first is None and count is None and upkeep.cut is Cut.RANGE:
        first = oldest
    if first is None:
        days = view.calendar.newest(count or NEWEST, last)
    else:
        days = view.calendar.trading_days(max(first, oldest), last)
    return [day for day in days if day >= oldest and upkeep.has_data(day, view.calendar)]
