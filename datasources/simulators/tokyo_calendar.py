"""The simulated exchange's calendar: weekends, Japanese holidays, the turn of the year."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import jpholiday

FIRST_DAY = date(2008, 1, 1)
_HOLIDAY_TRADING_SINCE = date(2022, 9, 23)
_LAST_HALF_DAY_YEAR = 2009
_ONE_DAY = timedelta(days=1)


@cache
def holiday_division(day: date) -> str:
    """0 closed, 1 business day, 2 half trading day, 3 closed with derivatives traded.

    Example:
        >>> [holiday_division(date(2026, 11, day)) for day in (20, 21, 23)]
        ['1', '0', '3']
    """
    if day.weekday() >= 5 or _is_turn_of_year(day):
        return "0"
    if jpholiday.is_holiday(day):
        return "3" if day >= _HOLIDAY_TRADING_SINCE else "0"
    return "2" if _is_half_day(day) else "1"


def is_trading_day(day: date) -> bool:
    """Whether equities are traded on that day."""
    return holiday_division(day) in ("1", "2")


def trading_day_from(day: date) -> date:
    """That day, or the next one on which equities are traded."""
    while not is_trading_day(day):
        day += _ONE_DAY
    return day


def trading_day_until(day: date) -> date:
    """That day, or the last one before it on which equities are traded."""
    while not is_trading_day(day):
        day -= _ONE_DAY
    return day


@cache
def trading_day_off(day: date, count: int) -> date:
    """The trading day that many trading days after `day`; a negative count looks back.

    Example:
        >>> str(trading_day_off(date(2026, 11, 20), 1)), str(trading_day_off(date(2026, 11, 24), -1))
        ('2026-11-24', '2026-11-20')
    """
    for _ in range(abs(count)):
        day = trading_day_from(day + _ONE_DAY) if count > 0 else trading_day_until(day - _ONE_DAY)
    return day


def trading_days(first: date, last: date) -> list[date]:
    """All trading days from `first` to `last`, both included."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if is_trading_day(day)]


def _is_turn_of_year(day: date) -> bool:
    return (day.month, day.day) in ((12, 31), (1, 1), (1, 2), (1, 3))


def _is_half_day(day: date) -> bool:
    """The first and the last day of a year were half days until January 2009."""
    if day.year > _LAST_HALF_DAY_YEAR:
        return False
    if day.month == 1:
        return day == trading_day_after_new_year(day.year)
    return day.year < _LAST_HALF_DAY_YEAR and day.month == 12 and _next_open_is_next_year(day)


def trading_day_after_new_year(year: int) -> date:
    """The first trading day of a year."""
    day = date(year, 1, 4)
    while day.weekday() >= 5:
        day += _ONE_DAY
    return day


def _next_open_is_next_year(day: date) -> bool:
    later = (day + timedelta(days=n) for n in range(1, 32 - day.day))
    return all(other.weekday() >= 5 or _is_turn_of_year(other) for other in later)
