"""Every public method of the vendor's client is content with the simulator, and reads from it what is in the JSON."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.jquants.catalogue import ADDONS
from datasources.simulators.jquants.fields import FIELDS
from tests.datasources.simulators.jquants.asking import GENEROUS, rows
from tests.support.official_client import jquantsapi, official_client, plain_rows

pytestmark = [
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame"),
    pytest.mark.filterwarnings("ignore:.*is now available for cursor-based:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The behavior of DataFrame concatenation:FutureWarning"),
]
DAY, BEFORE = "2026-11-13", "2026-11-12"
MONTH = {"from_yyyymmdd": "2026-10-15", "to_yyyymmdd": DAY}
MONTH_AS_QUERY = {"from_": "20261015", "to": "20261113"}
DAYS = {"start_dt": "2026-11-11", "end_dt": DAY}


@dataclass(frozen=True, slots=True)
class Call:
    """A method, what it is given, and the query by which the same rows come as JSON; several days for a range."""

    method: str
    path: str
    given: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    days_as: str = ""


def single(name: str, path: str, code: str = "9901") -> list[Call]:
    """By date, and by code over a month: what most methods can do."""
    return [
        Call(name, path, {"date_yyyymmdd": DAY}, {"date": DAY}),
        Call(name, path, {"code": code, **MONTH}, {"code": f"{code}0", **MONTH_AS_QUERY}),
    ]


def ranged(name: str, path: str, days_as: str = "date", **given: str) -> Call:
    """Day by day, as the methods on ranges do it."""
    return Call(f"{name}_range", path, {**DAYS, **given}, dict(given), days_as)


DERIVATIVES = "/derivatives/bars/daily"
CALLS = [
    Call("get_eq_master", "/equities/master"),
    Call("get_eq_master", "/equities/master", {"code": "990A", "date": DAY}, {"code": "990A", "date": DAY}),
    *single("get_eq_bars_daily", "/equities/bars/daily"),
    ranged("get_eq_bars_daily", "/equities/bars/daily"),
    Call("get_eq_bars_daily_am", "/equities/bars/daily/am"),
    *single("get_eq_bars_minute", "/equities/bars/minute"),
    *single("get_eq_valuation", "/equities/valuation"),
    ranged("get_eq_valuation", "/equities/valuation"),
    Call(
        "get_eq_investor_types",
        "/equities/investor-types",
        {"section": "TSEPrime", **MONTH},
        {"section": "TSEPrime", **MONTH_AS_QUERY},
    ),
    Call("get_eq_earnings_cal", "/equities/earnings-calendar"),
    Call("get_fin_summary", "/fins/summary", {"date_yyyymmdd": DAY}, {"date": DAY}),
    Call("get_fin_summary", "/fins/summary", {"code": "9901"}, {"code": "9901"}),
    ranged("get_fin_summary", "/fins/summary"),
    Call("get_fin_details", "/fins/details", {"code": "99010"}, {"code": "99010"}),
    ranged("get_fin_details", "/fins/details"),
    Call("get_fin_dividend", "/fins/dividend", {"date_yyyymmdd": DAY}, {"date": DAY}),
    Call("get_fin_dividend", "/fins/dividend", {"code": "13010"}, {"code": "1301"}),
    Call("get_fin_earnings_date", "/fins/earnings-date", {"code": "9901"}, {"code": "9901"}),
    Call("get_fin_earnings_date", "/fins/earnings-date", {"date_yyyymmdd": "2026-10-01"}, {"date": "2026-10-01"}),
    Call(
        "get_fin_earnings_date",
        "/fins/earnings-date",
        {"scheduled_date_yyyymmdd": DAY},
        {"scheduled_date": DAY},
    ),
    Call(
        "get_fin_earnings_date_range",
        "/fins/earnings-date",
        {"start_dt": "2026-09-28", "end_dt": "2026-10-02"},
        {},
        "date",
    ),
    Call(
        "get_mkt_short_ratio",
        "/markets/short-ratio",
        {"sector_33_code": "0050", **MONTH},
        {"s33": "0050", **MONTH_AS_QUERY},
    ),
    ranged("get_mkt_short_ratio", "/markets/short-ratio"),
    Call("get_mkt_short_sale_report", "/markets/short-sale-report", {"disclosed_date": DAY}, {"disc_date": DAY}),
    Call(
        "get_mkt_short_sale_report",
        "/markets/short-sale-report",
        {"calculated_date": "2026-11-11"},
        {"calc_date": "20261111"},
    ),
    ranged("get_mkt_short_sale_report", "/markets/short-sale-report", "disc_date"),
    Call("get_mkt_margin_interest", "/markets/margin-interest", {"date_yyyymmdd": BEFORE}, {"date": BEFORE}),
    Call(
        "get_mkt_margin_interest",
        "/markets/margin-interest",
        {"published_date_yyyymmdd": DAY},
        {"published_date": DAY},
    ),
    Call("get_mkt_margin_interest", "/markets/margin-interest", {"code": "9901"}, {"code": "9901"}),
    ranged("get_mkt_margin_interest", "/markets/margin-interest"),
    *single("get_mkt_margin_alert", "/markets/margin-alert", "1301"),
    ranged("get_mkt_margin_alert", "/markets/margin-alert"),
    *single("get_mkt_breakdown", "/markets/breakdown"),
    ranged("get_mkt_breakdown", "/markets/breakdown"),
    Call("get_mkt_calendar", "/markets/calendar", {"holiday_division": "3"}, {"hol_div": "3"}),
    Call("get_idx_bars_daily", "/indices/bars/daily", {"date_yyyymmdd": DAY}, {"date": DAY}),
    Call("get_idx_bars_daily", "/indices/bars/daily", {"code": "0040"}, {"code": "0040"}),
    Call("get_idx_bars_daily_topix", "/indices/bars/daily/topix", {"from_yyyymmdd": "20261001"}, {"from_": "20261001"}),
    Call("get_drv_bars_daily_fut", f"{DERIVATIVES}/futures", {"date_yyyymmdd": BEFORE}, {"date": BEFORE}),
    Call(
        "get_drv_bars_daily_fut",
        f"{DERIVATIVES}/futures",
        {"date_yyyymmdd": BEFORE, "category": "TOPIXF", "contract_flag": "1"},
        {"date": BEFORE, "category": "TOPIXF", "contract_flag": "1"},
    ),
    ranged("get_drv_bars_daily_fut", f"{DERIVATIVES}/futures", category="NK225F"),
    Call("get_drv_bars_daily_opt", f"{DERIVATIVES}/options", {"date_yyyymmdd": BEFORE}, {"date": BEFORE}),
    Call(
        "get_drv_bars_daily_opt",
        f"{DERIVATIVES}/options",
        {"date_yyyymmdd": BEFORE, "category": "EQOP", "code": "7203"},
        {"date": BEFORE, "category": "EQOP", "code": "7203"},
    ),
    ranged("get_drv_bars_daily_opt", f"{DERIVATIVES}/options", category="TOPIXE"),
    Call("get_drv_bars_daily_opt_225", f"{DERIVATIVES}/options/225", {"date_yyyymmdd": BEFORE}, {"date": BEFORE}),
    ranged("get_drv_bars_daily_opt_225", f"{DERIVATIVES}/options/225"),
    *(
        Call(f"get_edinet_{path.replace('-', '_')}", f"/edinet/{path}", {"code": "99010"}, {"code": "99010"})
        for path in ("major-shareholders", "cross-shareholdings", "large-volume-shareholders")
    ),
    Call(
        "get_edinet_major_shareholders",
        "/edinet/major-shareholders",
        {"edinet_code": "E00001"},
        {"edinet_code": "E00001"},
    ),
]
# Their answers are no plain frames of rows; each has a test below.
OTHERS = {
    *("get_list", "get_eq_bars_5minute", "get_eq_bars_15minute", "get_fin_summary_cursor", "get_fin_details_cursor"),
    *("get_td_list", "get_td_files", "get_td_bulk"),
    *("get_bulk_list", "get_bulk", "download_bulk", "download_bulk_by_endpoint"),
}
WITHOUT_REQUEST = {"get_market_segments", "get_17_sectors", "get_33_sectors"}


@pytest.fixture
def simulator() -> Iterator[JQuantsSimulator]:
    options: dict[str, Any] = {"limit": GENEROUS, "issues": 60, "addons": ADDONS, "page_bytes": 40_000}
    with JQuantsSimulator("premium", today=date(2026, 11, 13), **options) as simulator:
        yield simulator


@pytest.fixture
def vendor(simulator: JQuantsSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    client = official_client(simulator.base_url, DEMO_KEY, monkeypatch)
    yield client
    client._request_session().close()


def raw_rows(simulator: JQuantsSimulator, call: Call) -> list[dict[str, Any]]:
    """The rows of the JSON; of a range day by day."""
    if not call.days_as:
        return rows(simulator, call.path, **call.query)
    first, last = (date.fromisoformat(call.given[name]) for name in ("start_dt", "end_dt"))
    days = [date.fromordinal(number).isoformat() for number in range(first.toordinal(), last.toordinal() + 1)]
    return [row for day in days for row in rows(simulator, call.path, **call.query, **{call.days_as: day})]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method}-{'-'.join(call.given) or 'all'}")
def test_a_method_reads_the_rows_of_the_json_in_the_columns_that_it_knows(
    simulator: JQuantsSimulator, vendor: Any, call: Call
) -> None:
    frame = getattr(vendor, call.method)(**call.given)

    expected = raw_rows(simulator, call)
    assert expected, "expected a query that finds something"
    assert tuple(frame.columns) == FIELDS[call.path]
    assert plain_rows(frame.to_dict("records")) == plain_rows(expected)


def test_every_public_method_is_tried() -> None:
    public = {name for name in dir(jquantsapi.ClientV2) if name.startswith(("get_", "download_"))}

    assert public == {call.method for call in CALLS} | OTHERS | WITHOUT_REQUEST


def test_the_fields_are_the_constants_of_the_client() -> None:
    constants = vars(jquantsapi.constants)
    known = {tuple(value) for name, value in constants.items() if name.endswith("_COLUMNS_V2")}

    without = {"/equities/trades", "/derivatives/bars/daily/options/225"}
    assert {path for path, fields in FIELDS.items() if fields not in known} == without


def test_the_list_has_english_names_too(vendor: Any) -> None:
    assert vendor.get_list().shape == (59, 17)


@pytest.mark.parametrize("method", ["get_eq_bars_5minute", "get_eq_bars_15minute"])
def test_longer_bars_hold_what_the_minutes_hold(simulator: JQuantsSimulator, vendor: Any, method: str) -> None:
    frame = getattr(vendor, method)(code="99010", date_yyyymmdd=DAY)

    minutes = rows(simulator, "/equities/bars/minute", code="99010", date=DAY)
    assert 0 < len(frame) <= len(minutes)
    assert frame["Vo"].sum() == sum(row["Vo"] for row in minutes)
    assert frame["H"].max() == max(row["H"] for row in minutes)


@pytest.mark.parametrize("name", ["summary", "details"])
def test_a_cursor_leads_to_newer_papers_only(simulator: JQuantsSimulator, vendor: Any, name: str) -> None:
    method = getattr(vendor, f"get_fin_{name}_cursor")

    frame, cursor = method(date_yyyymmdd=DAY)
    newer, again = method(date_yyyymmdd=DAY, cursor=cursor)

    assert plain_rows(frame.to_dict("records")) == plain_rows(rows(simulator, f"/fins/{name}", date=DAY))
    assert (newer.empty, again) == (True, cursor)
    assert method(code="99010")[1] is None


def test_the_disclosures_are_read(simulator: JQuantsSimulator, vendor: Any) -> None:
    frame, cursor = vendor.get_td_list(date=DAY)
    files = vendor.get_td_files(disc_no=frame["DiscNo"][0])

    assert plain_rows(frame.to_dict("records")) == plain_rows(rows(simulator, "/td/list", date=DAY))
    assert cursor
    assert files["discNo"] == frame["DiscNo"][0]
    assert set(files["files"]) <= {"pdf", "summaryPdf", "xbrl"}
    assert set(vendor.get_td_bulk()) == {"lastUpdated", "url"}


def test_a_file_is_downloaded_as_it_is(vendor: Any, tmp_path: Path) -> None:
    listed = vendor.get_bulk_list(endpoint="/indices/bars/daily/topix", from_date="2026-09", to_date="2026-10")
    vendor.download_bulk(listed["Key"][1], str(tmp_path / "by-key.csv.gz"))
    vendor.download_bulk_by_endpoint("/indices/bars/daily/topix", "2026-10", output_path=str(tmp_path / "other.csv.gz"))

    content = (tmp_path / "by-key.csv.gz").read_bytes()
    assert tuple(listed.columns) == FIELDS["/bulk/list"]
    assert (tmp_path / "other.csv.gz").read_bytes() == content
    assert len(content) == listed["Size"][1]
    assert gzip.decompress(content).startswith(b"Date,O,H,L,C\n2026-10-01,")
    assert vendor.get_bulk(key=listed["Key"][0]).startswith("http://127.0.0.1:")
