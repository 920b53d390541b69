"""Keeps the daily bars of the whole Tokyo market, one trading day per request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, JQUANTS_DAILY_BARS, Expected, missing
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.schedule import CronSchedule, Schedule
from moomarkets.jobtypes.fetch import Fetch, perform_fetch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.jobtypes.scope import date_of, newest_of

NEWEST = 20


class DailyQuotes:
    """One job per trading day that is published, readable and not here yet.

    Scope: `newest` (the newest n trading days, 20 by default) or `from` and `to` (dates, both included).
    """

    name = "daily_quotes"
    description = "Daily bars of all issues, by trading day (J-Quants)"
    default_schedule: Schedule | None = CronSchedule("0 17 * * 1-5", "Asia/Tokyo")
    source = "jquants"
    dataset = "daily_bars"

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The missing trading days, the newest first: those are what a reader waits for."""
        days = _days(view, scope)
        wanted = [Expected(ALL, day, day, JQUANTS_DAILY_BARS.of(day)) for day in reversed(days)]
        return [
            Fetch(partition, {"date": partition.from_on.isoformat()}).job(
                partition.from_on.isoformat(), self.name, f"daily bars of {partition.from_on}"
            )
            for partition in missing(wanted, view.covered)
        ]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        return perform_fetch(self.source, "daily_bars", attempt, tools, token)


def _days(view: PlanView, scope: Mapping[str, object]) -> list[date]:
    """The trading days that the scope asks for, within what is published and what the subscription reaches."""
    last = JQUANTS_DAILY_BARS.newest(view.now, view.calendar)
    last = min(last, view.last_on or last, date_of(scope, "to") or last)
    first = date_of(scope, "from")
    if first is None:
        days = view.calendar.newest(newest_of(scope) or NEWEST, last)
    else:
        days = view.calendar.trading_days(max(first, view.first_on), last)
    return [day for day in days if day >= view.first_on]
