"""Coverage and gaps: what was fetched, what is published by now, and so what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from moomarkets.domain.calendar import NEW_YORK, TOKYO, TradingDays

ALL = "ALL"
"""The key of partitions that hold every symbol."""


@dataclass(frozen=True, slots=True)
class Covered:
    """One partition that was fetched completely: a key, its dates (both included), and when."""

    key: str
    from_on: date
    to_on: date
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Expected:
    """One partition that should be there: it is missing until it was fetched after `published_at`."""

    key: str
    from_on: date
    to_on: date
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """When a provider publishes the data of a day: a wall time of its zone, `grace` later to be sure."""

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


JQUANTS_DAILY_BARS = Publication(TOKYO, time(16, 30))
"""Daily bars: 16:30 in Tokyo on the trading day (provider's update page)."""

JQUANTS_LISTED_ISSUES = Publication(TOKYO, time(17, 30), grace=timedelta(minutes=15))
"""The list: 17:30 in Tokyo on business days, with the next day's state (provider's update page)."""

YAHOO_DAILY_BARS = Publication(NEW_YORK, time(16, 0))
"""Daily bars of US symbols: after the close in New York."""


@dataclass(frozen=True, slots=True)
class WeekdaysOnly:
    """Every weekday, holidays included: for exchanges whose calendar is not kept; a holiday's fetch is an empty one."""

    def is_trading_day(self, day: date) -> bool:
        return day.weekday() < 5


def missing(expected: Iterable[Expected], covered: Iterable[Covered]) -> list[Expected]:
    """The expected partitions that no fetch since their publication covers, in the order given."""
    by_key: dict[str, list[Covered]] = {}
    for partition in covered:
        by_key.setdefault(partition.key, []).append(partition)
    return [want for want in expected if not any(_covers(have, want) for have in by_key.get(want.key, ()))]


def _covers(have: Covered, want: Expected) -> bool:
    return have.from_on <= want.from_on and have.to_on >= want.to_on and have.fetched_at >= want.published_at
