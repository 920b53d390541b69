"""Coverage and gaps: what was fetched, what is published by now, and so what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

ALL = "ALL"
"""The key of partitions that hold every symbol."""


@dataclass(frozen=True, slots=True)
class Covered:
    """One partition that was fetched completely: a key, its dates (both included), and when."""

    key: str
    from_on: date
    to_on: date
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Expected:
    """One partition that should be there: it is missing until it was fetched after `published_at`."""

    key: str
    from_on: date
    to_on: date
    published_at: datetime


def missing(expected: Iterable[Expected], covered: Iterable[Covered]) -> list[Expected]:
    """The expected partitions that no fetch since their publication covers, in the order given."""
    by_key: dict[str, list[Covered]] = {}
    for partition in covered:
        by_key.setdefault(partition.key, []).append(partition)
    return [want for want in expected if not _covers(by_key.get(want.key, ()), want)]


def _covers(have: Iterable[Covered], want: Expected) -> bool:
    """Whether the parts that were fetched late enough cover all dates together."""
    day = want.from_on
    for part in sorted(have, key=lambda covered: covered.from_on):
        if part.fetched_at < want.published_at or part.to_on < day:
            continue
        if part.from_on > day:
            return False
        day = part.to_on + timedelta(days=1)
        if day > want.to_on:
            return True
    return False
