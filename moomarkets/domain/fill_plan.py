"""From gaps to requests: every way to close them, step by step, in the order in which the steps should run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from moomarkets.domain.bulk import period_dates
from moomarkets.domain.calendar import TradingDays
from moomarkets.domain.coverage import ALL, Expected
from moomarkets.domain.upkeep import Cut, Upkeep
from moomarkets.domain.ways import Offer, Step, Volume, Way

PERISHES_WITHIN = timedelta(days=7)
"""What leaves the reach of a subscription so soon is fetched first."""

MONTH_FILE_AFTER = timedelta(days=7)
"""So long after its end a month is asked for as one file; before that its days are still single files."""

FILE_REQUESTS = 2
"""One for the list, which tells when a file was made, and one for its address; the file itself costs none."""

FILE_SHARE = 0.15
"""How many bytes a compressed file has for each byte of the same rows in answers."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the ways depend on beside the gaps: the dataset, the subscription, and the day on which it is planned.

    `codes` are those that are wanted, none where all are. `first_on` is the oldest day that can be read.
    `file_obstacle` says why there are no files, "" where there are.
    """

    upkeep: Upkeep
    volume: Volume
    calendar: TradingDays
    today: date
    first_on: date
    codes: tuple[str, ...] = ()
    file_obstacle: str = "there are no files of it"


def offers(gaps: Sequence[Expected], terms: Terms) -> list[Offer]:
    """All ways to close the gaps, each a single day of one key; those that cannot be taken say why."""
    days = sorted({gap.from_on for gap in gaps})
    cut = terms.upkeep.cut
    if cut is Cut.NEWEST:
        size = terms.volume.day_bytes
        steps = [Step(Way.NEWEST, ALL, day, day, (day,), 1, size) for day in days[-1:]]
        return [Offer(Way.NEWEST, tuple(steps))]
    by_file = Offer(Way.BULK, (), terms.file_obstacle)
    if not terms.file_obstacle:
        by_file = Offer(Way.BULK, _ordered(_files(days, terms), terms))
    if cut is Cut.RANGE:
        return [Offer(Way.RANGE, tuple(_range(days, terms))), by_file]
    by_date = Offer(Way.DATE, (), "it cannot be asked for by date")
    if terms.upkeep.day_parameter:
        by_date = Offer(Way.DATE, _ordered(_dates(days, terms), terms))
    return [by_date, _by_code(gaps, terms), by_file]


def _dates(days: Iterable[date], terms: Terms) -> Iterable[Step]:
    volume = terms.volume
    for day in days:
        yield Step(Way.DATE, ALL, day, day, (day,), volume.pages(1), volume.day_bytes)


def _range(days: Sequence[date], terms: Terms) -> Iterable[Step]:
    if days:
        size = terms.volume.day_bytes * _DataDays(days[0], days[-1], terms).between(days[0], days[-1])
        yield Step(Way.RANGE, ALL, days[0], days[-1], tuple(days), terms.volume.pages_of(size), size)


def _by_code(gaps: Iterable[Expected], terms: Terms) -> Offer:
    if not terms.upkeep.code_parameter:
        return Offer(Way.CODE, (), "it cannot be asked for by code and range")
    if not terms.codes:
        return Offer(Way.CODE, (), "no codes are named")
    by_code: dict[str, list[date]] = {}
    for gap in gaps:
        by_code.setdefault(gap.key, []).append(gap.from_on)
    steps: list[Step] = []
    if not by_code:
        return Offer(Way.CODE, ())
    every = sorted({day for days in by_code.values() for day in days})
    counted = _DataDays(every[0], every[-1], terms)
    for code, days in by_code.items():
        first, last = min(days), max(days)
        size = terms.volume.code_day_bytes * counted.between(first, last)
        pages = terms.volume.pages_of(size)
        steps.append(Step(Way.CODE, code, first, last, tuple(sorted(days)), pages, size))
    return Offer(Way.CODE, tuple(steps))


def _files(days: Iterable[date], terms: Terms) -> Iterable[Step]:
    """Files where they save requests; the other days are asked for one by one."""
    by_period: dict[str, list[date]] = {}
    for day in days:
        by_period.setdefault(_period(day, terms), []).append(day)
    for period, wanted in by_period.items():
        if terms.upkeep.day_parameter and terms.volume.pages(len(wanted)) <= FILE_REQUESTS:
            yield from _dates(wanted, terms)
            continue
        first, last = period_dates(period)
        size = terms.volume.day_bytes * FILE_SHARE * _DataDays(first, last, terms).between(first, last)
        yield Step(Way.BULK, ALL, wanted[0], wanted[-1], tuple(wanted), FILE_REQUESTS, size, period)


def _period(day: date, terms: Terms) -> str:
    """The month of the day, where that is over long enough and can be read as a whole; else the day."""
    month = f"{day:%Y-%m}"
    first, last = period_dates(month)
    is_whole = last + MONTH_FILE_AFTER <= terms.today and first >= terms.first_on
    return month if is_whole else day.isoformat()


class _DataDays:
    """Counts the days that have data; all between the two dates are looked up once, for there are many ranges."""

    def __init__(self, first: date, last: date, terms: Terms) -> None:
        days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
        self._days = [day for day in days if terms.upkeep.has_data(day, terms.calendar)]

    def between(self, first: date, last: date) -> int:
        """How many there are from `first` to `last`, both included."""
        return bisect_right(self._days, last) - bisect_left(self._days, first)


def _ordered(steps: Iterable[Step], terms: Terms) -> tuple[Step, ...]:
    """What can be read for a few days only comes first, the oldest before the others; then the newest."""
    known = sorted(steps, key=lambda step: step.from_on)
    leaves_before = date.min if terms.first_on == date.min else terms.first_on + PERISHES_WITHIN
    urgent = [step for step in known if step.from_on < leaves_before]
    return (*urgent, *known[: len(urgent) - 1 if urgent else None : -1])
