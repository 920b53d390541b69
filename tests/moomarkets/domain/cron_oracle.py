"""When a cron entry is due, found by looking at every single minute; shares nothing with the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Entry:
    """Five fields, each as (text, the numbers it stands for); Sunday is 0."""

    fields: tuple[tuple[str, frozenset[int]], ...]

    @property
    def text(self) -> str:
        return " ".join(text for text, _ in self.fields)

    @property
    def is_fixed(self) -> bool:
        return self.fields[0][0][0] != "*" and self.fields[1][0][0] != "*"

    def matches(self, wall: datetime) -> bool:
        (_, minutes), (_, hours), (day_text, days), (_, months), (weekday_text, weekdays) = self.fields
        if wall.minute not in minutes or wall.hour not in hours or wall.month not in months:
            return False
        is_day, is_weekday = wall.day in days, wall.isoweekday() % 7 in weekdays
        if day_text != "*" and weekday_text != "*":
            return is_day or is_weekday
        return is_day and is_weekday


@cache
def walk(zone: str, start: datetime, end: datetime, step: timedelta = MINUTE) -> list[tuple[datetime, datetime]]:
    """Every UTC minute from `start` to `end`, or every `step`, with what the wall clock shows then."""
    instants = [start + step * number for number in range((end - start) // step + 1)]
    place = ZoneInfo(zone)
    return [(instant, instant.astimezone(place).replace(tzinfo=None)) for instant in instants]


def due(entry: Entry, zone: str, start: datetime, end: datetime, step: timedelta = MINUTE) -> list[datetime]:
    """All due instants of a stretch that begins and ends far from any change of the clock.

    `step` may be longer than a minute where all wall times of the entry, and all changes of the clock, stand on it.
    """
    found: set[datetime] = set()
    seen: set[datetime] = set()
    before: datetime | None = None
    for instant, wall in walk(zone, start, end, step):
        missing = before + step if before else wall
        while entry.is_fixed and missing < wall:
            if missing not in seen and entry.matches(missing):
                found.add(instant)
            missing += step
        if entry.matches(wall) and not (entry.is_fixed and wall in seen):
            found.add(instant)
        seen.add(wall)
        before = wall
    return sorted(found)


def utc(text: str) -> datetime:
    """An instant from `2026-11-01` or `2026-11-01T05:30`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
