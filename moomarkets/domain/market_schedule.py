"""When something is due by the trading days of an exchange: each of them, or the n-th of each week."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from moomarkets.domain.calendar import TradingDays
from moomarkets.domain.cron_walk import instant_of
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.exchange import Exchange, exchange_named
from moomarkets.domain.schedule import Schedule

_AT = re.compile(r"([0-9]{1,2}):([0-5][0-9])", re.ASCII)
_DAY = timedelta(days=1)
_LATEST = timedelta(hours=48)


class MarketSchedule(Schedule):
    """Due at a wall time of the exchange that belongs to a trading day; 24:00 to 47:59 lie on the day after it.

    Where a clock change leaves the wall time out, the instant is the first one after it; where it comes twice, the
    first. `date_of` gives the trading day.
    """

    __slots__ = ()

    market: str
    at: str
    days: TradingDays | None

    @abstractmethod
    def is_due_on(self, day: date) -> bool:
        """Whether an instant belongs to this trading day."""

    @property
    def exchange(self) -> Exchange:
        """The exchange whose days and clock count."""
        return exchange_named(self.market)

    def is_trading_day(self, day: date) -> bool:
        """By the calendar that was given, else by the exchange's rules."""
        return (self.days or self.exchange.days).is_trading_day(day)

    def instants_after(self, after: datetime) -> Iterator[datetime]:
        zone, offset = self.exchange.zone, _offset(self.at)
        day = after.astimezone(zone).date() - 3 * _DAY
        while True:
            if self.is_due_on(day):
                instant = instant_of(datetime.combine(day, time()) + offset, zone)
                if instant > after:
                    yield instant
            day += _DAY

    def date_of(self, due_at: datetime) -> date:
        return due_at.astimezone(self.exchange.zone).date() - _offset(self.at).days * _DAY

    def _clock_in_words(self) -> str:
        hours, rest = divmod(int(_offset(self.at).total_seconds()), 3600)
        next_day = f" ({hours - 24:02}:{rest // 60:02} of the next day)" if hours >= 24 else ""
        return f"at {self.at}{next_day}"


@dataclass(frozen=True, slots=True)
class TradingDaySchedule(MarketSchedule):
    """Due on every trading day of `market` at `at`; with `is_after_close`, `at` must not lie before the close.

    Example:
        >>> from datetime import UTC
        >>> bars = TradingDaySchedule("XTKS", "16:30")
        >>> bars.next_after(datetime(2026, 11, 20, 8, tzinfo=UTC)).isoformat()
        '2026-11-24T07:30:00+00:00'
    """

    market: str
    at: str
    is_after_close: bool = True
    days: TradingDays | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        close = exchange_named(self.market).close
        thing = "after_close" if self.is_after_close else "at"
        object.__setattr__(self, "at", _checked(thing, self.at))
        if self.is_after_close and _offset(self.at) < timedelta(hours=close.hour, minutes=close.minute):
            remedy = f"a time from {close:%H:%M}, the close of {self.market}; for an earlier one use 'at'"
            raise InvalidInput("after_close", remedy, self.at)

    def is_due_on(self, day: date) -> bool:
        return self.is_trading_day(day)

    def to_json(self) -> dict[str, object]:
        return {"market": self.market, "after_close" if self.is_after_close else "at": self.at}

    def describe(self) -> str:
        return f"{self._clock_in_words()} on each trading day of {self.market}, {self.exchange.zone.key}"


@dataclass(frozen=True, slots=True)
class BusinessDaySchedule(MarketSchedule):
    """Due on the n-th (1-5) trading day of each week, Monday to Sunday; a week with fewer has no instant.

    Example:
        >>> from datetime import UTC
        >>> investors = BusinessDaySchedule("XTKS", 4, "16:30")
        >>> investors.next_after(datetime(2026, 11, 20, tzinfo=UTC)).isoformat()
        '2026-11-27T07:30:00+00:00'
    """

    market: str
    nth: int
    at: str
    days: TradingDays | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        exchange_named(self.market)
        if type(self.nth) is not int or not 1 <= self.nth <= 5:
            raise InvalidInput("business_day_of_week", "a whole number from 1 to 5", self.nth)
        object.__setattr__(self, "at", _checked("at", self.at))

    def is_due_on(self, day: date) -> bool:
        if not self.is_trading_day(day):
            return False
        monday = day - day.weekday() * _DAY
        return sum(self.is_trading_day(monday + number * _DAY) for number in range(day.weekday() + 1)) == self.nth

    def to_json(self) -> dict[str, object]:
        return {"market": self.market, "business_day_of_week": self.nth, "at": self.at}

    def describe(self) -> str:
        ordinal = ("1st", "2nd", "3rd", "4th", "5th")[self.nth - 1]
        days = f"the {ordinal} trading day of each week of {self.market}"
        return f"{self._clock_in_words()} on {days}, {self.exchange.zone.key}"


def _checked(thing: str, at: object) -> str:
    """The time as HH:MM."""
    found = _AT.fullmatch(at) if isinstance(at, str) else None
    if found is None or _offset(found.group()) >= _LATEST:
        raise InvalidInput(thing, "a time of the exchange from 00:00 to 47:59, such as 16:30", at)
    return f"{int(found[1]):02}:{found[2]}"


def _offset(at: str) -> timedelta:
    """How far the time lies behind the beginning of its day."""
    hours, _, minutes = at.partition(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
