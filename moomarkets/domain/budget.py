"""What may still be asked of a source, what holds it back, and when the jobs that wait will be done; also in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

_NAMES = {1.0: "this second", 60.0: "this minute", 3600.0: "this hour", 86400.0: "this day"}


@dataclass(frozen=True, slots=True)
class WindowBudget:
    """One window now. `endpoint`: None for the whole source. `count` is the limit, `allowed` what is used of it.

    `next_at` is when the next request comes back at the latest; None where all of them are there.
    """

    endpoint: str | None
    count: int
    seconds: float
    allowed: int
    used: int
    next_at: datetime | None = None

    @property
    def free(self) -> int:
        """How many requests may leave at once."""
        return max(self.allowed - self.used, 0)

    def words(self) -> str:
        """How it stands, in one phrase.

        Example:
            >>> from datetime import UTC
            >>> WindowBudget(None, 5, 60, 5, 2, datetime(2026, 11, 20, 12, 0, 31, tzinfo=UTC)).words()
            '3 of 5 requests of this minute left; next at 12:00:31'
        """
        whose = f"{self.endpoint}: " if self.endpoint else ""
        span = _NAMES.get(self.seconds, f"any {self.seconds:g} s")
        left = f"{whose}{self.free} of {self.allowed} requests of {span} left"
        return left if self.next_at is None else f"{left}; next at {_clock(self.next_at)}"


@dataclass(frozen=True, slots=True)
class SourceBudget:
    """All that decides when the jobs of one source go on. Instants are in UTC.

    `refusals`: how many 429s in a row led to the silence. `share` is the part of the limits that is used, less than 1
    after the source has refused us within them. `waiting` counts jobs by priority. `done_at` is an estimate; None where
    nothing waits, or where somebody has to do something first.
    """

    source: str
    at: datetime
    windows: tuple[WindowBudget, ...]
    is_paused: bool = False
    is_enabled: bool = True
    silent_until: datetime | None = None
    refusals: int = 0
    share: float = 1.0
    waiting: Mapping[int, int] = field(default_factory=dict)
    running: int = 0
    requests_each: float = 1.0
    done_at: datetime | None = None

    def to_json(self) -> dict[str, object]:
        """All of it as a map, with what is said of it."""
        windows = [asdict(window) | {"free": window.free} for window in self.windows]
        return asdict(self) | {"windows": windows, "waiting": dict(self.waiting), "in_words": list(self.lines())}

    def lines(self) -> Iterator[str]:
        """How it stands, one sentence a line."""
        if not self.is_enabled:
            yield "switched off: nothing is asked of it"
        elif self.is_paused:
            yield "paused: nothing is asked of it until it is resumed"
        if self.silent_until is not None:
            times = "it said 429" if self.refusals <= 1 else f"it said 429, {self.refusals} times in a row"
            yield f"silent until {_clock(self.silent_until)}: {times}; then one request goes first"
        for window in self.windows:
            # Limits of single endpoints are worth a line once they are used.
            if window.endpoint is None or window.used:
                yield window.words()
        if self.share < 1.0:
            percent = f"{self.share:.0%}".replace("%", " %")
            yield f"only {percent} of the limits are used: it refused us within them; each quiet day gives back 10 %"
        yield self._queue()

    def _queue(self) -> str:
        count = sum(self.waiting.values())
        runs = f", {self.running} under way" if self.running else ""
        if not count:
            return f"no jobs wait{runs}"
        by_priority = ", ".join(f"{n} of priority {p}" for p, n in sorted(self.waiting.items(), reverse=True))
        done = "" if self.done_at is None else f", done about {_minute(self.done_at, self.at)}"
        waits = "1 job waits" if count == 1 else f"{count:,} jobs wait"
        return f"{waits} ({by_priority}){runs}{done}"


def seconds_for(requests: int, windows: tuple[WindowBudget, ...], at: datetime) -> float:
    """In how many seconds so many more requests have left, if all these windows are used as fast as they allow.

    Example:
        >>> full = WindowBudget(None, 5, 60, 5, 5, datetime(2026, 11, 20, 12, 0, 30))
        >>> seconds_for(11, (full,), datetime(2026, 11, 20, 12, 0))
        150.0
    """
    longest_s = 0.0
    for window in windows:
        if requests > window.free:
            first_s = 0.0 if window.next_at is None else max((window.next_at - at).total_seconds(), 0.0)
            # What is left comes back as it was used: at worst in a burst, once a window.
            bursts = math.ceil((requests - window.free) / window.allowed) - 1
            longest_s = max(longest_s, first_s + bursts * window.seconds)
    return longest_s


def done_at(at: datetime, requests: int, windows: tuple[WindowBudget, ...], silent_until: datetime | None) -> datetime:
    """When so many requests will have been sent, not before the source may be asked again."""
    starts_at = at if silent_until is None else max(silent_until, at)
    return max(starts_at, at + timedelta(seconds=seconds_for(requests, windows, at)))


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"


def _minute(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"
