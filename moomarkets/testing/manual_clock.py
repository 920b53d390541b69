"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class ManualClock:
    """A `Clock` whose time passes only by `advance`; waits that are due end at once.

    Example:
        >>> clock = ManualClock(datetime(2026, 11, 20, 7, 30, tzinfo=UTC))
        >>> clock.advance(90)
        >>> clock.now().isoformat()
        '2026-11-20T07:31:30+00:00'
    """

    def __init__(self, start: datetime = datetime(2026, 11, 20, tzinfo=UTC)) -> None:
        self._lock = threading.Lock()
        self._start = start
        self._passed_s = 0.0
        self._wakes: dict[object, Callable[[], None]] = {}

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        return self._passed_s

    def boottime(self) -> float:
        return self._passed_s

    def sql_now(self) -> datetime | None:
        return self.now()

    def on_jump(self, wake: Callable[[], None]) -> Callable[[], None]:
        key = object()
        with self._lock:
            self._wakes[key] = wake
        return lambda: self._forget(key)

    def advance(self, seconds: float) -> None:
        """Move all three times forwards by `seconds` and wake whoever waits."""
        if seconds < 0:
            raise ValueError(f"seconds: expected 0 or more, got {seconds}")
        with self._lock:
            self._passed_s += seconds
            wakes = list(self._wakes.values())
        for wake in wakes:
            wake()

    def _forget(self, key: object) -> None:
        with self._lock:
            self._wakes.pop(key, None)
