"""J-Quants V2 as data: its endpoints with their plans, publication times and partitions, and the source they make."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

from datasources.jquants.plans import MINUTES, PLANS, TDNET
from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.dataset import Dataset
from moomarkets.domain.datasets import derivatives, disclosures, equities, financials, markets
from moomarkets.domain.datasets.financial_summaries import FINANCIAL_SUMMARIES
from moomarkets.domain.limits import SilenceRule, Window
from moomarkets.domain.schedule import CronSchedule
from moomarkets.domain.source import Endpoint, SourceSpec
from moomarkets.domain.upkeep import Cut, Publication, Upkeep
from moomarkets.domain.ways import Volume

_ADJUSTED = ("AdjO", "AdjH", "AdjL", "AdjC", "AdjVo")
_HALF_DAY = ("O", "H", "L", "C", "UL", "LL", "Vo", "Va")
# Recomputed by the provider back to the oldest day at every split: a stored copy would go stale silently.
DROPPED_FIELDS = frozenset(f"{half}{name}" for half in ("", "M", "A") for name in _ADJUSTED)
# The Premium plan's morning and afternoon values.
HALF_DAY_FIELDS = frozenset(f"{half}{name}" for half in "MA" for name in _HALF_DAY)
HALF_DAY_NUMBERS = HALF_DAY_FIELDS - {f"{half}{name}" for half in "MA" for name in ("UL", "LL")}

_FIRST = date(2008, 5, 7)
_NESTED = (Window(60, 60),)
_AFTERNOON, _EVENING = Publication(TOKYO, time(16, 30)), Publication(TOKYO, time(18, 0))


def _daily(
    publication: Publication = _AFTERNOON,
    cron: str = "0 17 * * 1-5",
    final: Publication | None = None,
    day_parameter: str = "date",
    daily_since: date | None = None,
) -> Upkeep:
    """Kept by trading day, fetched soon after its publication."""
    schedule = CronSchedule(cron, "Asia/Tokyo")
    return Upkeep(Cut.DAY, publication, schedule, final, day_parameter, daily_since=daily_since)


def _by_code(
    upkeep: Upkeep, code: str = "code", first: str = "from", last: str = "to", *, of_issues: bool = True
) -> Upkeep:
    """The same, where a range of one code can be had in one request too."""
    return replace(upkeep, code_parameter=code, from_parameter=first, to_parameter=last, has_issue_codes=of_issues)


def _newest(publication: Publication, cron: str) -> Upkeep:
    """Only the state of now can be asked for."""
    return Upkeep(Cut.NEWEST, publication, CronSchedule(cron, "Asia/Tokyo"), day_parameter="")


def _ranges(publication: Publication, cron: str) -> Upkeep:
    """A whole range comes in one request."""
    return Upkeep(Cut.RANGE, publication, CronSchedule(cron, "Asia/Tokyo"), day_parameter="")


def _file(dataset: Dataset, path: str) -> Endpoint:
    return Endpoint(
        dataset.name,
        path,
        dataset,
        plan="standard",
        since=date(2016, 7, 1),
        upkeep=_daily(_EVENING, "30 18 * * 1-5"),
        volume=Volume(50, 2_000),
    )


LISTED_ISSUES_ENDPOINT = Endpoint(
    "listed_issues",
    "/equities/master",
    equities.LISTED_ISSUES,
    since=_FIRST,
    upkeep=_daily(Publication(TOKYO, time(17, 30), grace=timedelta(minutes=15)), "45 17 * * 1-5"),
    has_bulk=True,
    volume=Volume(4_400, 300, codes=4_400),
)
DAILY_BARS_ENDPOINT = Endpoint(
    "daily_bars",
    "/equities/bars/daily",
    equities.DAILY_BARS,
    since=_FIRST,
    upkeep=_by_code(_daily()),
    has_bulk=True,
    volume=Volume(4_400, 240, codes=4_400),
)
MORNING_BARS_ENDPOINT = Endpoint(
    "morning_bars",
    "/equities/bars/daily/am",
    equities.MORNING_BARS,
    plan="premium",
    upkeep=_newest(Publication(TOKYO, time(12, 0), grace=timedelta(minutes=10)), "15 12 * * 1-5"),
    volume=Volume(4_400, 150, codes=4_400),
)
MINUTE_BARS_ENDPOINT = Endpoint(
    "minute_bars",
    "/equities/bars/minute",
    equities.MINUTE_BARS,
    windows=_NESTED,
    plan=MINUTES,
    upkeep=_by_code(_daily()),
    has_bulk=True,
    is_apart=True,
    volume=Volume(700_000, 130, codes=4_400),
)
# Only as files: no path of its own can be asked for a day.
TRADES_ENDPOINT = Endpoint(
    "trades",
    "/equities/trades",
    equities.TRADES,
    plan=MINUTES,
    upkeep=_daily(day_parameter=""),
    has_bulk=True,
    volume=Volume(10_000_000, 60, codes=4_400),
)
VALUATIONS_ENDPOINT = Endpoint(
    "valuations",
    "/equities/valuation",
    equities.VALUATIONS,
    since=_FIRST,
    upkeep=_by_code(_daily()),
    has_bulk=True,
    volume=Volume(4_400, 150, codes=4_400),
)
INVESTOR_TYPES_ENDPOINT = Endpoint(
    "investor_types",
    "/equities/investor-types",
    equities.INVESTOR_TYPES,
    plan="light",
    since=date(2008, 1, 16),
    upkeep=_ranges(_EVENING, "30 18 * * 4,5"),
    has_bulk=True,
    volume=Volume(1.2, 1_500),
)
EARNINGS_CALENDAR_ENDPOINT = Endpoint(
    "earnings_calendar",
    "/equities/earnings-calendar",
    financials.EARNINGS_CALENDAR,
    upkeep=_newest(Publication(TOKYO, time(19, 0)), "30 19 * * 1-5"),
    volume=Volume(60, 200),
)
EARNINGS_DATES_ENDPOINT = Endpoint(
    "earnings_dates",
    "/fins/earnings-date",
    financials.EARNINGS_DATES,
    plan="standard",
    since=date(2014, 9, 1),
    upkeep=_daily(Publication(TOKYO, time(10, 5), grace=timedelta(minutes=25)), "30 10 * * 1-5"),
    has_bulk=True,
    volume=Volume(60, 200),
)
FINANCIAL_SUMMARIES_ENDPOINT = Endpoint(
    "financial_summaries",
    "/fins/summary",
    FINANCIAL_SUMMARIES,
    windows=_NESTED,
    since=date(2008, 7, 7),
    upkeep=_daily(_EVENING, "30 18 * * 1-5", final=Publication(TOKYO, time(0, 30), days_later=1)),
    has_bulk=True,
    live_plan="premium",
    volume=Volume(70, 3_500, codes=4_400),
)
FINANCIAL_DETAILS_ENDPOINT = Endpoint(
    "financial_details",
    "/fins/details",
    financials.FINANCIAL_DETAILS,
    windows=_NESTED,
    plan="premium",
    since=date(2009, 1, 13),
    upkeep=_daily(_EVENING, "30 18 * * 1-5", final=Publication(TOKYO, time(0, 30), days_later=1)),
    has_bulk=True,
    live_plan="premium",
    volume=Volume(60, 20_000, codes=4_400),
)
DIVIDENDS_ENDPOINT = Endpoint(
    "dividends",
    "/fins/dividend",
    financials.DIVIDENDS,
    plan="premium",
    since=date(2013, 2, 20),
    upkeep=_by_code(_daily(Publication(TOKYO, time(19, 0)), "30 19 * * 1-5")),
    has_bulk=True,
    volume=Volume(40, 500, codes=4_400),
)
TRADING_CALENDAR_ENDPOINT = Endpoint(
    "trading_calendar",
    "/markets/calendar",
    markets.TRADING_CALENDAR,
    since=date(2008, 1, 1),
    upkeep=_ranges(Publication(TOKYO, time(6, 0)), "0 6 * * *"),
    has_bulk=True,
    volume=Volume(1.5, 40),
)
MARGIN_INTEREST_ENDPOINT = Endpoint(
    "margin_interest",
    "/markets/margin-interest",
    markets.MARGIN_INTEREST,
    plan="standard",
    since=date(2012, 2, 10),
    # Weekly figures came out two business days later; daily ones come out on the next business day.
    upkeep=_by_code(_daily(Publication(TOKYO, time(16, 30), days_later=1), daily_since=date(2026, 9, 25))),
    has_bulk=True,
    volume=Volume(4_400, 200, codes=4_400),
)
MARGIN_ALERTS_ENDPOINT = Endpoint(
    "margin_alerts",
    "/markets/margin-alert",
    markets.MARGIN_ALERTS,
    plan="standard",
    since=date(2008, 5, 8),
    upkeep=_by_code(_daily()),
    has_bulk=True,
    volume=Volume(100, 600, codes=4_400),
)
SHORT_RATIOS_ENDPOINT = Endpoint(
    "short_ratios",
    "/markets/short-ratio",
    markets.SHORT_RATIOS,
    plan="standard",
    since=date(2008, 11, 5),
    upkeep=_by_code(_daily(), "s33", of_issues=False),
    has_bulk=True,
    volume=Volume(34, 150, codes=34),
)
SHORT_SALE_REPORTS_ENDPOINT = Endpoint(
    "short_sale_reports",
    "/markets/short-sale-report",
    markets.SHORT_SALE_REPORTS,
    plan="standard",
    since=date(2013, 11, 7),
    upkeep=_by_code(
        _daily(Publication(TOKYO, time(17, 30)), "0 18 * * 1-5", day_parameter="disc_date"),
        first="disc_date_from",
        last="disc_date_to",
    ),
    has_bulk=True,
    volume=Volume(250, 700, codes=4_400),
)
BREAKDOWNS_ENDPOINT = Endpoint(
    "breakdowns",
    "/markets/breakdown",
    markets.BREAKDOWNS,
    plan="premium",
    since=date(2015, 4, 1),
    upkeep=_by_code(_daily(_EVENING, "30 18 * * 1-5")),
    has_bulk=True,
    volume=Volume(4_400, 400, codes=4_400),
)
INDEX_BARS_ENDPOINT = Endpoint(
    "index_bars",
    "/indices/bars/daily",
    markets.INDEX_BARS,
    plan="standard",
    since=_FIRST,
    upkeep=_by_code(_daily(), of_issues=False),
    has_bulk=True,
    volume=Volume(80, 110, codes=80),
)
TOPIX_BARS_ENDPOINT = Endpoint(
    "topix_bars",
    "/indices/bars/daily/topix",
    markets.TOPIX_BARS,
    plan="light",
    since=_FIRST,
    upkeep=_ranges(_AFTERNOON, "0 17 * * 1-5"),
    has_bulk=True,
    volume=Volume(1, 90),
)
_AT_THREE = Publication(TOKYO, time(3, 0), days_later=1)
FUTURES_BARS_ENDPOINT = Endpoint(
    "futures_bars",
    "/derivatives/bars/daily/futures",
    derivatives.FUTURES_BARS,
    plan="premium",
    since=_FIRST,
    upkeep=_daily(_AT_THREE, "30 3 * * 2-6"),
    has_bulk=True,
    volume=Volume(250, 700),
)
OPTIONS_BARS_ENDPOINT = Endpoint(
    "options_bars",
    "/derivatives/bars/daily/options",
    derivatives.OPTIONS_BARS,
    plan="premium",
    since=_FIRST,
    upkeep=_daily(_AT_THREE, "30 3 * * 2-6"),
    has_bulk=True,
    volume=Volume(4_000, 750),
)
INDEX_OPTION_BARS_ENDPOINT = Endpoint(
    "index_option_bars",
    "/derivatives/bars/daily/options/225",
    derivatives.INDEX_OPTION_BARS,
    plan="standard",
    since=_FIRST,
    upkeep=_daily(_AT_THREE, "30 3 * * 2-6"),
    has_bulk=True,
    volume=Volume(3_000, 700),
)
DISCLOSURES_ENDPOINT = Endpoint(
    "disclosures",
    "/td/list",
    disclosures.DISCLOSURES,
    windows=(Window(100, 60),),
    plan=TDNET,
    upkeep=_daily(_EVENING, "30 18 * * 1-5", final=Publication(TOKYO, time(0, 30), days_later=1)),
    volume=Volume(250, 400),
    is_apart=True,
    live_plan=TDNET,
)

JQUANTS = SourceSpec(
    code="jquants",
    name="J-Quants",
    description="Japanese equities, indices and derivatives; for personal use only",
    provider_type="jquants",
    base_url="https://api.jquants.com/v2",
    api_version="v2",
    windows=PLANS["free"].windows,
    endpoints=(
        LISTED_ISSUES_ENDPOINT,
        TRADING_CALENDAR_ENDPOINT,
        DAILY_BARS_ENDPOINT,
        MORNING_BARS_ENDPOINT,
        MINUTE_BARS_ENDPOINT,
        TRADES_ENDPOINT,
        VALUATIONS_ENDPOINT,
        INVESTOR_TYPES_ENDPOINT,
        EARNINGS_CALENDAR_ENDPOINT,
        EARNINGS_DATES_ENDPOINT,
        FINANCIAL_SUMMARIES_ENDPOINT,
        FINANCIAL_DETAILS_ENDPOINT,
        DIVIDENDS_ENDPOINT,
        MARGIN_INTEREST_ENDPOINT,
        MARGIN_ALERTS_ENDPOINT,
        SHORT_RATIOS_ENDPOINT,
        SHORT_SALE_REPORTS_ENDPOINT,
        BREAKDOWNS_ENDPOINT,
        INDEX_BARS_ENDPOINT,
        TOPIX_BARS_ENDPOINT,
        FUTURES_BARS_ENDPOINT,
        OPTIONS_BARS_ENDPOINT,
        INDEX_OPTION_BARS_ENDPOINT,
        _file(disclosures.MAJOR_SHAREHOLDERS, "/edinet/major-shareholders"),
        _file(disclosures.CROSS_SHAREHOLDINGS, "/edinet/cross-shareholdings"),
        _file(disclosures.LARGE_SHAREHOLDINGS, "/edinet/large-volume-shareholders"),
        DISCLOSURES_ENDPOINT,
    ),
    needs_credential=True,
    silences=SilenceRule((60.0, 120.0, 330.0), first_jitter_s=10.0),
    plans=tuple(PLANS.values()),
    add_ons=(MINUTES, TDNET),
)
