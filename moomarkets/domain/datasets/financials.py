"""Datasets of companies' figures: statements, dividends, and the days on which results come out."""

from __future__ import annotations

from moomarkets.domain.dataset import CODE, EXTRA, Dataset, day, json, number, text

FINANCIAL_DETAILS = Dataset(
    name="financial_details",
    key=("code", "disclosure_number"),
    date="disclosed_on",
    symbol="code",
    doc="Financial statements item by item, one row per disclosure.",
    columns=(
        day("disclosed_on", "DiscDate", "date of the disclosure in Tokyo"),
        text("disclosed_time", "DiscTime", "HH:MM:SS in Tokyo"),
        text("code", "Code", CODE),
        text("disclosure_number", "DiscNo"),
        text("document_type", "DocType"),
        json("statements", "FS", "a map of label -> value, as texts"),
        EXTRA,
    ),
)

DIVIDENDS = Dataset(
    name="dividends",
    key=("code", "reference_number"),
    date="published_on",
    symbol="code",
    doc="Announcements of dividends, one row each; `status` says whether it is new, a correction or a deletion.",
    columns=(
        day("published_on", "PubDate"),
        text("published_time", "PubTime", "HH:MM in Tokyo"),
        text("code", "Code", CODE),
        text("reference_number", "RefNo"),
        text("status", "StatCode", "1 new, 2 correction, 3 deletion"),
        day("board_meeting_on", "BoardDate"),
        text("interim_or_final", "IFCode", "1 interim, 2 final"),
        text("forecast_or_result", "FRCode", "1 determined, 2 forecast"),
        text("term", "IFTerm", "YYYY-MM of the record date"),
        number("dividend_rate", "DivRate", "JPY per share; null while undecided"),
        day("record_on", "RecDate"),
        day("ex_on", "ExDate"),
        day("actual_record_on", "ActRecDate"),
        text("payable_on", "PayDate", "a date, or - while undecided"),
        text("action_reference_number", "CARefNo", "the reference number of the announcement that this one changes"),
        text("distribution_amount", "DistAmt", "JPY per share, or - where there is none"),
        text("retained_earnings", "RetEarn", "JPY per share, or -"),
        text("deemed_dividend", "DeemDiv", "JPY per share, or -"),
        text("deemed_capital_gains", "DeemCapGains", "JPY per share, or -"),
        text("net_asset_decrease_ratio", "NetAssetDecRatio", "a fraction, or -"),
        text("commemorative_or_special", "CommSpecCode", "1 commemorative, 2 special, 3 both, 0 neither"),
        text("commemorative_rate", "CommDivRate", "JPY per share, or -"),
        text("special_rate", "SpecDivRate", "JPY per share, or -"),
        EXTRA,
    ),
)

EARNINGS_CALENDAR = Dataset(
    name="earnings_calendar",
    key=("code", "fiscal_year", "quarter"),
    date="on_date",
    symbol="code",
    doc="Results that companies will announce on the next business day; each list replaces what it names of the last.",
    columns=(
        day("on_date", "Date", "null while undecided"),
        text("code", "Code", CODE),
        text("name", "CoName"),
        text("fiscal_year", "FY", "end of the fiscal year, as written there"),
        text("sector", "SectorNm"),
        text("quarter", "FQ"),
        text("section", "Section"),
        EXTRA,
    ),
)

EARNINGS_DATES = Dataset(
    name="earnings_dates",
    key=("code", "published_on", "fiscal_year_end", "quarter"),
    date="published_on",
    symbol="code",
    doc="Days on which results are due, with every change of them, one row per announcement of such a day.",
    columns=(
        day("published_on", "PubDate"),
        day("scheduled_on", "SchDate", "null while undecided"),
        text("quarter", "FQName"),
        text("fiscal_year_end", "FYE"),
        text("code", "Code", CODE),
        text("name", "CoName"),
        text("name_en", "CoNameEn"),
        EXTRA,
    ),
)
