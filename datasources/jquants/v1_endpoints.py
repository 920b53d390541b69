"""J-Quants V1 as data: the protocol of a service that has ended, kept for gateways that speak it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from datasources.jquants import endpoints as v2
from datasources.jquants import v1_fields as names
from moomarkets.domain.limits import Window
from moomarkets.domain.source import Endpoint, SourceSpec


@dataclass(frozen=True, slots=True)
class Shape:
    """How V1 answers an endpoint: under which name its rows lie, and what V2 calls their fields.

    What V2 sends beyond these fields V1 never had; it is null in rows that come from here.
    """

    endpoint: Endpoint
    envelope: str
    names: Mapping[str, str]


def _shape(endpoint: Endpoint, path: str, names: Mapping[str, str], envelope: str = "") -> Shape:
    old = replace(endpoint, path=path, windows=(), plan="", has_bulk=False, live_plan="")
    return Shape(old, envelope or path.rpartition("/")[2], names)


SHAPES = {
    shape.endpoint.name: shape
    for shape in (
        _shape(v2.LISTED_ISSUES_ENDPOINT, "/listed/info", names.LISTED_ISSUES_NAMES),
        _shape(v2.TRADING_CALENDAR_ENDPOINT, "/markets/trading_calendar", names.TRADING_CALENDAR_NAMES),
        _shape(v2.DAILY_BARS_ENDPOINT, "/prices/daily_quotes", names.DAILY_BARS_NAMES),
        _shape(v2.MORNING_BARS_ENDPOINT, "/prices/prices_am", names.MORNING_BARS_NAMES),
        _shape(v2.EARNINGS_CALENDAR_ENDPOINT, "/fins/announcement", names.EARNINGS_CALENDAR_NAMES),
        _shape(v2.FINANCIAL_SUMMARIES_ENDPOINT, "/fins/statements", names.FINANCIAL_SUMMARIES_NAMES),
        _shape(v2.FINANCIAL_DETAILS_ENDPOINT, "/fins/fs_details", names.FINANCIAL_DETAILS_NAMES),
        _shape(v2.DIVIDENDS_ENDPOINT, "/fins/dividend", names.DIVIDENDS_NAMES),
        _shape(v2.MARGIN_INTEREST_ENDPOINT, "/markets/weekly_margin_interest", names.MARGIN_INTEREST_NAMES),
        _shape(v2.SHORT_RATIOS_ENDPOINT, "/markets/short_selling", names.SHORT_RATIOS_NAMES),
        _shape(v2.BREAKDOWNS_ENDPOINT, "/markets/breakdown", names.BREAKDOWNS_NAMES),
        _shape(v2.INDEX_BARS_ENDPOINT, "/indices", names.INDEX_BARS_NAMES),
        _shape(v2.TOPIX_BARS_ENDPOINT, "/indices/topix", names.TOPIX_BARS_NAMES),
    )
}
"""By the name of the endpoint."""

QUIET = frozenset({"morning_bars"})
"""Endpoints that answer with a message alone while there is nothing."""

LOGIN_ENDPOINT = replace(v2.TRADING_CALENDAR_ENDPOINT, name="token_auth_user", path="/token/auth_user", method="POST")
REFRESH_ENDPOINT = replace(LOGIN_ENDPOINT, name="token_auth_refresh", path="/token/auth_refresh")
"""Where tokens come from: no data, but requests like any other, which need their permits."""

JQUANTS_V1 = SourceSpec(
    code="jquants-v1",
    name="J-Quants V1",
    description="The protocol of J-Quants V1, for gateways that speak it; the service ended 2026-06-01",
    provider_type="jquants",
    base_url="https://api.jquants.com/v1",
    api_version="v1",
    # Never published; a minute's worth that the service is known to have borne.
    windows=(Window(60, 60),),
    endpoints=tuple(shape.endpoint for shape in SHAPES.values()),
    needs_credential=True,
    credential_fields=("mailaddress", "password"),
    is_on_by_default=False,
)
