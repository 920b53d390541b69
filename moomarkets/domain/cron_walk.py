"""From the wall times of a cron expression to instants, across every kind of clock change.

The rule: a fixed-time entry fires exactly once per local date and wall time (first instant of an overlap,
first instant after a gap); every other entry fires at each real instant whose wall time matches.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter

from moomarkets.domain.cron_grammar import Cron

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
# Offsets from UTC stay within 16 h, so a wall time and its instants lie well within this of each other.
_REACH = timedelta(hours=30)
# No zone changes its offset twice within two hours, so samples this far apart see every offset in force.
_SAMPLE = timedelta(hours=2)


def instants_after(cron: Cron, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The instants later than `after` at which `cron` is due: UTC, ascending, each once, endless."""
    waiting: list[datetime] = []
    released = after
    lowest, _ = _offset_bounds(zone, after.date())
    on, highest = date.min, timedelta()
    for wall in _walls(cron, after.replace(tzinfo=None) + lowest):
        if wall.date() != on:
            on = wall.date()
            lowest, highest = _offset_bounds(zone, on)
        # Neither this wall time nor any later one can fall on an instant before this one.
        horizon = wall.replace(tzinfo=UTC) - highest
        while waiting and waiting[0] <= horizon:
            instant = heapq.heappop(waiting)
            if instant > released:
                released = instant
                yield instant
        instants = [horizon] if lowest == highest else _instants(wall, zone, is_once=cron.is_fixed_time)
        for instant in instants:
            heapq.heappush(waiting, instant)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The one instant (UTC) of a naive wall time: the first of two, or the first after the gap that it lies in."""
    return _instants(wall, zone, is_once=True)[0]


def _walls(cron: Cron, start: datetime) -> Iterator[datetime]:
    """Matching wall times from `start` on; naive, because croniter is right only where no clock changes."""
    steps = croniter(cron.plain, start.replace(second=0, microsecond=0) - _MINUTE)
    while True:
        yield steps.get_next(datetime)


def _offset_bounds(zone: ZoneInfo, on: date) -> tuple[timedelta, timedelta]:
    """The smallest and greatest offset in force at any instant near the date `on`."""
    instant = datetime.combine(on, time(), UTC) - _REACH
    end = instant + _DAY + 2 * _REACH
    offsets = set()
    while instant <= end:
        offsets.add(_offset(instant, zone))
        instant += _SAMPLE
    return min(offsets), max(offsets)


def _instants(wall: datetime, zone: ZoneInfo, *, is_once: bool) -> list[datetime]:
    folds = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    real = sorted({at for at in folds if at.astimezone(zone).replace(tzinfo=None) == wall})
    if not real:
        # In a gap fold 1 counts with the offset after it and so lies before the change, fold 0 after it.
        return [_first_after_gap(folds[1], folds[0], zone)] if is_once else []
    return real[:1] if is_once else real


def _first_after_gap(before: datetime, behind: datetime, zone: ZoneInfo) -> datetime:
    """The instant of the change between two instants with different offsets, to the second."""
    offset = _offset(behind, zone)
    while behind - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(behind - before) // timedelta(seconds=2))
        if _offset(middle, zone) == offset:
            behind = middle
        else:
            before = middle
    return behind


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
