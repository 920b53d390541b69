"""What a provider's refusals teach: the dates that may be read, and the endpoints that are not subscribed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from moomarkets.domain.calendar import TOKYO

SLACK = timedelta(days=3)
"""How far two windows may lie apart and still count as the same: they roll, and learning one takes a moment."""


@dataclass(frozen=True, slots=True)
class Readable:
    """The first and last date that may be read, both included; None where that end is open.

    Example:
        >>> print(Readable(date(2021, 11, 20), None))
        2021-11-20 ~
    """

    first_on: date | None = None
    last_on: date | None = None

    def __str__(self) -> str:
        return f"{self.first_on or ''} ~ {self.last_on or ''}".strip()

    def meets(self, first_on: date, last_on: date) -> bool:
        """Whether any day from `first_on` to `last_on` may be read."""
        return self._starts_by(last_on) and (self.last_on is None or first_on <= self.last_on)

    def cut(self, first_on: date, last_on: date) -> tuple[date, date]:
        """The part from `first_on` to `last_on` that may be read, where any does."""
        return max(first_on, self.first_on or first_on), min(last_on, self.last_on or last_on)

    def shifted(self, days: int) -> Readable:
        """The same window so many days later: windows roll."""
        by = timedelta(days=days)
        return Readable(self.first_on and self.first_on + by, self.last_on and self.last_on + by)

    def is_about(self, first_on: date, last_on: date | None) -> bool:
        """Whether it is that window, give or take a few days."""
        if (self.last_on is None) != (last_on is None) or self.first_on is None:
            return False
        ends = (self.last_on - last_on) if self.last_on and last_on else timedelta()
        return abs(self.first_on - first_on) <= SLACK and abs(ends) <= SLACK

    def _starts_by(self, day: date) -> bool:
        return self.first_on is None or self.first_on <= day


WHOLE = ""
"""Stands for a source as a whole, in the place of an endpoint's name."""


def files_of(endpoint: str) -> str:
    """Stands for the files of an endpoint: they may be refused where the endpoint itself is not.

    Example:
        >>> files_of("daily_bars")
        'files of daily_bars'
    """
    return f"files of {endpoint}"


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is known of one user's access to a source.

    `windows` are by endpoint, each with the instant when it was learnt; under `WHOLE` lies that of all that has none
    of its own. `refused` are the endpoints that are not included.
    """

    windows: Mapping[str, tuple[Readable, datetime]] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()

    def window_at(self, now: datetime, endpoint: str = WHOLE) -> Readable | None:
        """The window of the endpoint as it has rolled on until `now`; None where nobody has said one."""
        found = self.windows.get(endpoint) or self.windows.get(WHOLE)
        if found is None:
            return None
        window, learnt_at = found
        then, today = (instant.astimezone(TOKYO).date() for instant in (learnt_at, now))
        return window.shifted((today - then).days)
