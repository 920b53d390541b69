"""How the vendor's own client asks for what an endpoint of ours brings, and its frames as rows of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from moomarkets.domain.dataset import Column, ColumnType, Dataset

Frame = Any
Vendor = Any


@dataclass(frozen=True, slots=True)
class Question:
    """The parameters of ours, and the call of theirs."""

    ours: Mapping[str, str]
    theirs: Callable[[Vendor], Frame]


def _day(method: str, day: str, parameter: str = "date_yyyymmdd", ours: str = "date") -> Question:
    return Question({ours: day}, lambda vendor: getattr(vendor, method)(**{parameter: day}))


def _range(method: str, first: str, last: str) -> Question:
    return Question(
        {"from": first, "to": last}, lambda vendor: getattr(vendor, method)(from_yyyymmdd=first, to_yyyymmdd=last)
    )


def _first(method: str, parameter: str, day: str) -> Question:
    """Of a frame and a cursor the frame."""
    return Question({"date": day}, lambda vendor: getattr(vendor, method)(**{parameter: day})[0])


DAY, BEFORE = "2026-11-11", "2026-11-10"
FILED, HELD, PAID = "2026-06-22", "2026-11-06", "2026-11-09"

QUESTIONS: Mapping[str, Question] = {
    "listed_issues": _day("get_eq_master", DAY, "date"),
    "trading_calendar": _range("get_mkt_calendar", "2026-10-01", "2026-12-31"),
    "daily_bars": _day("get_eq_bars_daily", DAY),
    "morning_bars": Question({}, lambda vendor: vendor.get_eq_bars_daily_am()),
    "minute_bars": _day("get_eq_bars_minute", BEFORE),
    "valuations": _day("get_eq_valuation", DAY),
    "investor_types": _range("get_eq_investor_types", "2026-09-01", DAY),
    "earnings_calendar": Question({}, lambda vendor: vendor.get_eq_earnings_cal()),
    "earnings_dates": _day("get_fin_earnings_date", "2026-10-21"),
    "financial_summaries": _first("get_fin_summary_cursor", "date_yyyymmdd", BEFORE),
    "financial_details": _first("get_fin_details_cursor", "date_yyyymmdd", BEFORE),
    "dividends": _day("get_fin_dividend", PAID),
    "margin_interest": _day("get_mkt_margin_interest", BEFORE),
    "margin_alerts": _day("get_mkt_margin_alert", DAY),
    "short_ratios": _day("get_mkt_short_ratio", DAY),
    "short_sale_reports": _day("get_mkt_short_sale_report", DAY, "disclosed_date", "disc_date"),
    "breakdowns": _day("get_mkt_breakdown", DAY),
    "index_bars": _day("get_idx_bars_daily", DAY),
    "topix_bars": _range("get_idx_bars_daily_topix", "2026-09-01", DAY),
    "futures_bars": _day("get_drv_bars_daily_fut", BEFORE),
    "options_bars": _day("get_drv_bars_daily_opt", BEFORE),
    "index_option_bars": _day("get_drv_bars_daily_opt_225", BEFORE),
    "major_shareholders": _day("get_edinet_major_shareholders", FILED),
    "cross_shareholdings": _day("get_edinet_cross_shareholdings", FILED),
    "large_shareholdings": _day("get_edinet_large_volume_shareholders", HELD),
    "disclosures": _first("get_td_list", "date", BEFORE),
}
"""By endpoint; days on which a market of 60 issues has something to tell, as of the evening of `DAY`."""


def framed(dataset: Dataset, frame: Frame) -> list[tuple[object, ...]]:
    """The vendor's frame as rows of our dataset, without the last column."""
    columns = dataset.columns[:-1]
    records = frame.to_dict("records")
    return [tuple(_value(record[column.field], column) for column in columns) for record in records]


def in_order(dataset: Dataset, rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Sorted by the dataset's key."""
    places = [dataset.column_names.index(name) for name in dataset.key]
    return sorted(rows, key=lambda row: [str(row[place]) for place in places])


def _value(value: Any, column: Column) -> object:
    """As we keep it: what is missing in a frame (NaN, NaT, "" of a number or date) is None, dates are dates."""
    if column.type is ColumnType.JSON:
        return None if value == "" or _is_nan(value) else value
    if value is None or _is_nan(value):
        return "" if column.may_be_empty else None
    if column.type is ColumnType.DATE:
        return _date(value)
    if column.type is ColumnType.NUMBER:
        return None if value == "" else float(value)
    # A blank text says nothing, but in a key.
    return _text(value) or ("" if column.may_be_empty else None)


def _is_nan(value: Any) -> bool:
    # NaT is the one date that does not equal itself.
    return (isinstance(value, float) and math.isnan(value)) or (hasattr(value, "isoformat") and value != value)


def _date(value: Any) -> date | None:
    if isinstance(value, str):
        return date.fromisoformat(value) if value else None
    found: date = value.date()
    return found


def _text(value: Any) -> str:
    """The vendor reads some texts as dates or numbers; a whole number that became a float was one."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)
