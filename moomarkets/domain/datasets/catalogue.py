"""All built-in datasets by name."""

from __future__ import annotations

from moomarkets.domain.datasets.derivatives import FUTURES_BARS, INDEX_OPTION_BARS, OPTIONS_BARS
from moomarkets.domain.datasets.disclosures import (
    CROSS_SHAREHOLDINGS,
    DISCLOSURES,
    LARGE_SHAREHOLDINGS,
    MAJOR_SHAREHOLDERS,
)
from moomarkets.domain.datasets.equities import (
    DAILY_BARS,
    INVESTOR_TYPES,
    LISTED_ISSUES,
    MINUTE_BARS,
    MORNING_BARS,
    TRADES,
    VALUATIONS,
)
from moomarkets.domain.datasets.financial_summaries import FINANCIAL_SUMMARIES
from moomarkets.domain.datasets.financials import DIVIDENDS, EARNINGS_CALENDAR, EARNINGS_DATES, FINANCIAL_DETAILS
from moomarkets.domain.datasets.markets import (
    BREAKDOWNS,
    INDEX_BARS,
    MARGIN_ALERTS,
    MARGIN_INTEREST,
    SHORT_RATIOS,
    SHORT_SALE_REPORTS,
    TOPIX_BARS,
    TRADING_CALENDAR,
)
from moomarkets.domain.datasets.yahoo import YAHOO_DAILY_BARS, YAHOO_INTRADAY_BARS

DATASETS = {
    dataset.name: dataset
    for dataset in (
        LISTED_ISSUES,
        TRADING_CALENDAR,
        DAILY_BARS,
        MORNING_BARS,
        MINUTE_BARS,
        TRADES,
        VALUATIONS,
        INVESTOR_TYPES,
        EARNINGS_CALENDAR,
        EARNINGS_DATES,
        FINANCIAL_SUMMARIES,
        FINANCIAL_DETAILS,
        DIVIDENDS,
        MARGIN_INTEREST,
        MARGIN_ALERTS,
        SHORT_RATIOS,
        SHORT_SALE_REPORTS,
        BREAKDOWNS,
        INDEX_BARS,
        TOPIX_BARS,
        FUTURES_BARS,
        OPTIONS_BARS,
        INDEX_OPTION_BARS,
        MAJOR_SHAREHOLDERS,
        CROSS_SHAREHOLDINGS,
        LARGE_SHAREHOLDINGS,
        DISCLOSURES,
        YAHOO_DAILY_BARS,
        YAHOO_INTRADAY_BARS,
    )
}
