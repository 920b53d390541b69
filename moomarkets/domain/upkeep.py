"""How an endpoint's dataset is kept: the parts it is cut into, when each is published, how one is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from moomarkets.domain.calendar import TradingDays
from moomarkets.domain.schedule import Schedule


class Cut(StrEnum):
    """What one partition of a dataset is."""

    DAY = "day"
    """Everything of one trading day; any day of the past can be asked for."""

    NEWEST = "newest"
    """What is valid now; the past cannot be asked for, so what is missed is gone."""

    RANGE = "range"
    """Everything of a range of dates, in one request."""

    SYMBOL = "symbol"
    """A range of dates of one symbol, in one request."""


@dataclass(frozen=True, slots=True)
class Publication:
    """When a provider publishes the data of a day: a wall time of its zone, `grace` later to be sure.

    Example:
        >>> Publication(ZoneInfo("Asia/Tokyo"), time(16, 30)).of(date(2026, 11, 20)).isoformat()
        '2026-11-20T08:00:00+00:00'
    """

    zone: ZoneInfo
    at: time
    grace: timedelta = timedelta(minutes=30)
    days_later: int = 0

    def of(self, day: date) -> datetime:
        """The instant (UTC) from which the data of `day` count as published."""
        local = datetime.combine(day + timedelta(days=self.days_later), self.at, self.zone)
        return (local + self.grace).astimezone(UTC)

    def newest(self, now: datetime, days: TradingDays) -> date:
        """The newest trading day whose data are published at `now`."""
        day = now.astimezone(self.zone).date()
        while not (days.is_trading_day(day) and self.of(day) <= now):
            day -= timedelta(days=1)
        return day


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How the dataset of one endpoint is kept without being told.

    `final` is a second publication of the same day, after which it is fetched once more. `day_parameter` is the
    provider's name for the date of a partition, `from_parameter` and `to_parameter` for a range; "" where it takes
    none: by day that means in bulk files alone. With a `code_parameter` a range of one code can be asked for; "" where
    it cannot. Before `daily_since` there are data only for the last trading day of each week.
    """

    cut: Cut
    publication: Publication
    schedule: Schedule
    final: Publication | None = None
    day_parameter: str = "date"
    from_parameter: str = "from"
    to_parameter: str = "to"
    code_parameter: str = ""
    has_issue_codes: bool = False
    """Whether those codes are of issues that the list of issues knows."""
    daily_since: date | None = None

    def published_at(self, day: date, now: datetime) -> datetime:
        """The newest publication of that day that has come at `now`; the first one where none has."""
        if self.final is not None and self.final.of(day) <= now:
            return self.final.of(day)
        return self.publication.of(day)

    def has_data(self, day: date, days: TradingDays) -> bool:
        """Whether the provider has data of that day, as far as the calendar tells."""
        if not days.is_trading_day(day):
            return False
        if self.daily_since is None or day >= self.daily_since:
            return True
        rest_of_week = (day + timedelta(days=ahead) for ahead in range(1, 5 - day.weekday()))
        return not any(days.is_trading_day(later) for later in rest_of_week)
