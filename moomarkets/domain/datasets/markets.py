"""Datasets of the Tokyo market as a whole: calendar, margin trading, short selling, indices."""

from __future__ import annotations

from moomarkets.domain.dataset import CODE, EXTRA, Dataset, day, json, number, text

TRADING_CALENDAR = Dataset(
    name="trading_calendar",
    key=("on_date",),
    date="on_date",
    doc="The exchange's calendar; one row per date.",
    columns=(
        day("on_date", "Date"),
        text(
            "holiday_division",
            "HolDiv",
            "0 closed, 1 business day, 2 half trading day, 3 closed with derivatives holiday trading",
        ),
        EXTRA,
    ),
)

MARGIN_INTEREST = Dataset(
    name="margin_interest",
    key=("code", "on_date"),
    date="on_date",
    symbol="code",
    doc="Outstanding margin trades, one row per code and day: every day since 2026-09-25, before that every Friday.",
    columns=(
        day("published_on", "PubDate", "null before 2026-09-25"),
        day("on_date", "Date", "the day that the figures are of"),
        text("code", "Code", CODE),
        text("issue_type", "IssType", "1 margin issue, 2 loan issue, 3 other"),
        number("short_volume", "ShrtVol", "shares"),
        number("long_volume", "LongVol", "shares"),
        number("short_negotiable_volume", "ShrtNegVol", "shares"),
        number("long_negotiable_volume", "LongNegVol", "shares"),
        number("short_standardized_volume", "ShrtStdVol", "shares"),
        number("long_standardized_volume", "LongStdVol", "shares"),
        number("short_value", "ShrtVal", "JPY; null before 2026-09-25"),
        number("long_value", "LongVal", "JPY; null before 2026-09-25"),
        number("short_negotiable_value", "ShrtNegVal", "JPY; null before 2026-09-25"),
        number("long_negotiable_value", "LongNegVal", "JPY; null before 2026-09-25"),
        number("short_standardized_value", "ShrtStdVal", "JPY; null before 2026-09-25"),
        number("long_standardized_value", "LongStdVal", "JPY; null before 2026-09-25"),
        EXTRA,
    ),
)

MARGIN_ALERTS = Dataset(
    name="margin_alerts",
    key=("code", "published_on", "applied_on"),
    date="published_on",
    symbol="code",
    doc="Margin trades of issues under daily publication, one row per code and day.",
    columns=(
        day("published_on", "PubDate"),
        text("code", "Code", CODE),
        day("applied_on", "AppDate", "the day that the figures are of"),
        json("publish_reason", "PubReason", 'a map of six flags, each "0" or "1"'),
        number("short_outstanding", "ShrtOut", "shares"),
        number("short_change", "ShrtOutChg", "shares; null where the day before was not published"),
        text("short_ratio", "ShrtOutRatio", "percent of the listed shares, or * or -"),
        number("long_outstanding", "LongOut", "shares"),
        number("long_change", "LongOutChg", "shares; null where the day before was not published"),
        text("long_ratio", "LongOutRatio", "percent of the listed shares, or * or -"),
        number("short_long_ratio", "SLRatio", "percent"),
        number("short_negotiable", "ShrtNegOut", "shares"),
        number("short_negotiable_change", "ShrtNegOutChg", "shares"),
        number("short_standardized", "ShrtStdOut", "shares"),
        number("short_standardized_change", "ShrtStdOutChg", "shares"),
        number("long_negotiable", "LongNegOut", "shares"),
        number("long_negotiable_change", "LongNegOutChg", "shares"),
        number("long_standardized", "LongStdOut", "shares"),
        number("long_standardized_change", "LongStdOutChg", "shares"),
        text("regulation_class", "TSEMrgnRegCls", "001-006, 101 or 102"),
        EXTRA,
    ),
)

SHORT_RATIOS = Dataset(
    name="short_ratios",
    key=("sector33", "on_date"),
    date="on_date",
    doc="Short selling by sector, one row per sector and trading day.",
    columns=(
        day("on_date", "Date"),
        text("sector33", "S33", "code of the sector, 4 characters"),
        number("other_sales", "SellExShortVa", "JPY, without short sales"),
        number("restricted_short_sales", "ShrtWithResVa", "JPY"),
        number("unrestricted_short_sales", "ShrtNoResVa", "JPY"),
        EXTRA,
    ),
)

SHORT_SALE_REPORTS = Dataset(
    name="short_sale_reports",
    key=("code", "disclosed_on", "calculated_on", "seller", "contractor", "fund"),
    date="disclosed_on",
    symbol="code",
    doc="Reported short positions of 0.5 % and more, one row per report.",
    columns=(
        day("disclosed_on", "DiscDate"),
        day("calculated_on", "CalcDate"),
        text("code", "Code", CODE),
        text("seller", "SSName", may_be_empty=True),
        text("seller_address", "SSAddr"),
        text("contractor", "DICName", "whose discretion the position is under", may_be_empty=True),
        text("contractor_address", "DICAddr"),
        text("fund", "FundName", may_be_empty=True),
        number("position_ratio", "ShrtPosToSO", "a fraction of the shares outstanding"),
        number("position_shares", "ShrtPosShares", "shares"),
        number("position_units", "ShrtPosUnits", "trading units"),
        day("previous_on", "PrevRptDate", "the report before"),
        number("previous_ratio", "PrevRptRatio", "a fraction"),
        text("notes", "Notes"),
        EXTRA,
    ),
)

BREAKDOWNS = Dataset(
    name="breakdowns",
    key=("code", "on_date"),
    date="on_date",
    symbol="code",
    doc="Trading split up by kind of order, one row per code and trading day.",
    columns=(
        day("on_date", "Date"),
        text("code", "Code", CODE),
        number("long_sell_value", "LongSellVa", "JPY"),
        number("short_sell_value", "ShrtNoMrgnVa", "JPY, without margin trades"),
        number("margin_sell_new_value", "MrgnSellNewVa", "JPY"),
        number("margin_sell_close_value", "MrgnSellCloseVa", "JPY"),
        number("long_buy_value", "LongBuyVa", "JPY"),
        number("margin_buy_new_value", "MrgnBuyNewVa", "JPY"),
        number("margin_buy_close_value", "MrgnBuyCloseVa", "JPY"),
        number("long_sell_volume", "LongSellVo", "shares"),
        number("short_sell_volume", "ShrtNoMrgnVo", "shares, without margin trades"),
        number("margin_sell_new_volume", "MrgnSellNewVo", "shares"),
        number("margin_sell_close_volume", "MrgnSellCloseVo", "shares"),
        number("long_buy_volume", "LongBuyVo", "shares"),
        number("margin_buy_new_volume", "MrgnBuyNewVo", "shares"),
        number("margin_buy_close_volume", "MrgnBuyCloseVo", "shares"),
        EXTRA,
    ),
)

INDEX_BARS = Dataset(
    name="index_bars",
    key=("code", "on_date"),
    date="on_date",
    symbol="code",
    doc="Daily values of the exchange's indices, one row per index and trading day.",
    columns=(
        day("on_date", "Date"),
        text("code", "Code", "of the index, 4 characters: 0000 is TOPIX"),
        number("open", "O", "points"),
        number("high", "H", "points"),
        number("low", "L", "points"),
        number("close", "C", "points"),
        EXTRA,
    ),
)

TOPIX_BARS = Dataset(
    name="topix_bars",
    key=("on_date",),
    date="on_date",
    doc="Daily values of TOPIX, one row per trading day.",
    columns=(
        day("on_date", "Date"),
        number("open", "O", "points"),
        number("high", "H", "points"),
        number("low", "L", "points"),
        number("close", "C", "points"),
        EXTRA,
    ),
)
