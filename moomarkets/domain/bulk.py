"""Bulk files: whole months and days of a dataset, which a provider offers beside its answers to single questions."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime

from moomarkets.domain.errors import InvalidInput

_PERIOD = re.compile(r"\d{4}-\d\d(-\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class BulkFile:
    """One file in a provider's list. `key` is the provider's name of it, `size` what it takes packed, in bytes.

    `period` says what it holds, as `period_dates` reads it; `modified_at` when the provider last changed it: nothing
    that was published later is in it.
    """

    key: str
    size: int
    modified_at: datetime
    period: str


def period_dates(period: str) -> tuple[date, date]:
    """First and last date of a month like "2024-01" or a day like "2024-01-15".

    Example:
        >>> period_dates("2024-02")
        (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    """
    try:
        if _PERIOD.fullmatch(period) is None:
            raise ValueError
        first = date.fromisoformat(period if len(period) > 7 else f"{period}-01")
    except ValueError:
        raise InvalidInput("period", "a month like 2024-01 or a day like 2024-01-15", period) from None
    if len(period) > 7:
        return first, first
    return first, first.replace(day=monthrange(first.year, first.month)[1])
