"""Reads the parameters of a query: dates in both forms, codes, ranges within the reach of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from datasources.simulators.jquants import refusals


@dataclass(frozen=True, slots=True)
class Reach:
    """The days that may be asked for; without a last one the end is open."""

    first: date
    last: date | None

    def check(self, day: date) -> date:
        """The day, if it may be asked for."""
        if day < self.first or (self.last is not None and day > self.last):
            raise refusals.out_of_window(self.first, self.last)
        return day


@dataclass(frozen=True, slots=True)
class Asking:
    """One query; empty values are absent already."""

    query: Mapping[str, str]
    reach: Reach
    today: date

    def text(self, name: str) -> str:
        """The value, "" for none."""
        return self.query.get(name, "")

    def code(self, name: str = "code") -> str:
        """A code of 4 or 5 letters and digits, "" for none."""
        code = self.text(name)
        if code and not (4 <= len(code) <= 5 and code.isascii() and code.isalnum()):
            raise refusals.bad_code(name)
        return code

    def day(self, name: str, *, is_limited: bool = True) -> date | None:
        """A date within the reach, None for none."""
        text = self.text(name)
        if not text:
            return None
        day = _day(name, text)
        return self.reach.check(day) if is_limited else day

    def range(self, start: str = "from", end: str = "to") -> tuple[date, date]:
        """From and to; an open end is as far as the plan reaches."""
        first, last = self.day(start), self.day(end)
        first, last = first or self.reach.first, last or self.reach.last or self.today
        if first > last:
            raise refusals.wrong_order()
        return first, last

    def has(self, *names: str) -> bool:
        """Whether one of them is given."""
        return any(self.text(name) for name in names)


def _day(name: str, text: str) -> date:
    form = "%Y-%m-%d" if len(text) == 10 else "%Y%m%d" if len(text) == 8 else ""
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007
    except ValueError:
        raise refusals.bad_date(name) from None
