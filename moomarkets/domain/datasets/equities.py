"""Datasets of Japanese equities: the issues, their prices, and who trades them."""

from __future__ import annotations

from moomarkets.domain.dataset import CODE, EXTRA, Column, Dataset, day, number, text

LISTED_ISSUES = Dataset(
    name="listed_issues",
    key=("on_date", "code"),
    date="on_date",
    symbol="code",
    doc="The listed companies and other issues as of a date; one row per date and code.",
    columns=(
        day("on_date", "Date", "the date that this list is valid for"),
        text("code", "Code", CODE),
        text("name", "CoName"),
        text("name_en", "CoNameEn"),
        text("sector17", "S17"),
        text("sector17_name", "S17Nm"),
        text("sector33", "S33"),
        text("sector33_name", "S33Nm"),
        text("scale_category", "ScaleCat"),
        text("market", "Mkt"),
        text("market_name", "MktNm"),
        text("margin", "Mrgn"),
        text("margin_name", "MrgnNm"),
        text("product_category", "ProdCat"),
        EXTRA,
    ),
)

DAILY_BARS = Dataset(
    name="daily_bars",
    key=("code", "on_date"),
    date="on_date",
    symbol="code",
    doc="Raw daily prices as traded, one row per code and trading day; adjusted prices are computed on read.",
    columns=(
        text("code", "Code", CODE),
        day("on_date", "Date", "trading day in Tokyo"),
        number("open", "O", "JPY; null when nothing was traded"),
        number("high", "H", "JPY"),
        number("low", "L", "JPY"),
        number("close", "C", "JPY"),
        text("upper_limit", "UL", '"1" when the daily upper limit was hit, else "0"'),
        text("lower_limit", "LL", '"1" when the daily lower limit was hit, else "0"'),
        number("volume", "Vo", "shares; null when nothing was traded"),
        number("turnover", "Va", "JPY, never adjusted"),
        number("adjustment_factor", "AdjFactor", "0.5 on the ex-date of a 1:2 split, else 1"),
        EXTRA,
    ),
)

MORNING_BARS = Dataset(
    name="morning_bars",
    key=("code", "on_date"),
    date="on_date",
    symbol="code",
    doc="Raw prices of the morning, published at noon of the day itself and not available later.",
    columns=(
        text("code", "Code", CODE),
        day("on_date", "Date", "trading day in Tokyo"),
        number("open", "MO", "JPY; null when nothing was traded"),
        number("high", "MH", "JPY"),
        number("low", "ML", "JPY"),
        number("close", "MC", "JPY"),
        number("volume", "MVo", "shares"),
        number("turnover", "MVa", "JPY"),
        EXTRA,
    ),
)

MINUTE_BARS = Dataset(
    name="minute_bars",
    key=("code", "on_date", "at_time"),
    date="on_date",
    symbol="code",
    doc="Raw prices by the minute, one row per code, trading day and minute in which there was a trade.",
    columns=(
        text("code", "Code", CODE),
        day("on_date", "Date", "trading day in Tokyo"),
        text("at_time", "Time", "HH:MM in Tokyo"),
        number("open", "O", "JPY"),
        number("high", "H", "JPY"),
        number("low", "L", "JPY"),
        number("close", "C", "JPY"),
        number("volume", "Vo", "shares"),
        number("turnover", "Va", "JPY"),
        EXTRA,
    ),
)

TRADES = Dataset(
    name="trades",
    key=("code", "on_date", "transaction_id"),
    date="on_date",
    symbol="code",
    doc="Single trades (ticks); from bulk files only.",
    columns=(
        day("on_date", "Date", "trading day in Tokyo"),
        text("code", "Code", CODE),
        text("at_time", "Time", "HH:MM:SS.ffffff in Tokyo"),
        text("trading_session", "SessionDistinction", "01 morning, 02 afternoon"),
        number("price", "Price", "JPY"),
        number("volume", "TradingVolume", "shares"),
        text("transaction_id", "TransactionId"),
        EXTRA,
    ),
)

VALUATIONS = Dataset(
    name="valuations",
    key=("code", "on_date"),
    date="on_date",
    symbol="code",
    doc="Valuation figures, one row per code and trading day.",
    columns=(
        day("on_date", "Date", "trading day in Tokyo"),
        text("code", "Code", CODE),
        number("eps", "EPS", "JPY per share"),
        number("forward_eps", "FwdEPS", "JPY per share, by the company's forecast"),
        number("bps", "BPS", "JPY per share"),
        number("roe", "ROE", "a fraction: 0.231 is 23.1 %"),
        number("forward_roe", "FwdROE", "a fraction"),
        number("per", "PER", "a multiple"),
        number("forward_per", "FwdPER", "a multiple"),
        number("pbr", "PBR", "a multiple"),
        number("market_cap", "MktCap", "million JPY"),
        EXTRA,
    ),
)

_INVESTORS = (
    ("proprietary", "Prop"),
    ("brokerage", "Brk"),
    ("total", "Tot"),
    ("individuals", "Ind"),
    ("foreigners", "Frgn"),
    ("securities_companies", "SecCo"),
    ("investment_trusts", "InvTr"),
    ("business_companies", "BusCo"),
    ("other_companies", "OthCo"),
    ("insurance_companies", "InsCo"),
    ("banks", "Bank"),
    ("trust_banks", "TrstBnk"),
    ("other_financials", "OthFin"),
)
_SIDES = (("sales", "Sell"), ("purchases", "Buy"), ("total", "Tot"), ("balance", "Bal"))


def _trading_by_investor() -> tuple[Column, ...]:
    return tuple(
        number(f"{investor}_{side}", f"{field}{ending}", "thousand JPY")
        for investor, field in _INVESTORS
        for side, ending in _SIDES
    )


INVESTOR_TYPES = Dataset(
    name="investor_types",
    key=("section", "start_on", "end_on", "published_on"),
    date="published_on",
    doc="Trading by type of investor, one row per market section and week; a correction is a row of a later day of"
    " publication.",
    columns=(
        day("published_on", "PubDate"),
        day("start_on", "StDate", "first day of the week"),
        day("end_on", "EnDate", "last day of the week"),
        text("section", "Section", "such as TSEPrime"),
        *_trading_by_investor(),
        EXTRA,
    ),
)
