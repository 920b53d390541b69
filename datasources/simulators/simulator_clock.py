"""The time that a simulator lives in: another clock's, moved on request."""

from __future__ import annotations

from datetime import datetime, timedelta

from moomarkets.domain.clock import Clock


class SimulatorClock:
    """Shows the time of `base`, plus what it was moved by; `start` sets the wall time to begin with.

    With `speed` the seconds of limits and expiries go by so many times as fast; the wall time does not.

    Example:
        >>> from moomarkets.testing.manual_clock import ManualClock
        >>> clock = SimulatorClock(ManualClock())
        >>> clock.advance(60)
        >>> clock.monotonic()
        60.0
    """

    def __init__(self, base: Clock, start: datetime | None = None, speed: float = 1.0) -> None:
        self._base, self._speed = base, speed
        self._ahead_s = 0.0
        self._offset = start - base.now() if start else timedelta()

    def now(self) -> datetime:
        """Simulated wall time, UTC."""
        return self._base.now() + self._offset

    def monotonic(self) -> float:
        """Seconds for limits and expiries."""
        return self._base.monotonic() * self._speed + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Let time jump forwards, the wall's and that of the limits."""
        self._ahead_s += seconds
        self._offset += timedelta(seconds=seconds)

    def set(self, instant: datetime) -> None:
        """Set the wall time only; limits and expiries do not notice."""
        self._offset = instant - self._base.now()
