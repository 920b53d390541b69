"""The rate limit of a simulated provider: exact for every window, merciless to those who go on."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable

from moomarkets.domain.limits import Window


class SlidingLimit:
    """Admits at most `window.count` requests of one key in any `window.seconds`.

    A key that is refused more than `block_after` × count times within one window is blocked for `block_s`.

    Example:
        >>> limit = SlidingLimit(Window(1, 60), lambda: 0.0)
        >>> limit.admits("key"), limit.admits("key")
        (True, False)
    """

    def __init__(
        self,
        window: Window,
        monotonic: Callable[[], float],
        block_after: int = 3,
        block_s: float = 300.0,
    ) -> None:
        self._window, self._monotonic = window, monotonic
        self._block_after, self._block_s = block_after, block_s
        self._lock = threading.Lock()
        self._admitted: defaultdict[str, deque[float]] = defaultdict(deque)
        self._refused: defaultdict[str, deque[float]] = defaultdict(deque)
        self._blocked_until: dict[str, float] = {}

    def admits(self, key: str) -> bool:
        """Count one request of `key` and say whether it may pass."""
        with self._lock:
            now = self._monotonic()
            if now < self._blocked_until.get(key, now):
                return False
            admitted = self._recent(self._admitted[key], now)
            if len(admitted) < self._window.count:
                admitted.append(now)
                return True
            refused = self._recent(self._refused[key], now)
            refused.append(now)
            if len(refused) > self._block_after * self._window.count:
                self._blocked_until[key] = now + self._block_s
            return False

    def _recent(self, times: deque[float], now: float) -> deque[float]:
        while times and times[0] <= now - self._window.seconds:
            times.popleft()
        return times
