"""What our client reads of each endpoint is what the vendor's own client reads: row by row, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from datasources.jquants.endpoints import JQUANTS
from datasources.simulators.jquants import JQuantsSimulator
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Batch
from tests.datasources.support import KEY, jquants_client, simulate_jquants
from tests.support.official_calls import DAY, QUESTIONS, framed, in_order
from tests.support.official_client import official_client

# The vendor's client sorts its frames in a way that pandas is about to retire.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")

PAGE_BYTES = 10_000


@pytest.fixture(scope="module")
def simulator() -> Iterator[JQuantsSimulator]:
    today = date.fromisoformat(DAY)
    addons = ("minute", "tdnet")
    with simulate_jquants("premium", issues=60, page_bytes=PAGE_BYTES, today=today, addons=addons) as simulator:
        yield simulator


def ours(simulator: JQuantsSimulator, name: str) -> Batch:
    client = jquants_client(simulator.base_url)
    try:
        return client.fetch_data(JQUANTS.endpoint(name), dict(QUESTIONS[name].ours), CancelToken())
    finally:
        client.close()


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_our_rows_are_those_of_the_official_client(
    simulator: JQuantsSimulator, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = official_client(simulator.base_url, KEY, monkeypatch)

    batch = ours(simulator, name)

    theirs = framed(batch.dataset, QUESTIONS[name].theirs(vendor))
    vendor._request_session().close()
    assert batch.rows
    assert batch.pages > 1 or batch.bytes <= PAGE_BYTES or name == "trading_calendar"
    assert in_order(batch.dataset, [row[:-1] for row in batch.rows]) == in_order(batch.dataset, theirs)
    assert batch.warnings == {}


def test_every_endpoint_that_can_be_asked_is_compared() -> None:
    only_as_files = {"trades"}
    assert set(QUESTIONS) == {endpoint.name for endpoint in JQUANTS.endpoints} - only_as_files


def test_an_undecided_date_is_null(simulator: JQuantsSimulator) -> None:
    client = jquants_client(simulator.base_url)
    rows = client.fetch_data(JQUANTS.endpoint("earnings_dates"), {"date": "2026-10-21"}, CancelToken()).rows
    client.close()

    scheduled = {row[JQUANTS.endpoint("earnings_dates").dataset.column_names.index("scheduled_on")] for row in rows}
    assert scheduled <= {None, *(date(2026, month, day) for month in (10, 11, 12) for day in range(1, 31))}
