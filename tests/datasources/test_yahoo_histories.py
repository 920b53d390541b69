"""Twenty years of real index history go through the Yahoo client unchanged."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from datetime import datetime
from pathlib import Path

import pytest

from datasources.simulators.yahoo import Bar, YahooSimulator
from datasources.yahoo import YAHOO_BARS_ENDPOINT, YahooChart
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import RecordedEvents

COLUMNS = ("Open", "High", "Low", "Close", "Adj Close", "Volume")


def history(name: str) -> list[Bar]:
    """The daily history that the package `arch` carries, read as a file."""
    spec = importlib.util.find_spec("arch")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package arch, which carries the histories, is not installed")
    path = Path(spec.submodule_search_locations[0]) / "data" / name / f"{name}.csv.gz"
    with gzip.open(path, "rt") as lines:
        return [
            Bar(
                datetime.strptime(line["Date"], "%m/%d/%Y").date(),
                *(float(line[column]) for column in COLUMNS),
            )
            for line in csv.DictReader(lines)
        ]


@pytest.mark.parametrize(("symbol", "name"), [("^GSPC", "sp500"), ("^IXIC", "nasdaq")])
def test_every_row_of_a_history_comes_back_equal(symbol: str, name: str) -> None:
    bars, clock = history(name), SystemClock()
    with YahooSimulator({symbol: bars}) as simulator:
        client = YahooChart(simulator.url, OpenGate(clock), clock, RecordedEvents())

        parameters = {"symbol": symbol, "from": "1999-01-04", "to": "2018-12-31"}
        batch = client.fetch_data(YAHOO_BARS_ENDPOINT, parameters, CancelToken())
        client.close()

    expected = [
        (symbol, bar.on_date, bar.open, bar.high, bar.low, bar.close, bar.adjusted_close, bar.volume) for bar in bars
    ]
    assert [row[:8] for row in batch.rows] == expected
    assert len(batch.rows) == 5031
    assert batch.warnings == {}
