"""Reads the bars within a day out of one result of Yahoo's charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from datasources.columns import clean, numbers
from datasources.yahoo_daily import LIVE_ROWS, NULL_ROWS
from datasources.yahoo_intervals import Interval
from datasources.yahoo_question import Question, zone_of

_PRICES = ("open", "high", "low", "close", "volume")
_MINUTE_S = 60


def intraday_rows(
    result: Mapping[str, Any], question: Question, interval: Interval, now: datetime, warnings: Counter[str]
) -> list[tuple[object, ...]]:
    """One row per bar that is over and in which something was traded, of the exchange dates that were asked for.

    Raises `KeyError`, `TypeError` or the like where the result has another shape than it should.
    """
    quote: Mapping[str, Any] = result["indicators"]["quote"][0]
    zone = zone_of(result["meta"])
    starts = [int(stamp) for stamp in result["timestamp"]]
    columns = [numbers(quote[name], warnings) for name in _PRICES]
    currency = clean(str(result["meta"].get("currency") or "")) or None
    rows: list[tuple[object, ...]] = []
    for start, *values in zip(starts, *columns, strict=True):
        day = datetime.fromtimestamp(start, zone).date()
        if question.first <= day <= question.last and _is_kept(start, values, interval, now, warnings):
            opened_at = datetime.fromtimestamp(start, UTC)
            rows.append((question.symbol, interval.name, opened_at, day, *values, currency, None))
    return rows


def _is_kept(start: int, values: Sequence[object], interval: Interval, now: datetime, warnings: Counter[str]) -> bool:
    # The newest price comes as a row of its own, at the second of its trade.
    if start + interval.seconds > now.timestamp() or start % _MINUTE_S:
        warnings[LIVE_ROWS] += 1
        return False
    if all(value is None for value in values[:4]):
        warnings[NULL_ROWS] += 1
        return False
    return True
