"""Datasets from Yahoo's charts."""

from __future__ import annotations

from moomarkets.domain.dataset import EXTRA, Dataset, day, instant, number, text

YAHOO_DAILY_BARS = Dataset(
    name="yahoo_daily_bars",
    key=("symbol", "on_date"),
    date="on_date",
    symbol="symbol",
    doc="Yahoo's daily bars, already adjusted for splits by Yahoo; one row per symbol and exchange date.",
    columns=(
        text("symbol"),
        day("on_date", "", "date of the exchange"),
        number("open", "open", "in the symbol's currency, split-adjusted"),
        number("high", "high"),
        number("low", "low"),
        number("close", "close", "split-adjusted"),
        number("adjusted_close", "adjclose", "adjusted for splits and dividends"),
        number("volume", "volume", "shares, split-adjusted"),
        number("dividend", "dividends", "cash per share going ex on this date, else null"),
        number("split_ratio", "splits", "new shares per old on this date, else null"),
        number("capital_gain", "capitalGains", "distribution per share on this date, else null"),
        text("currency", "currency"),
        EXTRA,
    ),
)

YAHOO_INTRADAY_BARS = Dataset(
    name="yahoo_intraday_bars",
    key=("symbol", "bar_length", "started_at"),
    date="on_date",
    symbol="symbol",
    doc="Yahoo's bars within a day, one row per symbol, length and bar in which something was traded; as they were on"
    " the day of the fetch, never adjusted later.",
    columns=(
        text("symbol"),
        text("bar_length", "", "1m, 5m, 15m, 30m or 60m"),
        instant("started_at", "timestamp", "begin of the bar"),
        day("on_date", "", "date of the exchange"),
        number("open", "open", "in the symbol's currency"),
        number("high", "high"),
        number("low", "low"),
        number("close", "close"),
        number("volume", "volume", "shares"),
        text("currency", "currency"),
        EXTRA,
    ),
)
