"""Keeps the list of listed companies and other issues of the Tokyo exchange."""

from __future__ import annotations

from collections.abc import Mapping

from datasources.jquants.endpoints import LISTED_ISSUES_ENDPOINT
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, Expected, missing
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.schedule import CronSchedule, Schedule
from moomarkets.jobtypes.fetch import Fetch, perform_fetch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools


class ListedCompanies:
    """One request brings the newest list; it is asked for again once a newer one is published."""

    name = "listed_companies"
    description = "Listed companies and other issues of the Tokyo exchange (J-Quants)"
    default_schedule: Schedule | None = CronSchedule("0 6 * * *", "Asia/Tokyo")
    source = "jquants"
    dataset = "listed_issues"
    scope_keys = frozenset[str]()

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The job, or none while the newest list is here."""
        assert LISTED_ISSUES_ENDPOINT.upkeep is not None
        publication = LISTED_ISSUES_ENDPOINT.upkeep.publication
        day = publication.newest(view.now, view.calendar)
        want = Expected(ALL, day, day, publication.of(day))
        # Without a date the provider answers with the newest list that the subscription reaches.
        return [
            Fetch(partition, {}).job(self.name, self.name, "listed companies")
            for partition in missing([want], view.covered)
        ]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        return perform_fetch(self.source, "listed_issues", attempt, tools, token)
