"""The simulator in front of the vendor's own client: what it reads and what ours reads are the same."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest

from datasources.jquants.endpoints import (
    DAILY_BARS_ENDPOINT,
    LISTED_ISSUES_ENDPOINT,
    TRADING_CALENDAR_ENDPOINT,
)
from datasources.simulators.jquants import JQuantsSimulator
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.limits import Window
from moomarkets.domain.source import Endpoint
from tests.datasources.support import KEY, jquants_client

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    jquantsapi = pytest.importorskip("jquantsapi")
    requests = pytest.importorskip("requests")

# The vendor's client sorts its frames in a way that pandas is about to retire.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")

TODAY = date(2026, 11, 20)


def simulate(plan: str = "light", **options: Any) -> JQuantsSimulator:
    return JQuantsSimulator(plan, [KEY], **{"today": TODAY, "issues": 9, "limit": Window(1000, 60), **options})


@pytest.fixture
def simulator() -> Iterator[JQuantsSimulator]:
    with simulate(page_bytes=700) as simulator:
        yield simulator


@pytest.fixture
def vendor(simulator: JQuantsSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield from vendor_client(simulator, monkeypatch)


def vendor_client(simulator: JQuantsSimulator, monkeypatch: pytest.MonkeyPatch, key: str = KEY) -> Iterator[Any]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    client = jquantsapi.ClientV2(api_key=key)
    client.JQUANTS_API_BASE = simulator.base_url
    yield client
    client._request_session().close()


def ours(simulator: JQuantsSimulator, endpoint: Endpoint, **parameters: str) -> list[tuple[object, ...]]:
    client = jquants_client(simulator.base_url)
    named = {name.rstrip("_"): value for name, value in parameters.items()}
    try:
        return client.fetch_data(endpoint, named, CancelToken()).rows
    finally:
        client.close()


def theirs(frame: Any, endpoint: Endpoint) -> list[tuple[object, ...]]:
    """The vendor's frame in the order and types of our rows."""
    columns = endpoint.dataset.columns[:-1]
    found = []
    for record in frame.to_dict("records"):
        values = [record[column.field] for column in columns]
        found.append((*map(_plain, values), None))
    return found


def _plain(value: Any) -> object:
    if hasattr(value, "date"):
        return value.date()
    if isinstance(value, float) and math.isnan(value):
        return None
    return float(value) if isinstance(value, int) else value


def test_bars_of_a_day_are_equal_over_several_pages(simulator: JQuantsSimulator, vendor: Any) -> None:
    frame = vendor.get_eq_bars_daily(date_yyyymmdd="2026-11-20")

    rows = ours(simulator, DAILY_BARS_ENDPOINT, date="2026-11-20")

    assert frame.shape == (8, 16)
    assert len(simulator.ledger.entries()) > 4
    assert sorted(map(str, rows)) == sorted(map(str, theirs(frame, DAILY_BARS_ENDPOINT)))


def test_bars_of_an_issue_are_equal(simulator: JQuantsSimulator, vendor: Any) -> None:
    frame = vendor.get_eq_bars_daily(code="99010", from_yyyymmdd="2026-09-01", to_yyyymmdd="2026-11-20")

    rows = ours(simulator, DAILY_BARS_ENDPOINT, code="9901", from_="20260901", to="20261120")

    assert frame.shape == (54, 16)
    assert sorted(map(str, rows)) == sorted(map(str, theirs(frame, DAILY_BARS_ENDPOINT)))


def test_issues_are_equal(simulator: JQuantsSimulator, vendor: Any) -> None:
    frame = vendor.get_eq_master(date="2026-11-20")

    rows = ours(simulator, LISTED_ISSUES_ENDPOINT, date="2026-11-20")

    assert frame.shape == (8, 14)
    assert sorted(map(str, rows)) == sorted(map(str, theirs(frame, LISTED_ISSUES_ENDPOINT)))
    assert vendor.get_list().shape == (8, 17)
    assert vendor.get_eq_master(code="990A0").shape == (1, 14)


def test_the_calendar_is_equal(simulator: JQuantsSimulator, vendor: Any) -> None:
    frame = vendor.get_mkt_calendar(from_yyyymmdd="20261101", to_yyyymmdd="20261130")

    rows = ours(simulator, TRADING_CALENDAR_ENDPOINT, from_="2026-11-01", to="2026-11-30")

    assert frame.shape == (30, 2)
    assert sorted(map(str, rows)) == sorted(map(str, theirs(frame, TRADING_CALENDAR_ENDPOINT)))
    only_open = vendor.get_mkt_calendar(holiday_division="1", from_yyyymmdd="20261101", to_yyyymmdd="20261130")
    assert only_open.shape == (19, 2)


def test_the_fields_are_those_that_the_vendor_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    from jquantsapi import constants

    with simulate("premium") as simulator:
        for vendor in vendor_client(simulator, monkeypatch):
            bars = vendor.get_eq_bars_daily(date_yyyymmdd="2026-11-20")
            issues = vendor.get_eq_master()

    assert list(bars.columns) == constants.EQ_BARS_DAILY_COLUMNS_V2
    assert list(issues.columns) == constants.EQ_MASTER_COLUMNS_V2


def test_a_saturday_is_empty(simulator: JQuantsSimulator, vendor: Any) -> None:
    assert vendor.get_eq_bars_daily(date_yyyymmdd="2026-11-21").empty
    assert ours(simulator, DAILY_BARS_ENDPOINT, date="2026-11-21") == []


def test_a_week_by_range_is_five_days(simulator: JQuantsSimulator, vendor: Any) -> None:
    frame = vendor.get_eq_bars_daily_range("2026-11-14", "2026-11-20")

    assert len(frame) == 40


@pytest.mark.parametrize(
    ("call", "status", "text"),
    [
        (lambda vendor: vendor.get_eq_bars_daily(), 400, "at least 1 parameter"),
        (lambda vendor: vendor.get_eq_bars_daily(date_yyyymmdd="20240230"), 400, "must be a date"),
        (lambda vendor: vendor.get_eq_bars_daily(date_yyyymmdd="20150105"), 400, "2021-11-20 ~"),
        (
            lambda vendor: vendor.get_mkt_short_ratio(sector_33_code="0050"),
            403,
            "not available on your subscription",
        ),
    ],
)
def test_the_vendor_understands_a_refusal(vendor: Any, call: Any, status: int, text: str) -> None:
    with pytest.raises(requests.exceptions.HTTPError, match=text) as caught:
        call(vendor)

    assert caught.value.response.status_code == status


def test_a_bad_key_is_a_403(simulator: JQuantsSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in vendor_client(simulator, monkeypatch, key="bad"):
        with pytest.raises(requests.exceptions.HTTPError, match="api key is invalid"):
            vendor.get_eq_master()


def test_status_210_is_an_empty_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    with simulate("premium", today=datetime.fromisoformat("2026-11-20T11:59:00+09:00")) as simulator:
        for vendor in vendor_client(simulator, monkeypatch):
            assert vendor.get_eq_bars_daily_am().empty
