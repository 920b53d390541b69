"""Tells of a database that is away: at once, then now and then, and when it is back; not at each try."""

from __future__ import annotations

import math

from moomarkets.domain.clock import Clock
from moomarkets.domain.events import Events

REPEAT_S = 60.0


class Outage:
    """What one user of the store says about its being away; safe to share between threads.

    Emits `store.unavailable` at the first failure and once a minute while they go on, `store.recovered` after the first
    success. Both carry `about`, what the user tells of itself.

    Example:
        >>> from moomarkets.testing.manual_clock import ManualClock
        >>> from moomarkets.testing.recorded_events import RecordedEvents
        >>> events = RecordedEvents()
        >>> outage = Outage(events, ManualClock())
        >>> outage.failed("refused"), outage.failed("refused"), outage.worked()
        (None, None, None)
        >>> events.names
        ['store.unavailable', 'store.recovered']
    """

    def __init__(self, events: Events, clock: Clock, **about: object) -> None:
        self._events, self._clock, self._about = events, clock, about
        self._since: float | None = None
        self._told = -math.inf

    def failed(self, error: object, **fields: object) -> None:
        """It was not there."""
        now = self._clock.monotonic()
        since = self._since = now if self._since is None else self._since
        if now - self._told >= REPEAT_S:
            self._told = now
            seconds = round(now - since, 3)
            self._events.emit("store.unavailable", **self._about, **fields, error=str(error), seconds=seconds)

    def worked(self) -> None:
        """It was there."""
        if self._since is None:
            return
        since, self._since, self._told = self._since, None, -math.inf
        if since is not None:
            self._events.emit("store.recovered", **self._about, seconds=round(self._clock.monotonic() - since, 3))
