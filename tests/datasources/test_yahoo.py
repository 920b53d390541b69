"""The Yahoo client against samples, oddities and its simulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from datasources.simulators.faults import Answer, Fault
from datasources.simulators.server import Simulator, json_answer
from datasources.simulators.yahoo import YahooSimulator
from datasources.yahoo import YAHOO_BARS_ENDPOINT, YahooChart
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import RateLimited, Reason, SourceError
from moomarkets.domain.limits import Window
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import SAMPLES, RecordedEvents, ScriptedProvider, sample

NOVEMBER = {"symbol": "AAPL", "from": "2026-11-16", "to": "2026-11-20"}
WEEK = {"symbol": "9901.T", "from": "2026-09-28", "to": "2026-10-05"}


@pytest.fixture
def simulator() -> Iterator[YahooSimulator]:
    with YahooSimulator(today=date(2026, 12, 1)) as simulator:
        yield simulator


def fetch(
    provider: Simulator, parameters: dict[str, str], gate: OpenGate | None = None, clock: Clock | None = None
) -> Batch:
    clock = clock or SystemClock()
    client = YahooChart(provider.url, gate or OpenGate(clock), clock, RecordedEvents())
    try:
        return client.fetch_data(YAHOO_BARS_ENDPOINT, parameters, CancelToken())
    finally:
        client.close()


def from_result(change: Any = None, parameters: dict[str, str] = WEEK, clock: Clock | None = None) -> Batch:
    status, body = sample("yahoo_chart_ok")
    if change is not None:
        change(body["chart"]["result"][0])
    with ScriptedProvider(lambda question: json_answer(status, body)) as provider:
        return fetch(provider, parameters, clock=clock)


def refusal(answer: Answer) -> SourceError:
    with ScriptedProvider(lambda question: answer) as provider, pytest.raises(SourceError) as caught:
        fetch(provider, NOVEMBER)
    return caught.value


def test_the_sample_is_read_with_its_events_by_date() -> None:
    batch = from_result()

    by_day = {row[1]: row for row in batch.rows}
    assert sorted(by_day) == [
        date(2026, 9, 28),
        date(2026, 9, 29),
        date(2026, 10, 1),
        date(2026, 10, 2),
        date(2026, 10, 5),
    ]
    assert by_day[date(2026, 9, 28)][2:6] == (1155.825, 1190.85, 1132.475, 1167.5)
    assert by_day[date(2026, 9, 29)][8:11] == (30.0, None, None)
    assert by_day[date(2026, 10, 1)][8:11] == (None, 2.0, None)
    assert {row[11] for row in batch.rows} == {"JPY"}
    assert batch.warnings == {"null_rows": 1}


def test_rows_outside_the_asked_dates_are_dropped() -> None:
    batch = from_result(parameters={"symbol": "9901.T", "from": "2026-09-29", "to": "2026-10-01"})

    assert [row[1] for row in batch.rows] == [date(2026, 9, 29), date(2026, 10, 1)]


def test_the_row_of_a_session_that_goes_on_is_dropped() -> None:
    clock = ManualClock(datetime(2026, 10, 5, 3, tzinfo=UTC))

    def change(result: dict[str, Any]) -> None:
        result["meta"]["currentTradingPeriod"]["regular"] = {"start": 1791158400, "end": 1791181800}

    batch = from_result(change, clock=clock)

    assert max(row[1] for row in batch.rows) == date(2026, 10, 2)  # type: ignore[type-var]
    assert batch.warnings == {"null_rows": 1, "live_rows": 1}


def test_a_symbol_without_rows_in_that_time_is_an_empty_success() -> None:
    def change(result: dict[str, Any]) -> None:
        del result["timestamp"]
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}

    assert from_result(change).rows == []


def test_an_event_on_a_day_without_a_row_is_counted() -> None:
    def change(result: dict[str, Any]) -> None:
        result["events"]["capitalGains"] = {"1": {"amount": 1.5, "date": 1790985600}}

    assert from_result(change).warnings == {"null_rows": 1, "orphan_events": 1}


def test_odd_values_become_none_and_are_counted() -> None:
    def change(result: dict[str, Any]) -> None:
        quote = result["indicators"]["quote"][0]
        quote["close"][0] = "n/a"
        quote["unknown"] = [1.0] * 6
        result["events"]["splits"]["1790812800"]["denominator"] = 0

    batch = from_result(change)

    assert batch.rows[0][5] is None
    assert batch.rows[0][-1] == {"unknown": 1.0}
    assert batch.warnings == {"null_rows": 1, "odd_numbers": 2}


@pytest.mark.parametrize(
    "change",
    [
        lambda result: result.pop("meta"),
        lambda result: result.pop("indicators"),
        lambda result: result["indicators"]["quote"][0].pop("open"),
        lambda result: result["indicators"]["quote"][0]["open"].pop(),
        lambda result: result["indicators"]["quote"][0].update(open=None),
        lambda result: result["meta"].update(exchangeTimezoneName="Mars/Olympus"),
        lambda result: result["meta"].update(exchangeTimezoneName="../../etc/passwd"),
        lambda result: result.update(timestamp=["soon"]),
        lambda result: result.update(timestamp=[10**40]),
        lambda result: result.update(events=[1]),
    ],
)
def test_another_shape_is_a_schema_error(change: Any) -> None:
    with pytest.raises(SourceError) as caught:
        from_result(change)

    assert caught.value.reason is Reason.SCHEMA


def test_an_unknown_symbol_is_invalid_and_says_why() -> None:
    error = refusal(json_answer(*sample("yahoo_chart_404")))

    assert (error.reason, error.status) == (Reason.INVALID, 404)
    assert error.detail == "No data found, symbol may be delisted"


def test_a_429_in_plain_text_silences_the_source() -> None:
    answer, gate = Answer(429, (SAMPLES / "yahoo_429.txt").read_bytes(), "text/plain"), OpenGate()

    with ScriptedProvider(lambda question: answer) as provider, pytest.raises(RateLimited):
        fetch(provider, NOVEMBER, gate)

    assert gate.silences == [None]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(500, b"oops"), Reason.UPSTREAM),
        (Answer(422, b"{}"), Reason.INVALID),
        (Answer(401, b"{}"), Reason.AUTH),
        (Answer(200, b"<html>"), Reason.MALFORMED),
        (Answer(200, b"[]"), Reason.SCHEMA),
        (Answer(200, b'{"chart":{"result":null}}'), Reason.SCHEMA),
        (Answer(200, b'{"chart":{"result":[7]}}'), Reason.SCHEMA),
        (Answer(200, b'{"chart":{"error":{"code":"Bad"}}}'), Reason.INVALID),
    ],
)
def test_a_refusal_has_its_reason(answer: Answer, reason: Reason) -> None:
    assert refusal(answer).reason is reason


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"symbol": "a b"},
        {"symbol": "../v1"},
        {"symbol": "AAPL", "from": "soon"},
        {"symbol": "AAPL", "from": "2026-11-20", "to": "2026-11-19"},
    ],
)
def test_a_question_without_sense_is_not_sent(simulator: YahooSimulator, parameters: dict[str, str]) -> None:
    with pytest.raises(SourceError) as caught:
        fetch(simulator, parameters)

    assert caught.value.reason is Reason.INVALID
    assert simulator.ledger.entries() == []


def test_the_symbol_is_percent_encoded(simulator: YahooSimulator) -> None:
    batch = fetch(simulator, {**NOVEMBER, "symbol": "^GSPC"})

    assert simulator.ledger.entries()[0].target.startswith("/v8/finance/chart/%5EGSPC?period1=")
    assert len(batch.rows) == 5


def test_both_ends_of_the_range_are_included(simulator: YahooSimulator) -> None:
    batch = fetch(simulator, NOVEMBER)

    assert [row[1] for row in batch.rows] == [date(2026, 11, day) for day in range(16, 21)]
    assert {row[11] for row in batch.rows} == {"USD"}


def test_a_row_after_the_range_is_dropped() -> None:
    with YahooSimulator(today=date(2026, 12, 1), live_row=True) as simulator:
        assert len(fetch(simulator, NOVEMBER).rows) == 5
        assert simulator.ledger.entries()[0].rows == 6


def test_events_of_the_simulator_are_joined(simulator: YahooSimulator) -> None:
    batch = fetch(simulator, {"symbol": "NVDA", "from": "2021-05-01", "to": "2021-08-31"})

    by_day = {row[1]: row for row in batch.rows}
    assert by_day[date(2021, 7, 20)][9] == 4.0
    assert [day for day, row in by_day.items() if row[8] is not None] == [
        date(2021, 5, 12),
        date(2021, 8, 11),
    ]


def test_the_limit_of_the_simulator_answers_429() -> None:
    with YahooSimulator(today=date(2026, 12, 1), limit=Window(1, 60)) as simulator:
        fetch(simulator, NOVEMBER)

        with pytest.raises(RateLimited):
            fetch(simulator, NOVEMBER)


def test_a_fault_of_the_simulator_is_over_afterwards(simulator: YahooSimulator) -> None:
    simulator.faults.add(Fault("drop"))

    with pytest.raises(SourceError) as caught:
        fetch(simulator, NOVEMBER)

    assert caught.value.reason is Reason.UPSTREAM
    assert len(fetch(simulator, NOVEMBER).rows) == 5
