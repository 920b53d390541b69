"""What Yahoo's charts are asked for, and the zone in which the answer's days are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from datasources.yahoo_intervals import Interval


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: a symbol, and the exchange dates from `first` to `last`, both included.

    Without an `interval` it is about daily bars.
    """

    symbol: str
    first: date
    last: date
    interval: Interval | None = None

    def query(self) -> dict[str, str]:
        # A day of the exchange begins up to 14 hours before that of UTC, and ends up to 12 hours after it.
        first = datetime.combine(max(self.first, date(1900, 1, 2)), datetime.min.time(), UTC) - timedelta(hours=14)
        end = datetime.combine(self.last, datetime.min.time(), UTC) + timedelta(days=1, hours=12)
        return {
            "period1": str(int(first.timestamp())),
            "period2": str(int(end.timestamp())),
            "interval": self.interval.name if self.interval else "1d",
            "includePrePost": "false",
            "events": "div,splits,capitalGains",
        }


def zone_of(meta: Mapping[str, Any]) -> ZoneInfo:
    """The zone of the exchange; ValueError where the answer names none that exists."""
    try:
        return ZoneInfo(meta["exchangeTimezoneName"])
    except ZoneInfoNotFoundError:
        raise ValueError("exchangeTimezoneName") from None
