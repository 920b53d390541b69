"""What one request can see: the fictional market at an instant in Tokyo, and rows put into JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.disclosures import Disclosures
from datasources.simulators.market import Market

Row = dict[str, Any]
TOKYO = timezone(timedelta(hours=9))


@dataclass(frozen=True, slots=True)
class View:
    """The market and its papers as of `now` (in Tokyo); `is_premium` shows what only that plan sees."""

    market: Market
    disclosures: Disclosures
    now: datetime
    is_premium: bool = False

    def listed(self, code: str, day: date) -> Sequence[Issue]:
        """The issue with that code, or all, as far as they are listed on that day."""
        issues = self.market.issues_named(code) if code else self.market.issues
        return [issue for issue in issues if issue.first_on <= day <= issue.last_on]

    def stocks(self, code: str, day: date) -> Sequence[Issue]:
        """The same without funds and preferred shares: those that publish accounts."""
        return [issue for issue in self.listed(code, day) if issue.is_common]


RowsOf = Callable[[View, date, str], Sequence[str]]
"""Rows of one day as JSON text; the text is the key that they are asked by, "" for all."""


def texts(rows: Iterable[Row]) -> list[str]:
    """Rows as JSON text."""
    return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]


def instant(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of a day in Tokyo; hours from 24 on belong to the day after.

    Example:
        >>> instant(date(2026, 11, 20), 27).isoformat()
        '2026-11-21T03:00:00+09:00'
    """
    return datetime.combine(day, time(0), TOKYO) + timedelta(hours=hour, minutes=minute)
