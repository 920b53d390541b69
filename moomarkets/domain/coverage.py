"""Coverage and gaps: what was fetched, what is published by now, and so what is missing."""

from __future__ import annotations

from bisect import bisect_right
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
    is_empty: bool = False
    """Whether the provider had no rows for it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One partition that should be there: it is missing until it was fetched after `published_at`."""

    key: str
    from_on: date
    to_on: date
    published_at: datetime


def missing(expected: Iterable[Expected], covered: Iterable[Covered]) -> list[Expected]:
    """The expected partitions that no fetch since their publication covers, in the order given."""
    held = Held(covered)
    return [want for want in expected if held.covers(want) is None]


class Held:
    """What was fetched, looked up by key and date. What holds every symbol covers each single one too.

    Example:
        >>> at, day = datetime(2026, 11, 20, 8), date(2026, 11, 20)
        >>> Held([Covered(ALL, day, day, at)]).covers(Expected("72030", day, day, at)) is not None
        True
    """

    def __init__(self, covered: Iterable[Covered]) -> None:
        self._parts: dict[str, list[Covered]] = {}
        for part in sorted(covered, key=lambda part: part.from_on):
            self._parts.setdefault(part.key, []).append(part)
        self._starts = {key: [part.from_on for part in parts] for key, parts in self._parts.items()}

    def covers(self, want: Expected) -> Covered | None:
        """The part that covers the last day of `want`, where parts fetched late enough cover all days; else None."""
        for key in dict.fromkeys((want.key, ALL)):
            if (found := self._walk(key, want)) is not None:
                return found
        return None

    def _walk(self, key: str, want: Expected) -> Covered | None:
        """Whether the parts of one key, which never overlap, cover all dates together."""
        parts = self._parts.get(key, [])
        place = max(bisect_right(self._starts.get(key, []), want.from_on) - 1, 0)
        day = want.from_on
        for part in parts[place:]:
            if part.from_on > day:
                return None
            if part.fetched_at < want.published_at or part.to_on < day:
                continue
            day = part.to_on + timedelta(days=1)
            if day > want.to_on:
                return part
        return None
