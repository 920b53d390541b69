"""Bars within a day, against the simulator and against odd answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from datasources.simulators.server import Simulator, json_answer
from datasources.simulators.yahoo import YahooSimulator
from datasources.yahoo import YAHOO_BARS_ENDPOINT, YAHOO_INTRADAY_ENDPOINT, YahooChart
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.domain.source import Endpoint
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import RecordedEvents, ScriptedProvider

EVENING = datetime(2026, 11, 20, 23, tzinfo=UTC)
DAY = {"symbol": "AAPL", "interval": "5m", "from": "2026-11-20", "to": "2026-11-20"}


@pytest.fixture
def simulator() -> Iterator[YahooSimulator]:
    with YahooSimulator(clock=ManualClock(EVENING)) as simulator:
        yield simulator


def fetch(
    provider: Simulator,
    parameters: dict[str, str],
    endpoint: Endpoint = YAHOO_INTRADAY_ENDPOINT,
    clock: Clock | None = None,
) -> Batch:
    clock = clock or ManualClock(EVENING)
    client = YahooChart(provider.url, OpenGate(clock), clock, RecordedEvents())
    try:
        return client.fetch_data(endpoint, parameters, CancelToken())
    finally:
        client.close()


def minutes(stamps: list[int], **columns: Any) -> Any:
    values: dict[str, Any] = {name: [1.0] * len(stamps) for name in ("open", "high", "low", "close", "volume")}
    meta = {"exchangeTimezoneName": "America/New_York", "currency": "USD"}
    result = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [{**values, **columns}]}}
    return {"chart": {"result": [result], "error": None}}


def refusal(provider: Simulator, **changes: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch(provider, {**DAY, **changes})
    return caught.value


def test_a_day_has_its_bars_from_the_opening_to_the_close(simulator: YahooSimulator) -> None:
    rows = fetch(simulator, DAY).rows

    opening = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert [row[2] for row in rows] == [opening + timedelta(minutes=5 * step) for step in range(78)]
    assert {row[:2] for row in rows} == {("AAPL", "5m")}
    assert {row[3] for row in rows} == {date(2026, 11, 20)}


def test_the_bars_of_a_day_agree_with_its_daily_bar(simulator: YahooSimulator) -> None:
    rows = fetch(simulator, DAY).rows
    ((_, _, opening, high, low, close, *_),) = fetch(simulator, DAY, YAHOO_BARS_ENDPOINT).rows

    assert (rows[0][4], rows[-1][7]) == (opening, close)
    assert max(row[5] for row in rows) <= high  # type: ignore[type-var, operator]
    assert min(row[6] for row in rows) >= low  # type: ignore[type-var, operator]


def test_a_bar_that_is_not_over_and_the_newest_price_are_left_out() -> None:
    stamps = [1795185000, 1795185060, 1795185090]
    clock = ManualClock(datetime.fromtimestamp(1795185119, UTC))
    with ScriptedProvider(lambda question: json_answer(200, minutes(stamps))) as provider:
        batch = fetch(provider, {**DAY, "interval": "1m"}, clock=clock)

    assert [row[2] for row in batch.rows] == [datetime.fromtimestamp(1795185000, UTC)]
    assert batch.warnings == {"live_rows": 2}


def test_a_minute_without_a_trade_has_no_row(simulator: YahooSimulator) -> None:
    batch = fetch(simulator, {**DAY, "interval": "1m"})

    assert len(batch.rows) + batch.warnings["null_rows"] == 390
    assert batch.warnings["null_rows"] > 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interval": "5m", "from": "2026-08-03", "to": "2026-08-07"}, "within the last 60 days"),
        ({"interval": "1m", "from": "2026-11-09", "to": "2026-11-20"}, "Only 8 days worth"),
    ],
)
def test_what_the_service_has_forgotten_is_refused_in_its_words(
    simulator: YahooSimulator, changes: dict[str, str], words: str
) -> None:
    error = refusal(simulator, **changes)

    assert error.reason is Reason.INVALID
    assert words in str(error)


def test_an_interval_that_does_not_exist_is_refused_before_anything_is_sent(simulator: YahooSimulator) -> None:
    error = refusal(simulator, interval="7m")

    assert "interval: expected one of 1m, 5m, 15m, 30m, 60m" in str(error)
    assert simulator.ledger.entries() == []


def test_an_answer_in_another_shape_is_named() -> None:
    body = minutes([1795185000], close=[])
    with ScriptedProvider(lambda question: json_answer(200, body)) as provider:
        assert refusal(provider).reason is Reason.SCHEMA
