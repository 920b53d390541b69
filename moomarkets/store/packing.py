"""Packs rows as Postgres takes them in a binary COPY, a column at a time: what is the same in many rows only once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain, repeat
from struct import Struct, error
from typing import Any

from moomarkets.domain.dataset import ColumnType, Dataset
from moomarkets.domain.errors import AttemptError, Reason

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What a binary COPY begins with: its signature, no flags, no extension."""
TRAILER = b"\xff\xff"

NULL = b"\xff\xff\xff\xff"
_COUNT, _LENGTH = Struct(">h"), Struct(">i")
_DATE, _LONG, _DOUBLE = Struct(">ii"), Struct(">iq"), Struct(">id")
_FIRST_DAY = date(2000, 1, 1).toordinal()
_FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
_JSONB_VERSION = b"\x01"
_MOST_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every stored row says beside its data: whose it is, from which source, by which attempt, and when."""

    user_id: int
    source_id: int
    execution_id: int
    fetched_at: datetime


class RowPacker:
    """Packs the rows of one dataset for a COPY into the columns that `columns` names, in that order.

    Example:
        >>> from moomarkets.domain.datasets.markets import TRADING_CALENDAR
        >>> packer = RowPacker(TRADING_CALENDAR, Provenance(1, 2, 3, datetime(2026, 11, 20, tzinfo=UTC)))
        >>> packer.columns
        ('user_id', 'data_source_id', 'on_date', 'holiday_division', 'extra', 'execution_id', 'fetched_at')
        >>> len(packer.pack([(date(2026, 11, 20), "1", None)]))
        67
    """

    def __init__(self, dataset: Dataset, provenance: Provenance) -> None:
        self.columns = ("user_id", "data_source_id", *dataset.column_names, "execution_id", "fetched_at")
        self.provenance = provenance
        self._columns = dataset.columns
        self._pack = [_packer(column.type) for column in dataset.columns]
        self._before = _COUNT.pack(len(self.columns)) + _long(provenance.user_id) + _long(provenance.source_id)
        self._after = _long(provenance.execution_id) + _instant(provenance.fetched_at)

    def pack(self, rows: Sequence[tuple[object, ...]]) -> bytes:
        """The rows one after the other, without what begins and ends a COPY."""
        if not rows:
            return b""
        packed = [self._packed(number, values) for number, values in enumerate(zip(*rows, strict=True))]
        return b"".join(chain.from_iterable(zip(repeat(self._before), *packed, repeat(self._after))))

    def _packed(self, number: int, values: Sequence[object]) -> Iterable[bytes]:
        try:
            return self._pack[number](values)
        except (TypeError, ValueError, AttributeError, OverflowError, error):
            column = self._columns[number]
            detail = f"column {column.name}: expected values of type {column.type.name.lower()}, got something else"
            raise AttemptError(Reason.SCHEMA, detail) from None


class _Known(dict[object, bytes]):
    """What was packed before, a bounded number of values: codes and dates come again and again."""

    def __init__(self, pack: Callable[[Any], bytes]) -> None:
        super().__init__()
        self._pack = pack

    def __missing__(self, value: object) -> bytes:
        packed = NULL if value is None else self._pack(value)
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[value] = packed
        return packed

    def of(self, values: Sequence[object]) -> Iterable[bytes]:
        return list(map(self.__getitem__, values))


def _numbers(values: Sequence[object]) -> Iterable[bytes]:
    pack = _DOUBLE.pack
    return [NULL if value is None else pack(8, value) for value in values]


def _jsons(values: Sequence[object]) -> Iterable[bytes]:
    return [NULL if value is None else _json(value) for value in values]


def _json(value: object) -> bytes:
    return _sized(_JSONB_VERSION + json.dumps(value, ensure_ascii=False, allow_nan=False).encode())


def _text(value: str) -> bytes:
    return _sized(value.encode())


def _date(value: date) -> bytes:
    return _DATE.pack(4, value.toordinal() - _FIRST_DAY)


def _instant(value: datetime) -> bytes:
    since = value - _FIRST_INSTANT
    return _long((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds)


def _long(value: int) -> bytes:
    return _LONG.pack(8, value)


def _sized(content: bytes) -> bytes:
    return _LENGTH.pack(len(content)) + content


def _packer(type_: ColumnType) -> Callable[[Sequence[object]], Iterable[bytes]]:
    """What packs a column of that type."""
    match type_:
        case ColumnType.NUMBER:
            return _numbers
        case ColumnType.JSON:
            return _jsons
        case ColumnType.TEXT:
            return _Known(_text).of
        case ColumnType.DATE:
            return _Known(_date).of
        case ColumnType.INSTANT:
            return _Known(_instant).of
