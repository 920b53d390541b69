"""Datasets of what companies and their shareholders disclose: filings (EDINET) and timely disclosures (TDnet)."""

from __future__ import annotations

from moomarkets.domain.dataset import CODE, EXTRA, Column, Dataset, day, json, number, text


def _document() -> tuple[Column, ...]:
    return (
        text("document_id", "DocId"),
        text("code", "Code", f"{CODE}; null for a filer that is not listed"),
        text("edinet_code", "EdinetCode"),
    )


_SUBMITTED = (
    text("document_type", "DocTypeCode"),
    day("submitted_on", "SubDate"),
    text("submitted_time", "SubTime", "HH:MM in Tokyo"),
)
_PERIOD = (day("period_start_on", "PerSt"), day("period_end_on", "PerEn"))

MAJOR_SHAREHOLDERS = Dataset(
    name="major_shareholders",
    key=("document_id",),
    date="submitted_on",
    symbol="code",
    doc="Major shareholders as companies report them, one row per filing.",
    columns=(
        *_document(),
        text("filer", "FilerName"),
        text("filer_en", "FilerNameEn"),
        *_SUBMITTED,
        *_PERIOD,
        json("holders", "Hldrs", "a list of holders with their shares"),
        EXTRA,
    ),
)

CROSS_SHAREHOLDINGS = Dataset(
    name="cross_shareholdings",
    key=("document_id",),
    date="submitted_on",
    symbol="code",
    doc="Shares that companies hold in others for reasons of business, one row per filing.",
    columns=(
        *_document(),
        text("filer", "FilerName"),
        text("filer_en", "FilerNameEn"),
        *_SUBMITTED,
        *_PERIOD,
        json("report", "Report", "holdings of the reporting company"),
        json("largest", "Largest", "holdings of the subsidiary with most"),
        json("second_largest", "SecondLargest", "holdings of the subsidiary with second most"),
        EXTRA,
    ),
)

LARGE_SHAREHOLDINGS = Dataset(
    name="large_shareholdings",
    key=("document_id",),
    date="submitted_on",
    symbol="code",
    doc="Reports of shareholders with more than 5 %, one row per filing.",
    columns=(
        *_document(),
        text("issuer", "IsrName"),
        *_SUBMITTED,
        text("holding_type", "LargeHldgTypeCode"),
        text("title", "DocTitle"),
        text("change_reason", "ChgRsn"),
        number("shares_held", "TotalShsHeld", "shares"),
        number("held_ratio", "TotalShsRatio", "as the provider gives it"),
        number("previous_ratio", "TotalShsRatioLast", "as the provider gives it"),
        number("shares_outstanding", "TotalOutStks", "shares"),
        json("holders", "Hldrs", "a list of holders with their shares"),
        EXTRA,
    ),
)

DISCLOSURES = Dataset(
    name="disclosures",
    key=("disclosure_number",),
    date="disclosed_on",
    symbol="code",
    doc="Timely disclosures of companies (TDnet), one row each.",
    columns=(
        text("disclosure_number", "DiscNo", "14 digits"),
        text("code", "Code", CODE),
        text("name", "Name"),
        day("disclosed_on", "DiscDate"),
        text("disclosed_time", "DiscTime", "HH:MM:SS in Tokyo"),
        text("title", "Title"),
        text("status", "DiscStatus"),
        text("revision", "RevNo"),
        json("items", "DiscItems", "codes of the kinds of disclosure"),
        json("documents", "Docs", "which documents there are: full PDF, summary PDF, XBRL"),
        EXTRA,
    ),
)
