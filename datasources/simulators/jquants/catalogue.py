"""Every data set of the simulated J-Quants on one page: path, plan, first day, when a day comes out, its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from datasources.jquants.plans import MINUTES, TDNET
from datasources.simulators.jquants import (
    derivatives,
    dividends,
    earnings_dates,
    edinet,
    equities,
    margin,
    market_wide,
    short_sales,
    statements,
    tdnet,
)
from datasources.simulators.jquants.view import RowsOf, View, instant

SINCE = date(2008, 5, 7)
ADDONS = (MINUTES, TDNET)
"""What is bought beside a plan, from Light on; each has a limit of its own."""

Weight = Callable[[View, date], float]
OutAt = Callable[[date], datetime]


def _at(hour: int, minute: int = 0) -> OutAt:
    return lambda day: instant(day, hour, minute)


def _papers(view: View, day: date) -> float:
    return len(view.disclosures.of_day(day))


def _about(rows: float) -> Weight:
    return lambda view, day: rows


@dataclass(frozen=True, slots=True)
class DataSet:
    """Rows by day. `key` is the parameter that narrows them, `out_at` when all rows of a day may be asked for.

    Some rows come out one by one; those data sets look at the instant themselves, and `out_at` is the earliest.
    `file_at` is when the file of a day is complete. `weight` says about how many rows a day has; without it every
    issue has as many as the others.
    """

    path: str
    plan: str
    since: date
    out_at: OutAt
    rows: RowsOf
    key: str = "code"
    addon: str = ""
    has_range: bool = True
    is_file: bool = True
    is_only_file: bool = False
    file_at: OutAt | None = None
    weight: Weight | None = None

    def complete_at(self, day: date) -> datetime:
        """When the file of a day is made."""
        return (self.file_at or self.out_at)(day)

    def units(self, view: View, day: date) -> float:
        """How much a day holds: rows, or issues where each has as much as the others."""
        return len(view.market.issues) if self.weight is None else self.weight(view, day)


def _of_papers(path: str, plan: str, since: date, rows: RowsOf) -> DataSet:
    """Rows come out one by one, the last at half past midnight."""
    return DataSet(path, plan, since, _at(0), rows, has_range=False, file_at=_at(24, 30), weight=_papers)


def _filed(path: str, since: date, rows: RowsOf) -> DataSet:
    return DataSet(path, "standard", since, _at(8), rows, has_range=False, is_file=False)


def _derivatives(name: str, plan: str, rows: RowsOf, weight: float) -> DataSet:
    path = f"/derivatives/bars/daily/{name}"
    return DataSet(path, plan, SINCE, _at(27), rows, key="category", has_range=False, weight=_about(weight))


def _of_equities() -> tuple[DataSet, ...]:
    weekly = date(2008, 1, 16)
    return (
        DataSet("/equities/master", "free", SINCE, _at(8), equities.master, has_range=False),
        DataSet("/equities/bars/daily", "free", SINCE, _at(16, 30), equities.bars),
        DataSet("/equities/bars/daily/am", "premium", SINCE, _at(12), equities.morning_bars, is_file=False),
        DataSet("/equities/bars/minute", "light", SINCE, _at(16, 30), equities.minute_bars, addon=MINUTES),
        DataSet("/equities/trades", "light", SINCE, _at(16, 30), equities.trades, addon=MINUTES, is_only_file=True),
        DataSet("/equities/valuation", "free", SINCE, _at(16, 30), equities.valuation),
        DataSet(
            "/equities/investor-types",
            "light",
            weekly,
            _at(16, 30),
            market_wide.investor_types,
            key="section",
            weight=_about(1),
        ),
    )


def _of_companies() -> tuple[DataSet, ...]:
    announced, paid = earnings_dates.announced_on, dividends.dividends
    dates_since, dividends_since = date(2014, 9, 1), date(2013, 2, 20)
    return (
        DataSet(
            "/fins/earnings-date",
            "standard",
            dates_since,
            _at(10, 5),
            announced,
            has_range=False,
            weight=earnings_dates.count,
        ),
        _of_papers("/fins/summary", "free", date(2008, 7, 7), statements.summary),
        _of_papers("/fins/details", "premium", date(2009, 1, 13), statements.details),
        DataSet("/fins/dividend", "premium", dividends_since, _at(12), paid, file_at=_at(19, 30), weight=_papers),
        _filed("/edinet/major-shareholders", date(2016, 6, 1), edinet.major_shareholders),
        _filed("/edinet/cross-shareholdings", date(2020, 3, 31), edinet.cross_shareholdings),
        _filed("/edinet/large-volume-shareholders", date(2021, 7, 1), edinet.large_holdings),
        DataSet("/td/list", "light", SINCE, _at(0), tdnet.disclosed, addon=TDNET, is_file=False, weight=_papers),
    )


def _of_markets() -> tuple[DataSet, ...]:
    at, open_at = _at(16, 30), date(2008, 1, 1)
    weekly, alerts, ratios = date(2012, 2, 10), date(2008, 5, 8), date(2008, 11, 5)
    return (
        DataSet("/markets/calendar", "free", open_at, _at(0), market_wide.calendar, key="hol_div", weight=_about(1)),
        DataSet("/markets/margin-interest", "standard", weekly, margin.outstanding_from, margin.outstanding),
        DataSet("/markets/margin-alert", "standard", alerts, at, margin.alerts, weight=_about(30)),
        DataSet("/markets/short-ratio", "standard", ratios, at, short_sales.ratios, key="s33", weight=_about(34)),
        DataSet(
            "/markets/short-sale-report",
            "standard",
            date(2013, 11, 7),
            _at(17, 30),
            short_sales.reports,
            weight=_about(180),
        ),
        DataSet("/markets/breakdown", "premium", date(2015, 4, 1), _at(18), short_sales.breakdown),
        DataSet("/indices/bars/daily", "standard", SINCE, at, market_wide.indices, weight=_about(76)),
        DataSet("/indices/bars/daily/topix", "light", SINCE, at, market_wide.topix, key="", weight=_about(1)),
        _derivatives("futures", "premium", derivatives.futures, 48),
        _derivatives("options", "premium", derivatives.options, 174),
        _derivatives("options/225", "standard", derivatives.options_225, 78),
    )


DATA_SETS: Mapping[str, DataSet] = {
    data_set.path: data_set for data_set in (*_of_equities(), *_of_companies(), *_of_markets())
}
"""By path."""

OTHER_PATHS: Mapping[str, str] = {
    "/equities/earnings-calendar": "",
    "/td/files": TDNET,
    "/td/bulk": TDNET,
    "/bulk/list": "",
    "/bulk/get": "",
}
"""Paths without rows by day, and the add-on that they belong to."""

FILE_PATHS = tuple(path for path, data_set in DATA_SETS.items() if data_set.is_file)
"""What comes as files too."""
