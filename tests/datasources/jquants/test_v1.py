"""The client of V1: rows under the names of V2, for everything that both protocols have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from datasources.jquants.v1_endpoints import JQUANTS_V1, SHAPES
from datasources.simulators.faults import Fault
from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.server import json_answer
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import RateLimited, Reason, SourceError
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import (
    PASSWORD,
    ScriptedProvider,
    jquants_client,
    jquants_v1_client,
    json_sample,
    sample,
    simulate_jquants,
)

DAY = {"date": "2026-11-20"}
BARS = SHAPES["daily_bars"].endpoint


@pytest.fixture(scope="module")
def simulator() -> Iterator[JQuantsSimulator]:
    with simulate_jquants("premium", issues=30, today=date(2026, 11, 20)) as simulator:
        yield simulator


def fetch(simulator: JQuantsSimulator, name: str, parameters: dict[str, str]) -> Batch:
    client = jquants_v1_client(simulator.v1_url)
    try:
        return client.fetch_data(SHAPES[name].endpoint, parameters, CancelToken())
    finally:
        client.close()


def refusal(simulator: JQuantsSimulator, name: str = "daily_bars", **parameters: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch(simulator, name, parameters or DAY)
    assert PASSWORD not in f"{caught.value}{caught.value!r}{caught.value.body!r}"
    return caught.value


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("listed_issues", DAY),
        ("trading_calendar", {"from": "2026-11-01", "to": "2026-11-30"}),
        ("daily_bars", DAY),
        ("morning_bars", {}),
        ("financial_summaries", {"date": "2026-11-12"}),
        ("financial_details", {"date": "2026-11-12"}),
        ("dividends", {"date": "2026-11-12"}),
        ("short_ratios", DAY),
        ("breakdowns", DAY),
        ("index_bars", DAY),
        ("topix_bars", {"from": "2026-11-01", "to": "2026-11-20"}),
    ],
)
def test_the_rows_are_those_of_v2(simulator: JQuantsSimulator, name: str, parameters: dict[str, str]) -> None:
    assert_equal_to_v2(simulator, name, parameters)


def test_the_calendar_of_results_is_that_of_v2() -> None:
    with simulate_jquants(issues=60, today=date(2026, 11, 11)) as simulator:
        assert_equal_to_v2(simulator, "earnings_calendar", {})


def assert_equal_to_v2(simulator: JQuantsSimulator, name: str, parameters: dict[str, str]) -> None:
    v2 = jquants_client(simulator.base_url)
    endpoint = v2.spec.endpoint(name)

    old = fetch(simulator, name, parameters)

    new = v2.fetch_data(endpoint, parameters, CancelToken())
    v2.close()
    absent = _columns_that_v1_lacks(name)
    assert old.rows
    assert [_without(row, absent) for row in old.rows] == [_without(row, absent) for row in new.rows]
    assert all(row[place] is None for row in old.rows for place in absent)
    assert (old.dataset, old.warnings) == (endpoint.dataset, {})


def _columns_that_v1_lacks(name: str) -> list[int]:
    shape = SHAPES[name]
    known = set(shape.names.values())
    columns = shape.endpoint.dataset.columns[:-1]
    return [place for place, column in enumerate(columns) if column.field not in known]


def _without(row: tuple[object, ...], places: list[int]) -> tuple[object, ...]:
    return tuple(value for place, value in enumerate(row) if place not in places)


def test_weekly_margin_interest_of_v1_has_no_values_and_no_date_of_publication(simulator: JQuantsSimulator) -> None:
    rows = fetch(simulator, "margin_interest", {"date": "2026-11-13"}).rows

    names = JQUANTS_V1.endpoint("margin_interest").dataset.column_names
    absent = [names.index(name) for name in ("published_on", "short_value", "long_standardized_value")]
    assert rows
    assert all(row[place] is None for row in rows for place in absent)


def test_pages_are_joined_and_each_has_its_own_permit() -> None:
    gate = OpenGate()
    with simulate_jquants("light", page_bytes=500) as simulator:
        client = jquants_v1_client(simulator.v1_url, gate)

        batch = client.fetch_data(BARS, DAY, CancelToken())

        client.close()
    assert batch.pages == len(batch.bodies) > 3
    # Logging in and getting the id token are requests like any other.
    assert len(gate.permits) == batch.pages + 2


def test_the_samples_are_read() -> None:
    login, refresh = json_sample("v1_token_auth_user"), json_sample("v1_token_auth_refresh")
    quotes = sample("v1_prices_daily_quotes")[1]["daily_quotes"]
    answers = [login, refresh, json_answer(200, {"daily_quotes": quotes})]
    with ScriptedProvider(lambda question: answers.pop(0)) as provider:
        client = jquants_v1_client(provider.url)
        batch = client.fetch_data(BARS, DAY, CancelToken())
        client.close()

    assert batch.rows[0][:6] == ("99010", date(2026, 9, 29), 1063.6, 1095.8, 1042.1, 1074.3)
    assert batch.warnings == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("v1_error_403_path", Reason.INVALID),
        ("v1_error_410_gone", Reason.INVALID),
        ("v1_error_413_too_large", Reason.TOO_LARGE),
        ("v2_error_500_server", Reason.UPSTREAM),
    ],
)
def test_a_refusal_has_its_reason(name: str, reason: Reason) -> None:
    answers = [json_sample(each) for each in ("v1_token_auth_user", "v1_token_auth_refresh", name)]
    with ScriptedProvider(lambda question: answers.pop(0)) as provider:
        client = jquants_v1_client(provider.url)
        with pytest.raises(SourceError) as caught:
            client.fetch_data(BARS, DAY, CancelToken())
        client.close()

    assert caught.value.reason is reason


def test_a_service_that_is_gone_says_so_at_the_login() -> None:
    with simulate_jquants(gone=True) as simulator:
        error = refusal(simulator)

    assert (error.reason, error.status, error.detail) == (Reason.INVALID, 410, "Gone")


def test_a_429_silences_the_account_first() -> None:
    gate = OpenGate()
    with simulate_jquants() as simulator:
        client = jquants_v1_client(simulator.v1_url, gate)
        simulator.faults.add(Fault("status", status=429, path="daily_quotes"))

        with pytest.raises(RateLimited):
            client.fetch_data(BARS, DAY, CancelToken())
        client.close()

    assert gate.silences == [None]


def test_a_missing_field_is_a_schema_error_with_the_body(simulator: JQuantsSimulator) -> None:
    simulator.faults.add(Fault("missing_key", path="daily_quotes"))

    error = refusal(simulator)

    assert error.reason is Reason.SCHEMA
    assert b'"daily_quotes"' in error.body


def test_an_unknown_field_is_kept_and_counted() -> None:
    row = {"Date": "2026-11-20", "Open": 1.0, "High": "2.5", "Low": "", "Close": None, "NewField": "new"}
    answers = [
        json_sample("v1_token_auth_user"),
        json_sample("v1_token_auth_refresh"),
        json_answer(200, {"topix": [row]}),
    ]
    with ScriptedProvider(lambda question: answers.pop(0)) as provider:
        client = jquants_v1_client(provider.url)
        batch = client.fetch_data(SHAPES["topix_bars"].endpoint, {}, CancelToken())
        client.close()

    assert batch.rows == [(date(2026, 11, 20), 1.0, 2.5, None, None, {"NewField": "new"})]
    assert batch.warnings == {"unknown_field:NewField": 1}


def test_an_endpoint_that_v1_never_had_is_invalid(simulator: JQuantsSimulator) -> None:
    client = jquants_v1_client(simulator.v1_url)

    with pytest.raises(SourceError, match="no endpoint valuations"):
        client.fetch_data(jquants_client("http://127.0.0.1:9").spec.endpoint("valuations"), DAY, CancelToken())
    client.close()


def test_it_is_off_by_default_and_says_that_the_service_has_ended() -> None:
    assert not JQUANTS_V1.is_on_by_default
    assert "ended 2026-06-01" in JQUANTS_V1.description
    assert JQUANTS_V1.credential_fields == ("mailaddress", "password")
