"""Datasets: the typed tables that endpoints fill, described once for sources, store and readers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Body = bytes


class ColumnType(StrEnum):
    """How a column is kept; the value is Postgres's name of the type."""

    TEXT = "text"
    DATE = "date"
    INSTANT = "timestamp with time zone"
    NUMBER = "double precision"
    JSON = "jsonb"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `field` is the provider's name of it, "" where it is ours alone. `doc` gives unit and meaning.

    In a column that `may_be_empty` an empty text tells rows apart like any other: what a key may else not hold.
    """

    name: str
    type: ColumnType
    field: str = ""
    doc: str = ""
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """A typed table. Its rows also carry their owner and source; `key` names the columns that make a row unique there.

    The last column is always `extra`: what the provider sent beyond the known fields, or None. `date` names the column
    with the date (of the exchange) by which the rows are read, `symbol` that with the code of the issue; "" for none.

    Example:
        >>> prices = Dataset("prices", ("on_date",), (day("on_date", "Date"), number("close", "C", "JPY"), EXTRA))
        >>> prices.column_names
        ('on_date', 'close', 'extra')
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    doc: str = ""
    date: str = ""
    symbol: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one fetch brought: rows of one dataset, each a tuple in the order of `dataset.columns`.

    Dates are `datetime.date`, instants aware datetimes, numbers finite floats or None, `extra` a dict or None, other
    JSON columns whatever JSON holds. Keys are unique within the batch. `bodies` are the answers as they came, decoded,
    for whoever has to look into them; a long fetch keeps only the first ones. With a `cursor` only what is newer can be
    asked for later; a batch that `continues` holds only what is newer than an earlier cursor.
    """

    dataset: Dataset
    rows: list[tuple[object, ...]]
    pages: int = 1
    requests: int = 1
    bytes: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
    bodies: tuple[Body, ...] = field(default=(), repr=False)
    cursor: str = field(default="", repr=False)
    continues: bool = False


CODE = "5 characters, may hold a letter"
"""What a code of a Tokyo issue looks like."""

EXTRA = Column("extra", ColumnType.JSON, "", "fields that the provider sent beyond those above; null when none")
"""The last column of every dataset."""


def text(name: str, field: str = "", doc: str = "", *, may_be_empty: bool = False) -> Column:
    """A column of texts."""
    return Column(name, ColumnType.TEXT, field, doc, may_be_empty)


def day(name: str, field: str = "", doc: str = "") -> Column:
    """A column of dates of the exchange."""
    return Column(name, ColumnType.DATE, field, doc)


def instant(name: str, field: str = "", doc: str = "") -> Column:
    """A column of instants, in UTC."""
    return Column(name, ColumnType.INSTANT, field, doc)


def number(name: str, field: str = "", doc: str = "") -> Column:
    """A column of finite numbers."""
    return Column(name, ColumnType.NUMBER, field, doc)


def json(name: str, field: str = "", doc: str = "") -> Column:
    """A column of JSON values."""
    return Column(name, ColumnType.JSON, field, doc)
