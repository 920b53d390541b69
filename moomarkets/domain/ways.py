"""Ways to get a part of a dataset: what one costs in requests, bytes and time, and which is the cheapest."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.limits import Window

AUTO = "auto"
"""The cheapest way, whichever that is."""


class Way(StrEnum):
    """How what is missing is asked for."""

    DATE = "date"
    """Everything of one trading day in one request, and one more for each further page."""

    CODE = "code"
    """A range of dates of one code in one request."""

    RANGE = "range"
    """Everything of a range of dates in one request."""

    NEWEST = "newest"
    """The state of now, in one request."""

    BULK = "bulk"
    """A file with everything of a month or a day."""


CHOICES = (AUTO, Way.DATE, Way.CODE, Way.BULK)
"""What a person may ask for; a range and the newest state are the only ways of the datasets that have them."""


@dataclass(frozen=True, slots=True)
class Past:
    """What past fetches of single days have brought, summed up; all 0 where there were none."""

    days: int = 0
    rows: int = 0
    bytes: int = 0
    pages: int = 0


@dataclass(frozen=True, slots=True)
class Volume:
    """How much one trading day of a dataset holds, about: `codes` issues share its rows; a page ends at `page_bytes`.

    Example:
        >>> Volume(rows_per_day=4_400, row_bytes=240, codes=4_400).pages(days=1)
        1.0
    """

    rows_per_day: float = 100.0
    row_bytes: float = 250.0
    codes: int = 1
    page_bytes: int = 5_000_000
    pages_per_day: float | None = None
    """As past fetches have shown; None: as the bytes tell."""

    @property
    def day_bytes(self) -> float:
        """Bytes of one trading day of all codes."""
        return self.rows_per_day * self.row_bytes

    @property
    def code_day_bytes(self) -> float:
        """Bytes of one trading day of one code."""
        return self.day_bytes / max(self.codes, 1)

    def pages(self, days: int) -> float:
        """Pages, and so requests, of so many days that are asked for one by one."""
        each = self.pages_per_day or math.ceil(max(self.day_bytes, 1) / self.page_bytes)
        return float(max(each, 1)) * days

    def pages_of(self, size_bytes: float) -> int:
        """Pages of one answer of that size."""
        return max(1, math.ceil(size_bytes / self.page_bytes))

    def learnt(self, past: Past) -> Volume:
        """The same by what past fetches have shown, where there were any with rows."""
        if not past.days or not past.rows:
            return self
        row_bytes = past.bytes / past.rows if past.bytes else self.row_bytes
        return replace(
            self, rows_per_day=past.rows / past.days, row_bytes=row_bytes, pages_per_day=past.pages / past.days
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What one job does: `days` are those that it closes, within `from_on` to `to_on`, which it asks for."""

    way: Way
    key: str
    from_on: date
    to_on: date
    days: tuple[date, ...]
    requests: float
    bytes: float
    period: str = ""
    """Which file, of a bulk way: a month such as 2024-01 or a day."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to close all gaps. `obstacle` says why it cannot be taken; "" where it can.

    Example:
        >>> Offer(Way.DATE, ()).requests
        0
    """

    way: Way
    steps: tuple[Step, ...]
    obstacle: str = ""

    @property
    def requests(self) -> int:
        """How many requests it takes, pages included."""
        return max(len(self.steps), round(sum(step.requests for step in self.steps)))

    @property
    def bytes(self) -> int:
        """How much it brings, about."""
        return round(sum(step.bytes for step in self.steps))

    def within(self, most: int | None) -> Offer:
        """The first steps of it, as many as `most` requests allow; all of it for None."""
        if most is None:
            return self
        taken, spent = [], 0.0
        for step in self.steps:
            spent += step.requests
            if round(spent) > most:
                break
            taken.append(step)
        return replace(self, steps=tuple(taken))


def pick(offers: Sequence[Offer], way: str = AUTO) -> Offer:
    """The offer with the fewest requests, of equals the one with the fewest bytes; or that of the way asked for.

    Raises:
        InvalidInput: the way asked for cannot be taken here, and why.
    """
    able = [offer for offer in offers if not offer.obstacle]
    if way == AUTO:
        return min(able, key=lambda offer: (offer.requests, offer.bytes))
    for offer in offers:
        if offer.way == way and not offer.obstacle:
            return offer
    expected = f"one of {', '.join((AUTO, *(offer.way for offer in able)))}"
    why = next((f" ({offer.obstacle})" for offer in offers if offer.way == way), "")
    raise InvalidInput("way", f"{expected} here", f"{way}{why}")


def seconds_for(requests: int, windows: Iterable[Window], used_s_ago: Iterable[float] = ()) -> float:
    """How long so many requests take when nothing but these windows holds them up.

    `used_s_ago` tells how long ago earlier requests were sent that the windows still count.

    Example:
        >>> seconds_for(19, [Window(5, 60)]), seconds_for(6, [Window(5, 60)], used_s_ago=[20.0])
        (180.0, 60.0)
    """
    last_s = 0.0
    earlier = sorted(-ago for ago in used_s_ago)
    sent = [(window, deque(earlier, maxlen=window.count)) for window in windows]
    for _ in range(requests):
        for window, times in sent:
            if len(times) == window.count:
                last_s = max(last_s, times[0] + window.seconds)
        for _, times in sent:
            times.append(last_s)
    return last_s
