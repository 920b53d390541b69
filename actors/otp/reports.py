"""What befell the servers of one runtime: told as events, the latest kept, failures counted by path."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from moomarkets.domain.clock import Clock
from moomarkets.domain.events import Events

KEPT: Final = 200
_MOST_PATHS: Final = 1000


@dataclass(frozen=True, slots=True)
class SupervisionReport:
    """One thing that befell a server: `name` as in the event, `restarts` how often it had been started again."""

    at: datetime
    name: str
    path: str
    reason: str
    restarts: int


@dataclass(frozen=True, slots=True)
class FailureCounts:
    """How often servers at one path were started again, crashed and were killed, over all incarnations."""

    restarts: int = 0
    crashes: int = 0
    kills: int = 0


class Reports:
    """The one place where supervision is reported. Any thread writes; reading takes no lock.

    Example:
        >>> from moomarkets.domain.clock import SystemClock
        >>> from moomarkets.domain.events import NoEvents
        >>> reports = Reports(SystemClock(), NoEvents())
        >>> reports.add("server.crashed", "root/clerk", 0, "ValueError", reason="ValueError")
        >>> reports.latest()[-1].path, reports.counts()["root/clerk"].crashes
        ('root/clerk', 1)
    """

    def __init__(self, clock: Clock, events: Events) -> None:
        self._clock, self._events = clock, events
        self._latest: deque[SupervisionReport] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._counts: dict[str, FailureCounts] = {}

    def add(self, event: str, path: str, restarts: int, reason: str, /, **fields: object) -> None:
        """Keep a report, and emit the event with its `path` and these fields."""
        self._latest.append(SupervisionReport(self._clock.now(), event, path, reason, restarts))
        self._count(event, path, restarts)
        self._events.emit(event, path=path, **fields)

    def latest(self) -> list[SupervisionReport]:
        """The last 200 reports, oldest first."""
        return list(self._latest.copy())

    def counts(self) -> dict[str, FailureCounts]:
        """The counts by path of the thousand paths that failed last, those that failed last at the end."""
        return self._counts.copy()

    def _count(self, event: str, path: str, restarts: int) -> None:
        # A first start is no restart, so ordinary children, however many, leave no trace here.
        if event not in ("server.crashed", "server.killed") and not (event == "child.started" and restarts):
            return
        with self._lock:
            counts = self._counts.pop(path, FailureCounts())
            if event == "server.crashed":
                counts = replace(counts, crashes=counts.crashes + 1)
            elif event == "server.killed":
                counts = replace(counts, kills=counts.kills + 1)
            else:
                counts = replace(counts, restarts=counts.restarts + 1)
            self._counts[path] = counts
            if len(self._counts) > _MOST_PATHS:
                del self._counts[next(iter(self._counts))]
