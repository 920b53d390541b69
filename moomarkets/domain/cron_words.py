"""A cron expression in plain words, for people who do not read cron."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from moomarkets.domain.cron_grammar import Cron

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_MAX_TIMES = 6


def cron_in_words(cron: Cron) -> str:
    """What the expression says, without its time zone.

    Example:
        >>> from moomarkets.domain.cron_grammar import parse_cron
        >>> cron_in_words(parse_cron("*/15 9-14 * * mon-fri"))
        'every 15 minutes of the hours 9 to 14 on Monday to Friday'
    """
    return " ".join(part for part in (_time(cron), _days(cron), _months(cron)) if part)


def _time(cron: Cron) -> str:
    minutes, hours = cron.minute.values, cron.hour.values
    if cron.is_fixed_time and len(minutes) * len(hours) <= _MAX_TIMES:
        return "at " + _listed([f"{hour:02}:{minute:02}" for hour in hours for minute in minutes])
    if minutes == (0,):
        return _step(cron.hour.text, hours, 24, "hour") or f"at minute 0 of the {_hours(hours)}"
    words = _step(cron.minute.text, minutes, 60, "minute") or f"at minute {_runs(minutes, str)}"
    return words if len(hours) == 24 else f"{words} of the {_hours(hours)}"


def _step(text: str, values: Sequence[int], cycle: int, unit: str) -> str:
    """`every 15 minutes` where the values stand at equal distances all round the clock, else nothing."""
    if len(values) == cycle:
        return f"every {unit}"
    step = cycle // len(values)
    is_even = text.startswith("*/") and list(values) == list(range(0, cycle, step))
    return f"every {step} {unit}s" if is_even else ""


def _hours(values: Sequence[int]) -> str:
    return f"hour{'s' if len(values) > 1 else ''} {_runs(values, str)}"


def _days(cron: Cron) -> str:
    day = "" if cron.day.is_any else f"on day {_runs(cron.day.values, str)} of the month"
    weekday = "" if cron.weekday.is_any else "on " + _weekdays(cron.weekday.values)
    return " or ".join(words for words in (day, weekday) if words)


def _weekdays(values: Sequence[int]) -> str:
    # Sunday last: a week that ends with it reads as one run.
    ordered = sorted((value or 7) for value in values)
    return _runs(ordered, lambda value: _DAYS[value % 7])


def _months(cron: Cron) -> str:
    return "" if cron.month.is_any else "in " + _runs(cron.month.values, lambda value: _MONTHS[value - 1])


def _runs(values: Sequence[int], name: Callable[[int], str]) -> str:
    """The values with runs of three and more as `first to last`."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    words: list[str] = []
    for run in runs:
        words += [f"{name(run[0])} to {name(run[-1])}"] if len(run) > 2 else [name(value) for value in run]
    return _listed(words)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
