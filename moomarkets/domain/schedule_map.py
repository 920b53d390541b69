"""Reads the map of a schedule: which keys make which kind, and what was meant by those that make none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from moomarkets.domain.calendar import TradingDays
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.market_schedule import BusinessDaySchedule, TradingDaySchedule
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.schedule import EPOCH, CronSchedule, IntervalSchedule, Schedule

_KEYS = ("cron", "timezone", "every_s", "anchor", "market", "after_close", "business_day_of_week", "at")
_EXPECTED = "a map with 'cron' and 'timezone', with 'every_s' and 'anchor', or with 'market'"


def read(value: object, calendars: Mapping[str, TradingDays]) -> Schedule:
    """The schedule that the map means; `InvalidInput` naming the key that is wrong, and what it should be."""
    if not isinstance(value, Mapping):
        raise InvalidInput("schedule", _EXPECTED, value)
    if "market" in value:
        return _market(value, calendars)
    if "cron" in value:
        _refuse_others(value, ("cron", "timezone"))
        return CronSchedule(value["cron"], value.get("timezone", "UTC"))
    if "every_s" in value:
        _refuse_others(value, ("every_s", "anchor"))
        return IntervalSchedule(value["every_s"], _instant(value.get("anchor", EPOCH)))
    unknown = [key for key in value if key not in _KEYS]
    raise InvalidInput("schedule", f"{_EXPECTED}{did_you_mean(unknown[0], _KEYS) if unknown else ''}", value)


def _market(value: Mapping[str, object], calendars: Mapping[str, TradingDays]) -> Schedule:
    market = value["market"]
    days = calendars.get(market) if isinstance(market, str) else None
    if "business_day_of_week" in value:
        _refuse_others(value, ("market", "business_day_of_week", "at"))
        nth, at = value["business_day_of_week"], value.get("at")
        return BusinessDaySchedule(market, nth, at, days)  # type: ignore[arg-type]  # they are checked there
    if "after_close" in value:
        _refuse_others(value, ("market", "after_close"))
        return TradingDaySchedule(market, value["after_close"], days=days)  # type: ignore[arg-type]
    if "at" in value:
        _refuse_others(value, ("market", "at"))
        return TradingDaySchedule(market, value["at"], False, days)  # type: ignore[arg-type]
    _refuse_others(value, ("market", "after_close", "at", "business_day_of_week"))
    raise InvalidInput("schedule", "beside 'market' one of 'after_close', 'at', 'business_day_of_week'", value)


def _refuse_others(value: Mapping[str, object], known: tuple[str, ...]) -> None:
    others = sorted(str(key) for key in value if key not in known)
    if others:
        keys = f"{', '.join(known[:-1])} and {known[-1]}"
        raise InvalidInput("schedule", f"only the keys {keys}{did_you_mean(others[0], known)}", ", ".join(others))


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)  # type: ignore[arg-type]  # anything else is a TypeError, refused below
    except (TypeError, ValueError):
        raise InvalidInput("anchor", "an ISO 8601 instant with its offset from UTC", value) from None
