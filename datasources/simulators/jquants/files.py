"""The bulk files: which there are, how big and how new, and their content as packed CSV."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import struct
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from datasources.simulators.jquants.answers import Answers
from datasources.simulators.jquants.catalogue import DATA_SETS, FILE_PATHS, DataSet
from datasources.simulators.jquants.corrections import Corrections
from datasources.simulators.jquants.fields import BASE_BARS, FIELDS
from datasources.simulators.jquants.market_wide import calendar_known_from
from datasources.simulators.jquants.view import View, instant
from datasources.simulators.tokyo_calendar import trading_day_from

_KEY = re.compile(
    r"(?P<path>[a-z0-9/-]+)/(historical|live)/\d{4}/(?P<name>[a-z0-9_]+)_(?P<digits>\d{6}(\d{2})?)\.csv\.gz"
)
_EXACT_UNITS, _SAMPLE = 600, 40
"""The size of a file that holds more than that is set after a look at a few rows, and kept to when it is made."""
_LIVE_DAYS = 7
"""So long the days of the last month are still offered one by one."""
_MADE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class File:
    """The rows of one data set from `first` to `last`: a month, or a day."""

    data_set: DataSet
    first: date
    last: date

    @property
    def key(self) -> str:
        """As the service names it."""
        path = self.data_set.path.strip("/")
        kind, digits = ("live", f"{self.first:%Y%m%d}") if self.is_day else ("historical", f"{self.first:%Y%m}")
        name = path.replace("/", "_").replace("-", "_")
        return f"{path}/{kind}/{self.first:%Y}/{name}_{digits}.csv.gz"

    @property
    def is_day(self) -> bool:
        """Whether it is the file of a day."""
        return self.first == self.last


class Files:
    """The files as of a view. One is written at one instant and stays so until a correction touches its days."""

    def __init__(self, view: View, corrections: Corrections) -> None:
        self._view, self._corrections = view, corrections

    def offered(self, data_set: DataSet, first: date, last: date) -> list[File]:
        """The files with days between those two, oldest first."""
        months = (File(data_set, start, end) for start, end in _months(first, last))
        return [file for file in (*months, *self._days(data_set, first, last)) if self.modified_at(file) is not None]

    def named(self, key: str) -> File | None:
        """The file with that key, if it is offered."""
        match = _KEY.fullmatch(key)
        data_set = DATA_SETS.get(f"/{match['path']}") if match else None
        if match is None or data_set is None:
            return None
        file = file_of(data_set, match["digits"])
        return file if file is not None and file.key == key and self.modified_at(file) is not None else None

    def modified_at(self, file: File) -> datetime | None:
        """When it was written last; None while or since it is not offered."""
        if not file.data_set.is_file or file.last < file.data_set.since:
            return None
        if file.is_day:
            at = file.data_set.complete_at(file.first) + _MADE_AFTER
            if not self._is_live(file.first) or not self._has_rows(file, at):
                return None
        else:
            at = max(instant(trading_day_from(file.last + timedelta(days=1)), 17, 10), self._complete_at(file))
            if file.data_set.path == "/markets/calendar":
                at = calendar_known_from(file.first.year)
        if at > self._view.now:
            return None
        changed_at = self._corrections.changed_at(file.data_set.path, file.first, file.last)
        return max(filter(None, (at, changed_at, self._restated_at(file))))

    def size(self, file: File) -> int:
        """Its bytes."""
        units = sum(file.data_set.units(self._view, day) for day in _weekdays(file))
        if units <= _EXACT_UNITS:
            return len(self._packed(file))
        day = _late_trading_day(file)
        if file.data_set.weight is None:
            codes = [issue.code for issue in self._view.market.issues[:_SAMPLE]]
            texts = [row for code in codes for row in self._sample(file.data_set, day, code)]
            sampled: float = len(codes)
        else:
            texts = list(self._sample(file.data_set, day, ""))[:_SAMPLE]
            sampled = max(len(texts), 1)
        return round(units * len(csv_of(self._fields(file), texts)) / sampled * 1.1) + 1024

    def content(self, file: File) -> bytes:
        """The file."""
        packed = self._packed(file)
        return _filled_up(packed, self.size(file) - len(packed))

    def _sample(self, data_set: DataSet, day: date, key: str) -> Sequence[str]:
        return Answers(self._view, self._corrections).of_day(data_set, day, key)

    def _packed(self, file: File) -> bytes:
        return csv_of(self._fields(file), self._rows(file))

    def _rows(self, file: File) -> Sequence[str]:
        written_at = self.modified_at(file) or self._view.now
        answers = Answers(replace(self._view, now=written_at), self._corrections)
        if file.data_set.path == "/markets/calendar":
            days = (file.first + timedelta(days=n) for n in range((file.last - file.first).days + 1))
            return [row for day in days for row in file.data_set.rows(self._view, day, "")]
        return answers.of_days(file.data_set, file.first, file.last)

    def _fields(self, file: File) -> Sequence[str]:
        fields = FIELDS[file.data_set.path]
        is_short = file.data_set.path == "/equities/bars/daily" and not self._view.is_premium
        return fields[:BASE_BARS] if is_short else fields

    def _days(self, data_set: DataSet, first: date, last: date) -> Iterator[File]:
        today = self._view.now.date()
        month_before = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        day = max(first, month_before)
        while day <= min(last, today):
            yield File(data_set, day, day)
            day += timedelta(days=1)

    def _is_live(self, day: date) -> bool:
        today = self._view.now.date()
        is_this_month = (day.year, day.month) == (today.year, today.month)
        before = today.replace(day=1) - timedelta(days=1)
        return is_this_month or (today.day <= _LIVE_DAYS and (day.year, day.month) == (before.year, before.month))

    def _has_rows(self, file: File, at: datetime) -> bool:
        if at > self._view.now or file.data_set.path == "/markets/calendar":
            return False
        answers = Answers(replace(self._view, now=at), self._corrections)
        # One issue tells it for all of them.
        key = self._view.market.issues[0].code if file.data_set.weight is None else ""
        return bool(answers.of_day(file.data_set, file.first, key))

    def _complete_at(self, file: File) -> datetime:
        return file.data_set.complete_at(_late_trading_day(file)) + _MADE_AFTER

    def _restated_at(self, file: File) -> datetime | None:
        """When the service itself corrected a factor of those days."""
        if file.data_set.path != "/equities/bars/daily":
            return None
        found = (
            instant(action.corrected_on, 17, 10)
            for issue in self._view.market.issues
            for action in issue.actions
            if action.first_factor and file.first <= action.ex_on <= file.last
        )
        return max((at for at in found if at <= self._view.now), default=None)


def file_of(data_set: DataSet, digits: str) -> File | None:
    """The file for a month (YYYYMM) or a day (YYYYMMDD); None where that is no date."""
    if len(digits) not in (6, 8):
        return None
    try:
        first = datetime.strptime(digits, "%Y%m" if len(digits) == 6 else "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None
    last = first if len(digits) == 8 else first.replace(day=monthrange(first.year, first.month)[1])
    return File(data_set, first, last)


def file_sets(path: str = "") -> Iterable[DataSet]:
    """The data sets that have files, or the one with that path."""
    return [DATA_SETS[known] for known in FILE_PATHS if path in ("", known)]


def csv_of(fields: Sequence[str], rows: Iterable[str]) -> bytes:
    """Rows as a packed file."""
    return _pack(_csv(fields, rows))


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    month = first.replace(day=1)
    while month <= last:
        end = month.replace(day=monthrange(month.year, month.month)[1])
        yield month, end
        month = end + timedelta(days=1)


def _weekdays(file: File) -> list[date]:
    days = (file.first + timedelta(days=n) for n in range((file.last - file.first).days + 1))
    return [day for day in days if day.weekday() < 5]


def _late_trading_day(file: File) -> date:
    """A day late in the file that has rows: the last on which equities are traded."""
    day = file.last
    while trading_day_from(day) != day and day > file.first:
        day -= timedelta(days=1)
    return day


def _csv(fields: Sequence[str], rows: Iterable[str]) -> bytes:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(fields)
    for row in map(json.loads, rows):
        lines.writerow([_cell(row.get(name)) for name in fields])
    return written.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _pack(content: bytes) -> bytes:
    # Without a time, so that the same rows make the same file.
    return gzip.compress(content, 6, mtime=0)


def _filled_up(packed: bytes, missing: int) -> bytes:
    """The same file made longer by a comment in its header, which readers skip."""
    if missing <= 0:
        return packed
    flags = struct.pack("B", packed[3] | 0x10)
    return packed[:3] + flags + packed[4:10] + b" " * (missing - 1) + b"\0" + packed[10:]
