"""The text of a cron schedule: what is accepted, and what it says, before any walking of time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from moomarkets.domain.errors import InvalidInput

MAX_CHARACTERS = 256
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = dict(zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))
_NUMBER = re.compile(r"[0-9]{1,2}", re.ASCII)
_STEP = re.compile(r"[0-9]{1,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CronField:
    """One of the five fields: its text, and the values that match, ascending (Sunday is 0)."""

    text: str
    values: tuple[int, ...]

    @property
    def is_any(self) -> bool:
        """Exactly `*`: only such a day field leaves the other day field alone in charge."""
        return self.text == "*"


@dataclass(frozen=True, slots=True)
class Cron:
    """A checked cron expression.

    Day of month and day of week are OR-ed when neither is exactly `*`.

    Example:
        >>> parse_cron("30 9-11 * * mon-fri").hour.values
        (9, 10, 11)
    """

    minute: CronField
    hour: CronField
    day: CronField
    month: CronField
    weekday: CronField

    @property
    def is_fixed_time(self) -> bool:
        """Neither minute nor hour begins with `*`: each wall time belongs to a date and fires once on it."""
        return not (self.minute.text.startswith("*") or self.hour.text.startswith("*"))

    @property
    def plain(self) -> str:
        """The same schedule in stars and lists of numbers only, which every cron library reads alike."""
        fields = (self.minute, self.hour, self.day, self.month, self.weekday)
        return " ".join("*" if field.is_any else ",".join(map(str, field.values)) for field in fields)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a field may hold; `names[i]` stands for the number `first_name + i`."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first_name: int = 0


_MINUTE = _Place("cron minute", 0, 59)
_HOUR = _Place("cron hour", 0, 23)
_DAY = _Place("cron day of month", 1, 31)
_MONTH = _Place("cron month", 1, 12, MONTH_NAMES, 1)
_WEEKDAY = _Place("cron day of week", 0, 7, DAY_NAMES)


def parse_cron(text: object) -> Cron:
    """Check `text` and return what it says; `InvalidInput` names the field that is wrong.

    Accepted: five fields of ASCII `*`, numbers, names of months and days, lists, ascending ranges and steps,
    or one of `ALIASES`.
    """
    if not isinstance(text, str):
        raise InvalidInput("cron", "text of five fields such as '0 17 * * 1-5'", text)
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput("cron", f"at most {MAX_CHARACTERS} characters", f"{len(text)} characters")
    if not text.isascii() or any(mark < " " and mark != "\t" for mark in text):
        raise InvalidInput("cron", "plain ASCII digits, names and marks", text)
    fields = ALIASES.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        raise InvalidInput("cron", _shape_hint(fields), text)
    minute, hour, day, month, weekday = fields
    cron = Cron(
        _field(minute, _MINUTE),
        _field(hour, _HOUR),
        _field(day, _DAY),
        _field(month, _MONTH),
        _field(weekday, _WEEKDAY),
    )
    if _never_fires(cron):
        raise InvalidInput("cron", "a date that exists in some year; this one never fires", text)
    return cron


def _shape_hint(fields: list[str]) -> str:
    if len(fields) == 1 and fields[0].startswith("@"):
        return f"one of {', '.join(ALIASES)}"
    return f"five fields (minute hour day-of-month month day-of-week), not {len(fields)}"


def _field(text: str, place: _Place) -> CronField:
    values: set[int] = set()
    for item in text.split(","):
        values.update(_item(item, text, place))
    if place is _WEEKDAY:
        values = {value % 7 for value in values}
    return CronField(text, tuple(sorted(values)))


def _item(item: str, text: str, place: _Place) -> range:
    span, slash, step_text = item.partition("/")
    first_text, dash, last_text = span.partition("-")
    if span == "*":
        low, high = place.low, 6 if place is _WEEKDAY else place.high
    elif dash:
        low, high = _value(first_text, text, place), _value(last_text, text, place)
        if low > high:
            raise InvalidInput(place.name, f"an ascending range (split {span!r} at the end of the cycle)", text)
    elif slash:
        raise InvalidInput(place.name, f"a step after * or a range, such as {span}-{place.high}/{step_text}", text)
    else:
        low = high = _value(span, text, place)
    if not slash:
        return range(low, high + 1)
    if not _STEP.fullmatch(step_text) or int(step_text) == 0:
        raise InvalidInput(place.name, "a whole step of 1 or more after /", text)
    return range(low, high + 1, int(step_text))


def _value(word: str, text: str, place: _Place) -> int:
    if word.lower() in place.names:
        return place.names.index(word.lower()) + place.first_name
    if not _NUMBER.fullmatch(word) or not place.low <= int(word) <= place.high:
        names = f" or {place.names[0]}-{place.names[-1]}" if place.names else ""
        raise InvalidInput(place.name, f"numbers {place.low}-{place.high}{names}, *, lists, ranges, steps", text)
    return int(word)


def _never_fires(cron: Cron) -> bool:
    longest = max(_LONGEST_MONTHS[month] for month in cron.month.values)
    return cron.weekday.is_any and cron.day.values[0] > longest
