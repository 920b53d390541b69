"""Today's disclosures: after the first look only what is newer comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from datasources.jquants.endpoints import DISCLOSURES_ENDPOINT, FINANCIAL_SUMMARIES_ENDPOINT
from datasources.simulators.jquants import JQuantsSimulator
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Batch
from moomarkets.domain.source import Endpoint
from tests.datasources.support import RecordedEvents, jquants_client, simulate_jquants

DAY = {"date": "2026-11-12"}
NOON, EVENING = (datetime(2026, 11, 12, hour, tzinfo=UTC) for hour in (4, 12))


@pytest.fixture
def simulator() -> Iterator[JQuantsSimulator]:
    with simulate_jquants("premium", today=NOON, issues=400, page_bytes=6000, addons=("tdnet",)) as simulator:
        yield simulator


def fetch(
    simulator: JQuantsSimulator, endpoint: Endpoint, cursor: str = "", events: RecordedEvents | None = None
) -> Batch:
    client = jquants_client(simulator.base_url, events=events)
    try:
        return client.fetch_data(endpoint, {**DAY, "cursor": cursor}, CancelToken())
    finally:
        client.close()


@pytest.mark.parametrize("endpoint", [FINANCIAL_SUMMARIES_ENDPOINT, DISCLOSURES_ENDPOINT])
def test_with_the_cursor_only_newer_rows_come(simulator: JQuantsSimulator, endpoint: Endpoint) -> None:
    earlier = fetch(simulator, endpoint)
    simulator.clock.set(EVENING)

    newer = fetch(simulator, endpoint, earlier.cursor)
    whole = fetch(simulator, endpoint)

    assert earlier.rows
    assert newer.rows
    assert sorted(map(str, [*earlier.rows, *newer.rows])) == sorted(map(str, whole.rows))
    assert (earlier.continues, newer.continues) == (False, True)
    assert newer.cursor
    assert whole.pages > 1


def test_nothing_newer_is_an_empty_batch_that_continues(simulator: JQuantsSimulator) -> None:
    cursor = fetch(simulator, FINANCIAL_SUMMARIES_ENDPOINT).cursor

    again = fetch(simulator, FINANCIAL_SUMMARIES_ENDPOINT, cursor)

    assert (again.rows, again.continues, again.cursor) == ([], True, cursor)


def test_a_cursor_that_is_refused_falls_back_to_the_whole_day(simulator: JQuantsSimulator) -> None:
    events = RecordedEvents()

    batch = fetch(simulator, FINANCIAL_SUMMARIES_ENDPOINT, "of-yesterday", events)

    assert batch.rows == fetch(simulator, FINANCIAL_SUMMARIES_ENDPOINT).rows
    assert not batch.continues
    assert "source.cursor_refused" in dict(events.seen)
