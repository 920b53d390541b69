"""When something is due, as a value: cron in a time zone, or every so many seconds from an anchor."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from moomarkets.domain.calendar import TradingDays
from moomarkets.domain.cron_grammar import Cron, parse_cron
from moomarkets.domain.cron_walk import instants_after
from moomarkets.domain.cron_words import cron_in_words
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.time_zone import zone_named

MIN_INTERVAL_S = 1
MAX_INTERVAL_S = 366 * 86400
MAX_PREVIEW = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)


class Schedule(ABC):
    """When something is due; a value. Build it as one of its kinds, such as `CronSchedule`, or from its map."""

    __slots__ = ()

    @abstractmethod
    def instants_after(self, after: datetime) -> Iterator[datetime]:
        """The due instants later than `after`: UTC, ascending, each once, endless."""

    @abstractmethod
    def to_json(self) -> dict[str, object]:
        """The map that `from_json` takes; plain JSON values."""

    @abstractmethod
    def describe(self) -> str:
        """The schedule in words."""

    @abstractmethod
    def date_of(self, due_at: datetime) -> date:
        """The date that the due instant is about."""

    @staticmethod
    def from_json(value: object, calendars: Mapping[str, TradingDays] | None = None) -> Schedule:
        """Read a map with `cron`, with `every_s`, or with `market`; `docs/schedules.md` lists them.

        `calendars` maps the codes of exchanges to calendars that are better than their rules.

        Example:
            >>> Schedule.from_json({"cron": "0 17 * * 1-5", "timezone": "Asia/Tokyo"}).describe()
            'at 17:00 on Monday to Friday, Asia/Tokyo'
        """
        # The reader knows all kinds of schedules, and each of them knows this class.
        from moomarkets.domain.schedule_map import read

        return read(value, calendars or {})

    def next_after(self, instant: datetime) -> datetime:
        """The first due instant (UTC) later than `instant`."""
        check_instant("instant", instant)
        due = next(self.instants_after(instant.astimezone(UTC)))
        if not due > instant:
            raise AssertionError(f"{self}: expected a due instant after {instant}, got {due}")
        return due

    def due_between(self, last: datetime, now: datetime, limit: int) -> list[datetime]:
        """What was due after `last` up to and including `now`: the oldest first, at most `limit` of them."""
        check_instant("last", last)
        check_instant("now", now)
        due: list[datetime] = []
        for instant in islice(self.instants_after(last.astimezone(UTC)), limit):
            if instant > now:
                break
            due.append(instant)
        return due

    def preview(self, after: datetime, n: int) -> list[datetime]:
        """The next `n` (1-500) due instants later than `after`."""
        check_instant("after", after)
        if type(n) is not int or not 1 <= n <= MAX_PREVIEW:
            raise InvalidInput("n", f"a whole number from 1 to {MAX_PREVIEW}", n)
        return list(islice(self.instants_after(after.astimezone(UTC)), n))


@dataclass(frozen=True, slots=True)
class CronSchedule(Schedule):
    """Due when the wall clock of `timezone` matches five cron fields.

    An entry with fixed minute and hour fires exactly once per local date, over every clock change; an entry
    whose minute or hour begins with `*` fires in real time.

    Example:
        >>> daily = CronSchedule("30 16 * * mon-fri", "Asia/Tokyo")
        >>> daily.next_after(datetime(2026, 11, 20, 8, tzinfo=UTC)).isoformat()
        '2026-11-23T07:30:00+00:00'
    """

    expression: str
    timezone: str = "UTC"
    _cron: Cron = field(init=False, repr=False, compare=False)
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cron", parse_cron(self.expression))
        object.__setattr__(self, "_zone", zone_named(self.timezone))
        object.__setattr__(self, "expression", " ".join(self.expression.split()))

    def instants_after(self, after: datetime) -> Iterator[datetime]:
        return instants_after(self._cron, self._zone, after)

    def date_of(self, due_at: datetime) -> date:
        return due_at.astimezone(self._zone).date()

    def to_json(self) -> dict[str, object]:
        return {"cron": self.expression, "timezone": self.timezone}

    def describe(self) -> str:
        return f"{cron_in_words(self._cron)}, {self.timezone}"


@dataclass(frozen=True, slots=True)
class IntervalSchedule(Schedule):
    """Due at `anchor` and every `every_s` seconds (1 s to 366 days) before and after it, in real time.

    Example:
        >>> hourly = IntervalSchedule(3600, datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
        >>> hourly.next_after(datetime(2026, 11, 20, 8, 5, tzinfo=UTC)).isoformat()
        '2026-11-20T09:05:00+00:00'
    """

    every_s: float
    anchor: datetime = EPOCH

    def __post_init__(self) -> None:
        every_s: object = self.every_s
        if isinstance(every_s, bool) or not isinstance(every_s, int | float) or not math.isfinite(every_s):
            raise InvalidInput("every_s", "seconds as a number", every_s)
        if not MIN_INTERVAL_S <= every_s <= MAX_INTERVAL_S:
            raise InvalidInput("every_s", "1 s to 366 days (31622400 s)", every_s)
        check_instant("anchor", self.anchor)
        object.__setattr__(self, "anchor", self.anchor.astimezone(UTC))

    def instants_after(self, after: datetime) -> Iterator[datetime]:
        every = timedelta(seconds=self.every_s)
        instant = self.anchor + ((after - self.anchor) // every + 1) * every
        while True:
            yield instant
            instant += every

    def date_of(self, due_at: datetime) -> date:
        return due_at.astimezone(UTC).date()

    def to_json(self) -> dict[str, object]:
        return {"every_s": self.every_s, "anchor": self.anchor.isoformat()}

    def describe(self) -> str:
        for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
            if self.every_s % seconds == 0:
                return _every(int(self.every_s // seconds), unit)
        return _every(self.every_s, "second")


def _every(count: float, unit: str) -> str:
    return f"every {unit}" if count == 1 else f"every {count:g} {unit}s"


def check_instant(thing: str, value: object) -> None:
    """Refuse what is no aware datetime from 1970 to 2199."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidInput(thing, "an instant with its offset from UTC, such as 2026-11-20T08:00:00+00:00", value)
    if not EPOCH <= value < _LAST:
        raise InvalidInput(thing, "an instant from 1970 to 2199", value.isoformat())
