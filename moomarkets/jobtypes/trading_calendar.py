"""Keeps the trading calendar of the Tokyo exchange."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, Expected, missing
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.schedule import CronSchedule, Schedule
from moomarkets.jobtypes.fetch import Fetch, perform_fetch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools


class TradingCalendar:
    """One request brings all dates that the subscription reaches; asked for again each Monday at 07:00 in Tokyo.

    The provider changes it at irregular times, so a week is how old it may be.
    """

    name = "trading_calendar"
    description = "Trading calendar of the Tokyo exchange (J-Quants)"
    default_schedule: Schedule | None = CronSchedule("0 7 * * 1", "Asia/Tokyo")
    source = "jquants"
    dataset = "trading_calendar"
    scope_keys = frozenset[str]()

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The job, or none while this week's calendar is here."""
        published_at = _this_week(view.now)
        monday = published_at.astimezone(TOKYO).date()
        want = Expected(ALL, monday, monday, published_at)
        return [
            Fetch(partition, {}).job(self.name, self.name, "trading calendar")
            for partition in missing([want], view.covered)
        ]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        return perform_fetch(self.source, "trading_calendar", attempt, tools, token)


def _this_week(now: datetime) -> datetime:
    """The newest Monday 07:00 in Tokyo that has passed."""
    local = now.astimezone(TOKYO)
    monday = datetime.combine(local.date() - timedelta(days=local.weekday()), time(7), TOKYO)
    return (monday if monday <= local else monday - timedelta(days=7)).astimezone(UTC)
