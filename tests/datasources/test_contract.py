"""The contract of sources, run for each of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from datasources.simulators.yahoo import YahooSimulator
from datasources.yahoo import YahooChart
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.source import DataSource
from moomarkets.testing.data_source_contract import DataSourceContract
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import (
    KEY,
    MAIL,
    PASSWORD,
    RecordedEvents,
    jquants_client,
    jquants_v1_client,
    simulate_jquants,
)


class TestJQuants(DataSourceContract):
    endpoint = "daily_bars"
    request = {"date": "2026-11-20"}  # noqa: RUF012 - as the contract has it
    empty_request = {"date": "2026-11-21"}  # noqa: RUF012
    secrets = (KEY,)

    @contextmanager
    def simulator(self) -> Iterator[str]:
        with simulate_jquants(page_bytes=700) as simulator:
            yield simulator.base_url

    def open(self, base_url: str, gate: OpenGate, clock: SystemClock) -> DataSource:
        return jquants_client(base_url, gate)


class TestJQuantsV1(DataSourceContract):
    endpoint = "daily_bars"
    request = {"date": "2026-11-20"}  # noqa: RUF012
    empty_request = {"date": "2026-11-21"}  # noqa: RUF012
    secrets = (PASSWORD, MAIL)

    @contextmanager
    def simulator(self) -> Iterator[str]:
        with simulate_jquants(page_bytes=700) as simulator:
            yield simulator.v1_url

    def open(self, base_url: str, gate: OpenGate, clock: SystemClock) -> DataSource:
        return jquants_v1_client(base_url, gate)


class TestYahoo(DataSourceContract):
    endpoint = "yahoo_daily_bars"
    request = {"symbol": "AAPL", "from": "2026-10-01", "to": "2026-10-31"}  # noqa: RUF012
    empty_request = {"symbol": "AAPL", "from": "2026-10-03", "to": "2026-10-04"}  # noqa: RUF012

    @contextmanager
    def simulator(self) -> Iterator[str]:
        with YahooSimulator() as simulator:
            yield simulator.url

    def open(self, base_url: str, gate: OpenGate, clock: SystemClock) -> DataSource:
        return YahooChart(base_url, gate, clock, RecordedEvents())
