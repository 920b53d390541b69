"""The only place that reads time: wall time to store, monotonic time to measure, boot time to notice a suspend."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What everything below the entry points asks for the time; injected, so that tests and simulation move it."""

    def now(self) -> datetime:
        """Wall time: aware, UTC. For what is stored and for exchange dates."""

    def monotonic(self) -> float:
        """Seconds that never go back; for waits and durations."""

    def boottime(self) -> float:
        """Seconds that also count while the machine sleeps; for "was this process frozen?"."""

    def sql_now(self) -> datetime | None:
        """What statements take as `:now`; None means the clock of the database, one clock for all nodes."""

    def on_jump(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have `wake` called whenever monotonic time jumps instead of flowing; returns what undoes it."""


class SystemClock:
    """The machine's own clocks.

    Example:
        >>> SystemClock().now().tzinfo
        datetime.timezone.utc
    """

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sql_now(self) -> datetime | None:
        return None

    def on_jump(self, wake: Callable[[], None]) -> Callable[[], None]:
        return _nothing


class ShiftedClock(SystemClock):
    """The machine's clocks with another date: for replaying a day of the past or trying one of the future.

    Only wall time is shifted. Leases and permits keep to the clock of the database.

    Example:
        >>> ShiftedClock.starting_at(datetime(2027, 1, 4, tzinfo=UTC)).now().year
        2027
    """

    def __init__(self, offset: timedelta) -> None:
        self._offset = offset

    @classmethod
    def starting_at(cls, instant: datetime) -> ShiftedClock:
        """A clock that shows `instant` (aware) now and goes on from there."""
        return cls(instant - datetime.now(UTC))

    def now(self) -> datetime:
        return super().now() + self._offset


def _nothing() -> None:
    """There is nothing to undo: the machine's clocks only flow."""
