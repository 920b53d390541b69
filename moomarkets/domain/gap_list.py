"""Gaps for people: missing days joined into ranges, each with the reason why it is not here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from moomarkets.domain.coverage import Expected

NOT_FETCHED = "not fetched"


@dataclass(frozen=True, slots=True)
class GapRange:
    """Days that are not here for one reason: `days` of them with data, from the first to the last."""

    key: str
    from_on: date
    to_on: date
    days: int
    why: str


def joined(reasons: Mapping[Expected, str], has_data: Callable[[date], bool]) -> list[GapRange]:
    """Missing partitions and their reasons as ranges, oldest first; days without data do not part a range.

    Example:
        >>> from datetime import UTC, datetime
        >>> days = [Expected("ALL", date(2026, 11, day), date(2026, 11, day), datetime.now(UTC)) for day in (20, 24)]
        >>> joined(dict.fromkeys(days, NOT_FETCHED), lambda day: day.weekday() < 5 and day.day != 23)[0].days
        2
    """
    found: list[GapRange] = []
    for gap in sorted(reasons, key=lambda gap: (gap.key, gap.from_on)):
        last, why = found[-1] if found else None, reasons[gap]
        if last is None or (last.key, last.why) != (gap.key, why) or _any(last.to_on, gap.from_on, has_data):
            found.append(GapRange(gap.key, gap.from_on, gap.to_on, 1, why))
        else:
            found[-1] = GapRange(gap.key, last.from_on, gap.to_on, last.days + 1, why)
    return sorted(found, key=lambda gap: (gap.from_on, gap.key))


def ranges_of(days: Iterable[date], has_data: Callable[[date], bool]) -> list[tuple[date, date]]:
    """Days as ranges that hold no other day with data."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and not _any(ranges[-1][1], day, has_data):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _any(after: date, before: date, has_data: Callable[[date], bool]) -> bool:
    """Whether a day with data lies between the two, both left out."""
    return any(has_data(day) for day in _between(after, before))


def _between(after: date, before: date) -> Iterator[date]:
    for ahead in range(1, (before - after).days):
        yield after + timedelta(days=ahead)
