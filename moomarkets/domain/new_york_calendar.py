"""The New York exchange's trading days and early closes, by its standing rules and the days it lost to events."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6

LOST_DAYS = frozenset(
    {
        *(date(2001, 9, day) for day in (11, 12, 13, 14)),  # the attacks
        date(2004, 6, 11),  # mourning for President Reagan
        date(2007, 1, 2),  # mourning for President Ford
        date(2012, 10, 29),  # hurricane Sandy
        date(2012, 10, 30),
        date(2018, 12, 5),  # mourning for President G. H. W. Bush
        date(2025, 1, 9),  # mourning for President Carter
    }
)
"""Weekdays since 2000 on which the exchange was closed beside its rules."""


class NewYorkCalendar:
    """Answers whether New York trades on a date, and whether it closes early, at 13:00.

    The rules are those of today and hold back to 2000 (early closes: to 2004). A closure for an event is not known
    before it stands here.

    Example:
        >>> NewYorkCalendar().is_trading_day(date(2026, 7, 3)), NewYorkCalendar().is_half_day(date(2026, 11, 27))
        (False, True)
    """

    def is_trading_day(self, day: date) -> bool:
        return day.weekday() < SATURDAY and day not in LOST_DAYS and day not in _holidays(day.year)

    def is_half_day(self, day: date) -> bool:
        """Whether the session ends at 13:00: around Thanksgiving, Christmas and Independence Day."""
        # An eve on a Friday is no trading day: the holiday of the Saturday is kept on it.
        is_eve = (day.month, day.day) in ((7, 3), (12, 24))
        return self.is_trading_day(day) and (is_eve or day == _thanksgiving(day.year) + timedelta(days=1))


@cache
def _holidays(year: int) -> frozenset[date]:
    """By NYSE Rule 7.2. The Friday before a New Year's Day on a Saturday is of another year, and no holiday."""
    days = {
        _observed(date(year, 1, 1)),
        _nth(year, 1, MONDAY, 3),  # Martin Luther King
        _nth(year, 2, MONDAY, 3),  # Washington
        _easter(year) - timedelta(days=2),  # Good Friday
        _nth(year, 6, MONDAY, 1) - timedelta(days=7),  # Memorial Day: the last Monday of May
        _observed(date(year, 7, 4)),
        _nth(year, 9, MONDAY, 1),  # Labor Day
        _thanksgiving(year),
        _observed(date(year, 12, 25)),
    }
    if year >= 2022:
        days.add(_observed(date(year, 6, 19)))
    return frozenset(days)


def _observed(day: date) -> date:
    """A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after."""
    return day + timedelta(days={SATURDAY: -1, SUNDAY: 1}.get(day.weekday(), 0))


def _thanksgiving(year: int) -> date:
    return _nth(year, 11, THURSDAY, 4)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the rule of Meeus, Jones and Butcher)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    leaps, shift = divmod(century, 4)
    moon = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    quarter, left = divmod(rest, 4)
    weekday = (32 + 2 * shift + 2 * quarter - moon - left) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
