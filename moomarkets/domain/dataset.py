"""Datasets: the typed tables that endpoints fill, described once for sources, store and readers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class ColumnType(StrEnum):
    """How a column is kept; the value is Postgres's name of the type."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "double precision"
    JSON = "jsonb"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `field` is the provider's name of it, "" where it is ours alone. `doc` gives unit and meaning."""

    name: str
    type: ColumnType
    field: str = ""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A typed table. Its rows also carry their owner and source; `key` names the columns that make a row unique there.

    The last column is always `extra`: what the provider sent beyond the known fields, or None.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    doc: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one fetch brought: rows of one dataset, each a tuple in the order of `dataset.columns`.

    Dates are `datetime.date`, numbers finite floats or None, `extra` a dict or None. Keys are unique within the batch.
    """

    dataset: Dataset
    rows: list[tuple[object, ...]]
    pages: int = 1
    requests: int = 1
    bytes: int = 0
    warnings: dict[str, int] = field(default_factory=dict)


_EXTRA = Column("extra", ColumnType.JSON, "", "fields that the provider sent beyond those above; null when none")

LISTED_ISSUES = Dataset(
    name="listed_issues",
    key=("on_date", "code"),
    doc="The listed companies and other issues as of a date; one row per date and code.",
    columns=(
        Column("on_date", ColumnType.DATE, "Date", "the date that this list is valid for"),
        Column("code", ColumnType.TEXT, "Code", "5 characters, may hold a letter"),
        Column("name", ColumnType.TEXT, "CoName"),
        Column("name_en", ColumnType.TEXT, "CoNameEn"),
        Column("sector17", ColumnType.TEXT, "S17"),
        Column("sector17_name", ColumnType.TEXT, "S17Nm"),
        Column("sector33", ColumnType.TEXT, "S33"),
        Column("sector33_name", ColumnType.TEXT, "S33Nm"),
        Column("scale_category", ColumnType.TEXT, "ScaleCat"),
        Column("market", ColumnType.TEXT, "Mkt"),
        Column("market_name", ColumnType.TEXT, "MktNm"),
        Column("margin", ColumnType.TEXT, "Mrgn"),
        Column("margin_name", ColumnType.TEXT, "MrgnNm"),
        Column("product_category", ColumnType.TEXT, "ProdCat"),
        _EXTRA,
    ),
)

TRADING_CALENDAR = Dataset(
    name="trading_calendar",
    key=("on_date",),
    doc="The exchange's calendar; one row per date.",
    columns=(
        Column("on_date", ColumnType.DATE, "Date"),
        Column(
            "holiday_division",
            ColumnType.TEXT,
            "HolDiv",
            "0 closed, 1 business day, 2 half trading day, 3 closed with derivatives holiday trading",
        ),
        _EXTRA,
    ),
)

DAILY_BARS = Dataset(
    name="daily_bars",
    key=("code", "on_date"),
    doc="Raw daily prices as traded, one row per code and trading day; adjusted prices are computed on read.",
    columns=(
        Column("code", ColumnType.TEXT, "Code", "5 characters, may hold a letter"),
        Column("on_date", ColumnType.DATE, "Date", "trading day in Tokyo"),
        Column("open", ColumnType.NUMBER, "O", "JPY; null when nothing was traded"),
        Column("high", ColumnType.NUMBER, "H", "JPY"),
        Column("low", ColumnType.NUMBER, "L", "JPY"),
        Column("close", ColumnType.NUMBER, "C", "JPY"),
        Column("upper_limit", ColumnType.TEXT, "UL", '"1" when the daily upper limit was hit, else "0"'),
        Column("lower_limit", ColumnType.TEXT, "LL", '"1" when the daily lower limit was hit, else "0"'),
        Column("volume", ColumnType.NUMBER, "Vo", "shares; null when nothing was traded"),
        Column("turnover", ColumnType.NUMBER, "Va", "JPY, never adjusted"),
        Column("adjustment_factor", ColumnType.NUMBER, "AdjFactor", "0.5 on the ex-date of a 1:2 split, else 1"),
        _EXTRA,
    ),
)

YAHOO_DAILY_BARS = Dataset(
    name="yahoo_daily_bars",
    key=("symbol", "on_date"),
    doc="Yahoo's daily bars, already adjusted for splits by Yahoo; one row per symbol and exchange date.",
    columns=(
        Column("symbol", ColumnType.TEXT),
        Column("on_date", ColumnType.DATE, "", "date of the exchange"),
        Column("open", ColumnType.NUMBER, "open", "in the symbol's currency, split-adjusted"),
        Column("high", ColumnType.NUMBER, "high"),
        Column("low", ColumnType.NUMBER, "low"),
        Column("close", ColumnType.NUMBER, "close", "split-adjusted"),
        Column("adjusted_close", ColumnType.NUMBER, "adjclose", "adjusted for splits and dividends"),
        Column("volume", ColumnType.NUMBER, "volume", "shares, split-adjusted"),
        Column("dividend", ColumnType.NUMBER, "dividends", "cash per share going ex on this date, else null"),
        Column("split_ratio", ColumnType.NUMBER, "splits", "new shares per old on this date, else null"),
        Column(
            "capital_gain",
            ColumnType.NUMBER,
            "capitalGains",
            "distribution per share on this date, else null",
        ),
        Column("currency", ColumnType.TEXT, "currency"),
        _EXTRA,
    ),
)

DATASETS = {d.name: d for d in (LISTED_ISSUES, TRADING_CALENDAR, DAILY_BARS, YAHOO_DAILY_BARS)}
