"""Reads the daily bars with their dividends, splits and capital gains out of one result of Yahoo's charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from datasources.columns import clean, numbers
from datasources.yahoo_question import Question, zone_of

LIVE_ROWS = "live_rows"
NULL_ROWS = "null_rows"
ORPHAN_EVENTS = "orphan_events"

_PRICES = ("open", "high", "low", "close")


class DailyTable:
    """The parallel arrays of one chart result, joined with its events into rows."""

    def __init__(self, result: Mapping[str, Any], question: Question, now: datetime, warnings: Counter[str]) -> None:
        self._question, self._warnings = question, warnings
        self._meta = result["meta"]
        self._zone = zone_of(self._meta)
        self._stamps = [int(stamp) for stamp in result["timestamp"]]
        self._quote: Mapping[str, Any] = result["indicators"]["quote"][0]
        self._adjusted = _adjusted(result["indicators"], len(self._stamps))
        self._events = result.get("events") or {}
        self._live_from = _live_from(self._meta, now)

    def rows(self) -> list[tuple[object, ...]]:
        days = [datetime.fromtimestamp(stamp, self._zone).date() for stamp in self._stamps]
        currency = clean(str(self._meta.get("currency") or "")) or None
        dividends = self._by_day("dividends", lambda event: event["amount"])
        splits = self._by_day("splits", lambda event: float(event["numerator"]) / float(event["denominator"]))
        gains = self._by_day("capitalGains", lambda event: event["amount"])
        columns = [numbers(self._quote[name], self._warnings) for name in _PRICES]
        columns.append(numbers(self._adjusted, self._warnings))
        columns.append(numbers(self._quote["volume"], self._warnings))
        joined = zip(self._stamps, days, *columns, self._extras(), strict=True)
        rows: list[tuple[object, ...]] = []
        for stamp, day, *values, extra in joined:
            actions = (dividends.pop(day, None), splits.pop(day, None), gains.pop(day, None))
            if self._is_wanted(stamp, day, values, actions):
                rows.append((self._question.symbol, day, *values, *actions, currency, extra))
        self._count(ORPHAN_EVENTS, len(dividends) + len(splits) + len(gains))
        return rows

    def _is_wanted(self, stamp: int, day: date, values: Sequence[object], actions: Sequence[object]) -> bool:
        if not self._question.first <= day <= self._question.last:
            return False
        if self._live_from is not None and stamp >= self._live_from:
            self._count(LIVE_ROWS, 1)
            return False
        if not any(value is not None for value in (*values, *actions)):
            self._count(NULL_ROWS, 1)
            return False
        return True

    def _by_day(self, kind: str, amount: Any) -> dict[date, float | None]:
        events = list((self._events.get(kind) or {}).values())
        amounts = numbers([_amount(amount, event) for event in events], self._warnings)
        days = [datetime.fromtimestamp(int(event["date"]), self._zone).date() for event in events]
        wanted = {day for day in days if self._question.first <= day <= self._question.last}
        return {day: value for day, value in zip(days, amounts, strict=True) if day in wanted}

    def _extras(self) -> list[dict[str, object] | None]:
        unknown = sorted(set(self._quote) - {*_PRICES, "volume"})
        if not unknown:
            return [None] * len(self._stamps)
        columns = [numbers(self._quote[name], self._warnings) for name in unknown]
        names = [clean(name) for name in unknown]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def _count(self, name: str, times: int) -> None:
        if times:
            self._warnings[name] += times


def _amount(amount: Any, event: Any) -> object:
    try:
        return amount(event)
    except ZeroDivisionError:
        return "a ratio without a denominator"


def _adjusted(indicators: Mapping[str, Any], count: int) -> Sequence[object]:
    """The closes adjusted for dividends too; Yahoo leaves them out for some instruments."""
    parts = indicators.get("adjclose")
    values: Sequence[object] = parts[0]["adjclose"] if parts else [None] * count
    return values


def _live_from(meta: Mapping[str, Any], now: datetime) -> int | None:
    """The opening second of a session that is not over yet: its row still changes."""
    regular = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    start, end = regular.get("start"), regular.get("end")
    if isinstance(start, int) and isinstance(end, int) and now.timestamp() < end:
        return start
    return None
