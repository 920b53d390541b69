"""Schedules as people write them in Python: each function checks what it is given and returns the schedule's map."""

from __future__ import annotations

from datetime import datetime, timedelta

from moomarkets.domain.market_schedule import BusinessDaySchedule, TradingDaySchedule
from moomarkets.domain.schedule import EPOCH, CronSchedule, IntervalSchedule

Spec = dict[str, object]
"""What `GroupDefinition.schedule` takes."""


def cron(expression: str, timezone: str = "UTC") -> Spec:
    """Whenever the wall clock of `timezone` matches.

    Example:
        >>> cron("30 16 * * mon-fri", "Asia/Tokyo")
        {'cron': '30 16 * * mon-fri', 'timezone': 'Asia/Tokyo'}
    """
    return CronSchedule(expression, timezone).to_json()


def every(
    *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0, anchor: datetime = EPOCH
) -> Spec:
    """At `anchor` and at equal distances from it, in real time.

    Example:
        >>> every(minutes=15)["every_s"]
        900.0
    """
    distance = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return IntervalSchedule(distance.total_seconds(), anchor).to_json()


def after_close(market: str, at: str) -> Spec:
    """On every trading day at that time of the exchange, which may be 24:00 to 47:59: on the day after.

    Example:
        >>> after_close("XTKS", "27:00")
        {'market': 'XTKS', 'after_close': '27:00'}
    """
    return TradingDaySchedule(market, at).to_json()


def trading_days(market: str, at: str) -> Spec:
    """On every trading day at that time of the exchange, which may lie before the close.

    Example:
        >>> trading_days("XTKS", "12:00")
        {'market': 'XTKS', 'at': '12:00'}
    """
    return TradingDaySchedule(market, at, is_after_close=False).to_json()


def business_day_of_week(nth: int, at: str, market: str = "XTKS") -> Spec:
    """On the n-th trading day of each week that has so many.

    Example:
        >>> business_day_of_week(4, "16:30")
        {'market': 'XTKS', 'business_day_of_week': 4, 'at': '16:30'}
    """
    return BusinessDaySchedule(market, nth, at).to_json()
