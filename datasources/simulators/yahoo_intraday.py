"""The made-up course of one symbol within a day: it begins, ends, and has its extremes where the daily bar says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sin
from typing import Protocol

SESSION_S = 6.5 * 3600


class DailyBar(Protocol):
    """The day that the course belongs to; prices are None where nothing was traded."""

    @property
    def open(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def close(self) -> float | None: ...
    @property
    def volume(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Tick:
    """One bar within a day; `stamp` is its begin in seconds since 1970, the rest is None where nothing was traded."""

    stamp: int
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None


def intraday(day: DailyBar, seconds: int, opening: int) -> Iterator[Tick]:
    """The bars of one day, each `seconds` long; one in forty has no trade."""
    count = int(-(-SESSION_S // seconds))
    if day.open is None or day.close is None or day.high is None or day.low is None:
        return
    course = [_price(day.open, day.high, day.low, day.close, step / count) for step in range(count + 1)]
    for step in range(count):
        stamp = opening + step * seconds
        first, last = course[step], course[step + 1]
        if (stamp // 60) % 40 == 39 and seconds == 60:
            yield Tick(stamp, None, None, None, None, None)
            continue
        volume = None if day.volume is None else float(round(day.volume / count))
        yield Tick(stamp, first, max(first, last), min(first, last), last, volume)


def _price(opening: float, high: float, low: float, close: float, part: float) -> float:
    if part in (0.0, 1.0):
        return close if part else opening
    wave = sin(part * 6.283)
    straight = opening + (close - opening) * part
    swing = (high - straight) * wave if wave > 0 else (straight - low) * wave
    return round(straight + swing, 2)
