"""Keeps the dataset of one endpoint as its upkeep says: the job type of every endpoint that has no own one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, Expected, missing
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.fill_plan import Terms, offers
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.learnt import files_of
from moomarkets.domain.listing import expected_of_codes, issue_code
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.source import Endpoint
from moomarkets.domain.upkeep import Cut
from moomarkets.domain.ways import AUTO, Step, Way, pick
from moomarkets.jobtypes.bulk_fetch import BulkFetch, is_bulk, perform_bulk
from moomarkets.jobtypes.fetch import Fetch, perform_fetch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.jobtypes.refusals import is_live
from moomarkets.jobtypes.scope import codes_of, most_requests_of, newest_of, way_of
from moomarkets.jobtypes.survey import Survey
from moomarkets.jobtypes.verification import REVERIFY, verifications
from moomarkets.jobtypes.wanted import check_codes, wanted_days

SCOPE_KEYS = frozenset({"newest", "from", "to", "ranges", "codes", "way", "max_requests", REVERIFY})


class DatasetUpkeep:
    """The jobs that bring what is published, readable and not here yet, in the cheapest way.

    Scope: `newest` (the newest n trading days), or `from` and `to` (dates, both included), or `ranges` of them; without
    any, the newest 20 days, or all dates where a range comes in one request. `codes` narrows it to these, `way` says
    how to ask (`auto`, `date`, `code`, `bulk`), `max_requests` limits what one run plans. `reverify`: how many days
    that are here each run asks for once more, after everything that is missing.

    Example:
        >>> from datasources.jquants.endpoints import VALUATIONS_ENDPOINT
        >>> DatasetUpkeep("jquants", VALUATIONS_ENDPOINT).name
        'valuations'
    """

    def __init__(self, source: str, endpoint: Endpoint, name: str = "") -> None:
        if endpoint.upkeep is None:
            raise ValueError(f"endpoint {endpoint.name}: expected one with an upkeep, got none")
        self.source, self.endpoint, self._upkeep = source, endpoint, endpoint.upkeep
        self.dataset = endpoint.dataset.name
        self.name = name or self.dataset
        self.description = f"{endpoint.dataset.doc.partition('.')[0].partition(';')[0]} ({source})"
        self.default_schedule: Schedule | None = self._upkeep.schedule
        self.scope_keys = SCOPE_KEYS

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The jobs that close the gaps: first what will soon be out of reach, then the newest."""
        found = self.survey(view, scope)
        steps = pick(found.offers, way_of(scope)).within(most_requests_of(scope)).steps if found.gaps else ()
        taken = {day for step in steps for day in step.days}
        again = [] if self.codes_of(scope) else verifications(self._upkeep, view, scope, taken, self._verification)
        return [*map(self._job, steps), *again]

    def survey(self, view: PlanView, scope: Mapping[str, object]) -> Survey:
        """What the scope asks for, what of it is missing, and every way to get that."""
        refused_files = files_of(self.endpoint.name) in view.subscription.refused
        if not view.subscription.may_ask(self.endpoint) or (refused_files and self._comes_in_files_alone):
            needed = self.endpoint.plan or self.endpoint.name
            detail = f"{self.name}: expected a subscription with {needed}, got one without"
            raise AttemptError(Reason.PLAN_RESTRICTED, detail)
        check_codes(self.endpoint, scope)
        way_of(scope)
        codes = self.codes_of(scope)
        wanted = wanted_days(self.endpoint, self._upkeep, view, scope)
        # An older state cannot be asked for.
        days = wanted.days[-1:] if self._upkeep.cut is Cut.NEWEST else wanted.days
        expected = self._expected(codes, days, view)
        if not codes and not {"to", "ranges"} & set(scope):
            expected = self._with_live(expected, view)
        gaps = missing(expected, view.covered)
        ways = offers(gaps, self._terms(codes, view, scope))
        return Survey(tuple(expected), tuple(gaps), tuple(ways), wanted.beyond, wanted.coming)

    def codes_of(self, scope: Mapping[str, object]) -> tuple[str, ...]:
        """The codes that the scope names, as the dataset writes them."""
        codes = codes_of(scope)
        return tuple(map(issue_code, codes)) if self._upkeep.has_issue_codes else codes

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        if is_bulk(attempt):
            return perform_bulk(self.source, self.endpoint.name, attempt, tools, token)
        return perform_fetch(self.source, self.endpoint.name, attempt, tools, token)

    def key_of(self, day: str) -> str:
        """The key of the job whose partition begins on `day`; within a group keys of all job types differ."""
        return f"{self.name} {day}"

    def title_of(self, days: str) -> str:
        """What a person reads as the name of the job."""
        return f"{self.dataset.replace('_', ' ')} of {days}"

    @property
    def _comes_in_files_alone(self) -> bool:
        return self._upkeep.cut is Cut.DAY and not self._upkeep.day_parameter

    def _verification(self, fetch: Fetch, day: date) -> PlannedJob:
        return fetch.job(self.key_of(day.isoformat()), self.name, f"{self.title_of(day.isoformat())}, once more")

    def _expected(self, codes: tuple[str, ...], days: tuple[date, ...], view: PlanView) -> list[Expected]:
        if codes:
            return expected_of_codes(codes, days, view.listings, lambda day: self._upkeep.published_at(day, view.now))
        return [Expected(ALL, day, day, self._upkeep.published_at(day, view.now)) for day in days]

    def _with_live(self, expected: list[Expected], view: PlanView) -> list[Expected]:
        """And today, where more of it can come at any time: what was fetched a minute ago is old then."""
        today = view.now.astimezone(TOKYO).date()
        newest = Expected(ALL, today, today, view.now)
        is_wanted = view.calendar.is_trading_day(today)
        if not is_wanted or not is_live(self.endpoint, view.subscription, newest, view.now):
            return expected
        return [*(want for want in expected if want.from_on < today), newest]

    def _terms(self, codes: tuple[str, ...], view: PlanView, scope: Mapping[str, object]) -> Terms:
        endpoint = self.endpoint
        return Terms(
            upkeep=self._upkeep,
            volume=endpoint.volume.learnt(view.past),
            calendar=view.calendar,
            today=view.now.astimezone(self._upkeep.publication.zone).date(),
            first_on=view.first_on,
            codes=codes,
            file_obstacle=self._file_obstacle(view, scope),
        )

    def _file_obstacle(self, view: PlanView, scope: Mapping[str, object]) -> str:
        """Why no files are used; "" where they can be."""
        plan = view.subscription.plan
        if not self.endpoint.has_bulk:
            return "there are no files of it"
        if self._comes_in_files_alone:
            return ""
        if files_of(self.endpoint.name) in view.subscription.refused:
            return "the provider has refused its files"
        if plan is None or not plan.has_bulk:
            return f"the plan {plan.name} has no files" if plan else "there are no files without a plan"
        if newest_of(scope) is not None and way_of(scope) == AUTO:
            # What is wanted because it is new is not to wait for a file of it.
            return "the newest days are asked for one by one"
        return ""

    def _job(self, step: Step) -> PlannedJob:
        first, last = step.from_on.isoformat(), step.to_on.isoformat()
        if step.way is Way.BULK:
            title = self.title_of(f"{step.period} (file)")
            return BulkFetch(self.dataset, step.period, step.days).job(f"{self.name} {step.period}", self.name, title)
        upkeep, request, key, shown = self._upkeep, {}, self.key_of(first), first
        if first != last:
            shown = f"{first} to {last}"
        if step.way is Way.CODE:
            request = {upkeep.code_parameter: step.key, upkeep.from_parameter: first, upkeep.to_parameter: last}
            key, shown = f"{self.name} {step.key} {first}", f"{step.key}, {shown}"
        elif step.way is Way.RANGE:
            request = {upkeep.from_parameter: first, upkeep.to_parameter: last}
        elif upkeep.day_parameter:
            request = {upkeep.day_parameter: first}
        partition = Expected(step.key, step.from_on, step.to_on, self._upkeep.publication.of(step.to_on))
        symbol = step.key if step.way is Way.CODE else None
        return Fetch(partition, request).job(key, self.name, self.title_of(shown), symbol)
