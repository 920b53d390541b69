"""Datasets of futures and options."""

from __future__ import annotations

from moomarkets.domain.dataset import EXTRA, Column, Dataset, day, number, text

_KEY = ("code", "on_date", "emergency_division")


def _session(name: str, letter: str, of: str) -> tuple[Column, ...]:
    return tuple(
        number(f"{name}{price}", f"{letter}{price[0].upper()}", f"points or JPY, {of}")
        for price in ("open", "high", "low", "close")
    )


_WHOLE_DAY = _session("", "", "whole day")
_MORNING = _session("morning_", "M", "morning")
_NIGHT = _session("night_", "E", "night before; null on the first day")
_DAY_SESSION = _session("day_", "A", "daytime")
_DONE = (
    number("volume", "Vo", "contracts"),
    number("open_interest", "OI", "contracts"),
    number("turnover", "Va", "JPY"),
    text("contract_month", "CM", "YYYY-MM, or YYYY-WW of a weekly contract"),
)
_OFF_AUCTION = (
    number("off_auction_volume", "VoOA", "contracts"),
    text("emergency_division", "EmMrgnTrgDiv", "001 when margins were raised in an emergency, 002 in normal times"),
)
_LAST_DAYS = (
    day("last_trading_on", "LTD"),
    day("special_quotation_on", "SQD"),
    number("settlement", "Settle", "points or JPY"),
)
_THEORY = (
    number("theoretical", "Theo", "points or JPY"),
    number("base_volatility", "BaseVol", "percent"),
    number("underlying", "UnderPx", "points or JPY"),
    number("implied_volatility", "IV", "percent"),
    number("interest_rate", "IR", "percent"),
)

FUTURES_BARS = Dataset(
    name="futures_bars",
    key=_KEY,
    date="on_date",
    symbol="code",
    doc="Daily prices of futures, one row per contract and trading day (two where the margin was raised).",
    columns=(
        text("code", "Code"),
        text("product_category", "ProdCat", "such as NK225F"),
        day("on_date", "Date"),
        *_WHOLE_DAY,
        *_MORNING,
        *_NIGHT,
        *_DAY_SESSION,
        *_DONE,
        *_OFF_AUCTION,
        *_LAST_DAYS,
        text("is_central_month", "CCMFlag", '"1" for the central contract month'),
        EXTRA,
    ),
)

OPTIONS_BARS = Dataset(
    name="options_bars",
    key=_KEY,
    date="on_date",
    symbol="code",
    doc="Daily prices of options, one row per contract and trading day (two where the margin was raised).",
    columns=(
        text("code", "Code"),
        text("product_category", "ProdCat", "such as NK225E"),
        text("underlying_code", "UndSSO", "of a securities option, else -"),
        day("on_date", "Date"),
        *_WHOLE_DAY,
        *_MORNING,
        *_NIGHT,
        *_DAY_SESSION,
        *_DONE,
        number("strike", "Strike", "points or JPY"),
        *_OFF_AUCTION,
        text("put_or_call", "PCDiv", "1 put, 2 call"),
        *_LAST_DAYS,
        *_THEORY,
        text("is_central_month", "CCMFlag", '"1" for the central contract month'),
        EXTRA,
    ),
)

INDEX_OPTION_BARS = Dataset(
    name="index_option_bars",
    key=_KEY,
    date="on_date",
    symbol="code",
    doc="Daily prices of options on the Nikkei 225, one row per contract and trading day.",
    columns=(
        day("on_date", "Date"),
        text("code", "Code"),
        *_WHOLE_DAY,
        *_NIGHT,
        *_DAY_SESSION,
        *_DONE,
        number("strike", "Strike", "JPY"),
        *_OFF_AUCTION,
        text("put_or_call", "PCDiv", "1 put, 2 call"),
        *_LAST_DAYS,
        *_THEORY,
        EXTRA,
    ),
)
