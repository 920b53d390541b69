"""Trading days of Tokyo: the stored calendar first, rules where it does not reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import jpholiday

TOKYO = ZoneInfo("Asia/Tokyo")
NEW_YORK = ZoneInfo("America/New_York")

TRADING_DIVISIONS = frozenset({"1", "2"})
"""HolDiv values on which equities trade: business day and half day."""


class TradingDays(Protocol):
    """Answers whether an exchange trades on a date."""

    def is_trading_day(self, day: date) -> bool:
        """Whether it does."""


@dataclass(frozen=True, slots=True)
class WeekdaysOnly:
    """Every weekday, holidays included: for exchanges whose calendar is not kept; a holiday's fetch is an empty one."""

    def is_trading_day(self, day: date) -> bool:
        return day.weekday() < 5


class TokyoCalendar:
    """Answers whether Tokyo trades on a date.

    `divisions` is the stored calendar (date -> HolDiv). Dates beyond it follow the exchange's standing rules: closed
    at weekends, on Japanese public holidays and from 31 December to 3 January.

    Example:
        >>> TokyoCalendar({}).is_trading_day(date(2026, 11, 23))
        False
    """

    def __init__(self, divisions: Mapping[date, str]) -> None:
        self._divisions = divisions

    def is_trading_day(self, day: date) -> bool:
        division = self._divisions.get(day)
        if division is not None:
            return division in TRADING_DIVISIONS
        is_year_end = (day.month, day.day) in ((12, 31), (1, 1), (1, 2), (1, 3))
        return day.weekday() < 5 and not is_year_end and not jpholiday.is_holiday(day)

    def trading_days(self, first: date, last: date) -> list[date]:
        """All trading days from `first` to `last`, both included, oldest first."""
        return [day for day in _days(first, last) if self.is_trading_day(day)]

    def newest(self, count: int, last: date) -> list[date]:
        """The `count` trading days up to and including `last`, oldest first."""
        found: list[date] = []
        day = last
        while len(found) < count:
            if self.is_trading_day(day):
                found.append(day)
            day -= timedelta(days=1)
        return found[::-1]


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
