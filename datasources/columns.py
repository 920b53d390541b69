"""Turns a provider's JSON rows into typed rows of a dataset, a column at a time."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import repeat
from math import isfinite
from operator import itemgetter
from typing import Any

from moomarkets.domain.dataset import Column, ColumnType, Dataset
from moomarkets.domain.errors import Reason, SourceError

ODD_DATES = "odd_dates"
ODD_NUMBERS = "odd_numbers"
ODD_TEXTS = "odd_texts"
TWIN_ROWS = "twin_rows"
UNKNOWN_FIELD = "unknown_field:"

Prepare = Callable[[Sequence[Any]], Sequence[object]]

_MISSING = type(None)
# What Postgres refuses (NUL, lone surrogates), and marks that turn the writing direction of a whole page.
_ODD = re.compile("[\x00\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


class RowReader:
    """Reads the rows of one endpoint.

    Every field that the dataset names must be there, though it may be null outside the key. `dropped` fields
    are thrown away, `expected` ones kept in `extra`; any other is kept there too and counted as a warning. Where all
    values come as texts, `numeric` says which of the expected ones are numbers.

    Example:
        >>> from moomarkets.domain.datasets.markets import TRADING_CALENDAR
        >>> reader = RowReader("jquants", TRADING_CALENDAR)
        >>> reader.read([{"Date": "2026-11-20", "HolDiv": "1"}], Counter())
        [(datetime.date(2026, 11, 20), '1', None)]
    """

    def __init__(
        self,
        source: str,
        dataset: Dataset,
        dropped: Iterable[str] = (),
        expected: Iterable[str] = (),
        numeric: Iterable[str] = (),
    ) -> None:
        self._source, self._key = source, frozenset(dataset.key)
        self._columns = dataset.columns[:-1]
        self._fields = tuple(column.field for column in self._columns)
        # With a single name it would pick the value itself.
        only = self._fields[0] if len(self._fields) == 1 else None
        self._pick: Callable[[Any], tuple[object, ...]] = (
            itemgetter(*self._fields) if only is None else lambda row: (row[only],)
        )
        self._known = frozenset(self._fields) | frozenset(dropped)
        self._expected, self._numeric = frozenset(expected), frozenset(numeric)

    def read(self, rows: Sequence[object], warnings: Counter[str]) -> list[tuple[object, ...]]:
        """One tuple per row, in the order of the dataset's columns; oddities are counted in `warnings`."""
        if not rows:
            return []
        self._demand_objects(rows)
        picked = zip(*map(self._pick, rows), strict=True)
        columns = [
            self._convert(column, values, warnings) for column, values in zip(self._columns, picked, strict=True)
        ]
        return list(zip(*columns, self._extras(rows, warnings), strict=True))

    def read_columns(self, given: Mapping[str, Sequence[str]], warnings: Counter[str]) -> list[tuple[object, ...]]:
        """The same from texts, as many in each field; "" is none, JSON stands as text."""
        count = len(given[self._fields[0]])
        columns = [
            self._convert(column, given[column.field], warnings, _from_texts(column.type)) for column in self._columns
        ]
        names = sorted(given.keys() - self._known)
        if not names:
            return list(zip(*columns, repeat(None, count), strict=True))
        self._warn(names, warnings)
        kept = [numbers(given[name], warnings) if name in self._numeric else _no_blanks(given[name]) for name in names]
        rows = [dict(zip(names, values, strict=True)) for values in zip(*kept, strict=True)]
        return list(zip(*columns, [_extra(row, set(row), warnings) for row in rows], strict=True))

    def demand_fields(self, names: Collection[str]) -> None:
        """Refuse a header that lacks a field, or has one twice."""
        if missing := [field for field in self._fields if field not in names]:
            detail = f"required fields missing: {', '.join(missing)}"
            raise SourceError(Reason.SCHEMA, detail, source=self._source)
        if len(set(names)) < len(names):
            raise SourceError(Reason.SCHEMA, "fields: expected each once, got one twice", source=self._source)

    def _demand_objects(self, rows: Sequence[object]) -> None:
        if set(map(type, rows)) != {dict}:
            raise SourceError(Reason.SCHEMA, "rows: expected JSON objects", source=self._source)
        self.demand_fields(set(self._fields).intersection(*rows))  # type: ignore[arg-type] # dicts, as just seen

    def _convert(
        self, column: Column, values: Sequence[object], warnings: Counter[str], first: Prepare | None = None
    ) -> Sequence[object]:
        try:
            converted = _CONVERTERS[column.type](values if first is None else first(values), warnings)
        except (ValueError, TypeError, RecursionError):
            detail = f"{column.field}: expected {_EXPECTED.get(column.type, 'JSON')}"
            raise SourceError(Reason.SCHEMA, detail, source=self._source) from None
        if column.may_be_empty:
            return [value or "" for value in converted]
        if column.name in self._key and (None in converted or "" in converted):
            detail = f"{column.field}: expected {_EXPECTED.get(column.type, 'a value')} in every row, got none"
            raise SourceError(Reason.SCHEMA, detail, source=self._source)
        return converted

    def _extras(self, rows: Sequence[object], warnings: Counter[str]) -> list[dict[str, object] | None]:
        names: set[str] = set().union(*rows) - self._known  # type: ignore[arg-type]
        if not names:
            return [None] * len(rows)
        self._warn(names, warnings)
        return [_extra(row, names, warnings) for row in rows if isinstance(row, dict)]

    def _warn(self, names: Iterable[str], warnings: Counter[str]) -> None:
        unknown = sorted(set(names) - self._expected)[:20]
        warnings.update({f"{UNKNOWN_FIELD}{clean(name)[:60]}": 1 for name in unknown})


def numbers(values: Sequence[object], warnings: Counter[str]) -> Sequence[float | None]:
    """Finite floats or None; numeric strings count as numbers, "" as none, anything else as odd and none."""
    kinds = set(map(type, values))
    try:
        if kinds <= {float, int, _MISSING}:
            floats = values if int not in kinds else [None if v is None else float(v) for v in values]  # type: ignore[arg-type]
            # One infinity or NaN anywhere makes the sum infinite or NaN.
            if isfinite(sum(filter(None, floats))):  # type: ignore[arg-type]
                return floats  # type: ignore[return-value]
    except OverflowError:
        pass
    return [_number(value, warnings) for value in values]


def texts(values: Sequence[object], warnings: Counter[str]) -> Sequence[str | None]:
    """Texts or None; a number becomes its text (1.0 is "1"), "" is none, odd characters are replaced."""
    kinds = set(map(type, values))
    if kinds <= {str, _MISSING}:
        given: list[str | None] = [value or None for value in values]  # type: ignore[misc]
    else:
        given = [_text(value, warnings) or None for value in values]
    if _ODD.search("".join(filter(None, given))) is None:
        return given
    warnings[ODD_TEXTS] += sum(1 for text in given if text and _ODD.search(text))
    return [text and clean(text) for text in given]


def dates(values: Sequence[object], warnings: Counter[str]) -> Sequence[date | None]:
    """Dates or None from ISO texts, also with a time behind the date; anything else is odd and none."""
    known = {value: _date(value) for value in set(map(_hashable, values))}
    odd = {value for value, found in known.items() if found is None and value not in (None, "")}
    if odd:
        warnings[ODD_DATES] += sum(1 for value in values if _hashable(value) in odd)
    return [known[_hashable(value)] for value in values]


def instants(values: Sequence[object], warnings: Counter[str]) -> Sequence[datetime | None]:
    """Aware instants or None from seconds since 1970 or ISO texts; `ValueError` or `TypeError` for anything else."""
    known = {value: _instant(value) if value not in (None, "") else None for value in set(values)}
    return [known[value] for value in values]


def json_values(values: Sequence[object], warnings: Counter[str]) -> Sequence[object]:
    """Whatever JSON holds, in a form that Postgres can keep; "" counts as none."""
    return [None if value in (None, "") else _storable(value, warnings) for value in values]


def clean(text: str) -> str:
    """`text` with every character that cannot be stored or shown safely replaced."""
    return _ODD.sub("\ufffd", text)


def without_twins(
    rows: list[tuple[object, ...]], positions: Sequence[int], warnings: Counter[str]
) -> list[tuple[object, ...]]:
    """One row per key, the last one that came; `positions` say where the key's columns are."""
    key = itemgetter(*positions)
    if len(set(map(key, rows))) == len(rows):
        return rows
    unique = {key(row): row for row in rows}
    warnings[TWIN_ROWS] += len(rows) - len(unique)
    return list(unique.values())


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int | float | None) else repr(type(value))


def _date(value: object) -> date | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10] if value[10:11] in ("T", " ") else value)
    except ValueError:
        return None


def _from_texts(type_: ColumnType) -> Prepare | None:
    """Makes of texts what JSON would have brought, as far as the converters of that type need it."""
    return {ColumnType.JSON: _parsed, ColumnType.NUMBER: _floats}.get(type_)


def _parsed(values: Sequence[Any]) -> Sequence[object]:
    return [json.loads(value) if value else None for value in values]


def _floats(values: Sequence[Any]) -> Sequence[object]:
    """What is left over (texts that are no number, 1_000) is judged by the converter as any other text."""
    try:
        return [float(value) if value else None for value in values] if "_" not in "".join(values) else values
    except ValueError:
        return values


def _no_blanks(values: Sequence[str]) -> Sequence[str | None]:
    return [value or None for value in values]


def _number(value: object, warnings: Counter[str]) -> float | None:
    if value is None or value == "":
        return None
    try:
        is_number = type(value) in (int, float) or (isinstance(value, str) and "_" not in value)
        number = float(value) if is_number else None  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        number = None
    if number is not None and isfinite(number):
        return number
    warnings[ODD_NUMBERS] += 1
    return None


def _instant(value: object) -> datetime:
    if isinstance(value, str):
        given = datetime.fromisoformat(value)
        if given.tzinfo is None:
            raise ValueError(value)
        return given.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return datetime.fromtimestamp(value, UTC)


def _text(value: object, warnings: Counter[str]) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if type(value) is int or (isinstance(value, float) and isfinite(value)):
        return str(value)
    warnings[ODD_TEXTS] += 1
    return None


def _extra(row: dict[str, object], names: set[str], warnings: Counter[str]) -> dict[str, object] | None:
    kept = {clean(name): _storable(row[name], warnings) for name in names if name in row}
    return kept or None


def _storable(value: object, warnings: Counter[str]) -> object:
    """A JSON value that Postgres can keep."""
    if isinstance(value, str):
        cleaned = clean(value)
        warnings.update({ODD_TEXTS: 1} if cleaned != value else {})
        return cleaned
    if isinstance(value, float) and not isfinite(value):
        warnings[ODD_NUMBERS] += 1
        return None
    if isinstance(value, dict):
        return {clean(name): _storable(item, warnings) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item, warnings) for item in value]
    return value


_EXPECTED = {
    ColumnType.DATE: "a date like 2026-11-20",
    ColumnType.INSTANT: "seconds since 1970 or a time like 2026-11-20T09:00:00+09:00",
}
_CONVERTERS: dict[ColumnType, Callable[[Sequence[object], Counter[str]], Sequence[object]]] = {
    ColumnType.TEXT: texts,
    ColumnType.NUMBER: numbers,
    ColumnType.DATE: dates,
    ColumnType.INSTANT: instants,
    ColumnType.JSON: json_values,
}
