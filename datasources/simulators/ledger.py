"""What a simulator saw: every request, with its time, its answer and the rows served."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass

from moomarkets.domain.clock import Clock


@dataclass(slots=True)
class Entry:
    """One request; `at_s` is monotonic time of its arrival, `status` 0 while unanswered or when cut off."""

    at_s: float
    method: str
    target: str
    key: str
    status: int = 0
    rows: int = 0


class Ledger:
    """The newest 200,000 requests in order of arrival; thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=200_000)

    def open(self, method: str, target: str, key: str) -> Entry:
        """Write down that a request arrived now."""
        with self._lock:
            entry = Entry(self._clock.monotonic(), method, target, key)
            self._entries.append(entry)
        return entry

    def entries(self) -> list[Entry]:
        """All that is remembered, oldest first."""
        with self._lock:
            return list(self._entries)

    def as_json(self) -> list[dict[str, object]]:
        """The same as plain values."""
        return [asdict(entry) for entry in self.entries()]
