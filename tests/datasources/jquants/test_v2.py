"""The J-Quants client against samples and against the simulator with its faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from datasources.jquants.endpoints import (
    DAILY_BARS_ENDPOINT,
    JQUANTS,
    LISTED_ISSUES_ENDPOINT,
    TRADING_CALENDAR_ENDPOINT,
)
from datasources.jquants.v2 import JQuantsV2
from datasources.simulators.faults import Fault
from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.server import json_answer
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.errors import Cancelled, RateLimited, Reason, SourceError
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Endpoint
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import (
    KEY,
    RecordedEvents,
    ScriptedProvider,
    jquants_client,
    sample,
    scripted_samples,
    simulate_jquants,
)

DAY = {"date": "2026-11-20"}


@pytest.fixture
def simulator() -> Iterator[JQuantsSimulator]:
    with JQuantsSimulator("light", [KEY], today=date(2026, 11, 20), issues=30, limit=Window(1000, 60)) as it:
        yield it


def fetch(
    client: JQuantsV2, endpoint: Endpoint = DAILY_BARS_ENDPOINT, parameters: dict[str, str] | None = None
) -> Batch:
    try:
        return client.fetch_data(endpoint, DAY if parameters is None else parameters, CancelToken())
    finally:
        client.close()


def from_samples(endpoint: Endpoint, *names: str, **options: object) -> Batch:
    with scripted_samples(*names) as provider:
        return fetch(jquants_client(provider.url, **options), endpoint)  # type: ignore[arg-type]


def refusal(simulator: JQuantsSimulator, parameters: dict[str, str] | None = None, key: str = KEY) -> SourceError:
    with pytest.raises(SourceError) as caught:
        fetch(jquants_client(simulator.base_url, key=key), parameters=parameters)
    assert key not in f"{caught.value}{caught.value!r}{caught.value.detail}"
    return caught.value


def test_bars_are_read_from_the_sample() -> None:
    batch = from_samples(DAILY_BARS_ENDPOINT, "v2_equities_bars_daily")

    first = (
        "99010",
        date(2026, 9, 29),
        1063.6,
        1095.8,
        1042.1,
        1074.3,
        "0",
        "0",
        209700.0,
        225280710.0,
        1.0,
        None,
    )
    assert batch.rows[0] == first
    assert batch.rows[2][10] == 0.5
    assert (batch.pages, batch.requests, batch.warnings) == (1, 1, {})


def test_a_day_without_trade_is_a_row_of_nulls() -> None:
    batch = from_samples(DAILY_BARS_ENDPOINT, "v2_equities_bars_daily_no_trade")

    assert batch.rows == [("99010", date(2026, 10, 5), None, None, None, None, "0", "0", None, None, 1.0, None)]


def test_half_days_of_premium_are_kept_beside_the_columns_without_their_adjusted_copies() -> None:
    batch = from_samples(DAILY_BARS_ENDPOINT, "v2_equities_bars_daily_premium")

    extra = batch.rows[0][-1]
    assert isinstance(extra, dict)
    assert len(extra) == 16
    assert not [name for name in extra if "Adj" in name]
    assert batch.warnings == {}


def test_issues_and_calendar_are_read_from_the_samples() -> None:
    issues = from_samples(LISTED_ISSUES_ENDPOINT, "v2_equities_master")
    calendar = from_samples(TRADING_CALENDAR_ENDPOINT, "v2_markets_calendar")

    assert [row[1] for row in issues.rows] == ["99010", "990A0", "99025"]
    assert issues.rows[0][6] == "0050"
    assert [row[1] for row in calendar.rows] == ["1", "0", "0", "3", "1"]


def test_pages_are_joined_and_each_has_its_own_permit() -> None:
    gate = OpenGate()

    batch = from_samples(DAILY_BARS_ENDPOINT, "v2_page_1", "v2_page_2", gate=gate)

    whole = from_samples(DAILY_BARS_ENDPOINT, "v2_equities_bars_daily").rows
    assert batch.rows == whole[: len(batch.rows)]
    assert (len(batch.rows), batch.pages, len(gate.permits)) == (4, 2, 2)


def test_nothing_matching_is_an_empty_success() -> None:
    assert from_samples(DAILY_BARS_ENDPOINT, "v2_empty").rows == []


def test_status_210_is_an_empty_success() -> None:
    with ScriptedProvider(lambda question: json_answer(210, {"message": "later"})) as provider:
        assert fetch(jquants_client(provider.url)).rows == []


def test_a_429_silences_the_credential_before_it_is_raised() -> None:
    gate = OpenGate()

    with pytest.raises(RateLimited) as caught:
        from_samples(DAILY_BARS_ENDPOINT, "v2_error_429_rate", gate=gate)

    assert gate.silences == [None]
    assert caught.value.retry_after_s is None


def test_the_wait_that_a_429_names_is_handed_on(simulator: JQuantsSimulator) -> None:
    gate = OpenGate()
    simulator.faults.add(Fault("status", status=429, headers={"Retry-After": "17"}))

    with pytest.raises(RateLimited) as caught:
        fetch(jquants_client(simulator.base_url, gate))

    assert (gate.silences, caught.value.retry_after_s) == ([17.0], 17.0)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("status", Reason.UPSTREAM),
        ("html", Reason.MALFORMED),
        ("truncated_json", Reason.MALFORMED),
        ("not_an_object", Reason.MALFORMED),
        ("no_data", Reason.SCHEMA),
        ("missing_key", Reason.SCHEMA),
        ("missing_code", Reason.SCHEMA),
        ("drop", Reason.UPSTREAM),
        ("redirect", Reason.UPSTREAM),
        ("revoked_key", Reason.AUTH),
        ("repeat_key", Reason.MALFORMED),
        ("endless_pages", Reason.MALFORMED),
    ],
)
def test_a_fault_has_its_reason_and_is_over_afterwards(simulator: JQuantsSimulator, kind: str, reason: Reason) -> None:
    times = 300 if kind in ("repeat_key", "endless_pages") else 1
    simulator.faults.add(Fault(kind, times=times, status=503))

    assert refusal(simulator).reason is reason

    simulator.faults.clear()
    assert len(fetch(jquants_client(simulator.base_url)).rows) == 29


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_upstream(simulator: JQuantsSimulator, status: int) -> None:
    simulator.faults.add(Fault("status", status=status))

    error = refusal(simulator)

    assert (error.reason, error.status) == (Reason.UPSTREAM, status)


@pytest.mark.parametrize(
    ("kind", "warnings", "close"),
    [
        ("content_type", {}, ...),
        ("reorder", {}, ...),
        ("duplicate_row", {"twin_rows": 1}, ...),
        ("extra_key", {"unknown_field:NewField": 1}, ...),
        ("null_number", {}, None),
        ("empty_string", {}, None),
        ("text_number", {"odd_numbers": 1}, None),
        ("overflow_number", {"odd_numbers": 1}, None),
        ("numeric_string", {}, ...),
        ("nul", {"unknown_field:NewText": 1, "odd_texts": 1}, ...),
        ("surrogate", {"unknown_field:NewText": 1, "odd_texts": 1}, ...),
    ],
)
def test_an_oddity_is_cleaned_and_counted(
    simulator: JQuantsSimulator, kind: str, warnings: dict[str, int], close: object
) -> None:
    events = RecordedEvents()
    healthy = {row[0]: row for row in fetch(jquants_client(simulator.base_url)).rows}
    simulator.faults.add(Fault(kind))

    batch = fetch(jquants_client(simulator.base_url, events=events))

    first = min(healthy)
    found = {row[0]: row for row in batch.rows}
    assert batch.warnings == warnings
    assert found[first][5] == (healthy[first][5] if close is ... else close)
    assert {code: row for code, row in found.items() if code != first} == {
        code: row for code, row in healthy.items() if code != first
    }
    assert ("source.oddities_found" in dict(events.seen)) == bool(warnings)


def test_twins_across_pages_become_one_row(simulator: JQuantsSimulator) -> None:
    with JQuantsSimulator(keys=[KEY], today=date(2026, 11, 20), issues=30, page_bytes=2000) as small:
        whole = fetch(jquants_client(small.base_url))
        small.faults.add(Fault("overlap", times=3, path="bars"))

        batch = fetch(jquants_client(small.base_url))

    assert whole.pages == batch.pages > 3
    assert sorted(batch.rows) == sorted(whole.rows)
    assert batch.warnings == {"twin_rows": 3}


def test_an_empty_page_with_a_next_one_is_no_end(simulator: JQuantsSimulator) -> None:
    simulator.faults.add(Fault("empty_page"))

    batch = fetch(jquants_client(simulator.base_url))

    assert (len(batch.rows), batch.pages) == (29, 2)


def test_a_date_outside_the_plan_tells_the_plan_window(simulator: JQuantsSimulator) -> None:
    error = refusal(simulator, {"date": "2015-01-05"})

    assert (error.reason, error.status) == (Reason.PLAN_RESTRICTED, 400)
    assert error.detail == "outside the plan window 2021-11-20 ~"


def test_a_wrong_key_is_an_auth_error(simulator: JQuantsSimulator) -> None:
    assert refusal(simulator, key="another-key-0815").reason is Reason.AUTH


def test_a_missing_parameter_is_invalid(simulator: JQuantsSimulator) -> None:
    error = refusal(simulator, {"date": ""})

    assert error.reason is Reason.INVALID
    assert "at least 1 parameter" in error.detail


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "キー", "x" * 600])
def test_a_key_that_cannot_be_a_header_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SourceError) as caught:
        jquants_client("http://127.0.0.1:9", key=key)

    assert caught.value.reason is Reason.AUTH
    assert not key or key not in str(caught.value)


def test_the_key_is_nowhere_in_the_client(simulator: JQuantsSimulator) -> None:
    client = jquants_client(simulator.base_url)

    assert KEY not in repr(client) + str(Secret(KEY))
    client.close()


def test_credentials_are_validated_with_one_request(simulator: JQuantsSimulator) -> None:
    clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC))
    good, bad = jquants_client(simulator.base_url, clock=clock), jquants_client(simulator.base_url, key="bad")

    assert (good.validate_credentials(), bad.validate_credentials()) == (True, False)

    assert len(simulator.ledger.entries()) == 2
    good.close()
    bad.close()


def test_validating_while_the_service_is_down_is_no_verdict(simulator: JQuantsSimulator) -> None:
    simulator.faults.add(Fault("status", status=503))
    client = jquants_client(simulator.base_url)

    with pytest.raises(SourceError):
        client.validate_credentials()
    client.close()


def test_a_cancelled_attempt_asks_for_no_permit(simulator: JQuantsSimulator) -> None:
    gate, token = OpenGate(), CancelToken()
    client = jquants_client(simulator.base_url, gate)
    token.cancel()

    with pytest.raises(Cancelled):
        client.fetch_data(DAILY_BARS_ENDPOINT, DAY, token)

    assert gate.permits == []
    client.close()


def test_an_unknown_endpoint_is_invalid(simulator: JQuantsSimulator) -> None:
    other = Endpoint("other", "/other", DAILY_BARS_ENDPOINT.dataset)

    with pytest.raises(SourceError, match="no endpoint other"):
        fetch(jquants_client(simulator.base_url), other)


def test_what_was_fetched_is_reported(simulator: JQuantsSimulator) -> None:
    events = RecordedEvents()

    batch = fetch(jquants_client(simulator.base_url, events=events))

    name, fields = events.seen[0]
    assert name == "source.fetched"
    assert fields["rows"] == len(batch.rows) == 29
    assert fields["bytes"] == batch.bytes > 5000


def test_the_samples_of_errors_are_all_refused() -> None:
    for name in ("400_missing_param", "400_out_of_window", "403_bad_key", "403_plan", "500_server"):
        with pytest.raises(SourceError) as caught:
            from_samples(DAILY_BARS_ENDPOINT, f"v2_error_{name}")
        assert caught.value.status == sample(f"v2_error_{name}")[0]


def test_every_endpoint_of_the_source_has_its_dataset() -> None:
    names = [endpoint.name for endpoint in JQUANTS.endpoints]

    assert names == [name for name in DATASETS if not name.startswith("yahoo_")]
    assert [endpoint.dataset.name for endpoint in JQUANTS.endpoints] == names


@pytest.mark.parametrize("kind", ["html", "not_an_object", "no_data", "missing_key"])
def test_an_answer_that_is_no_good_goes_with_its_error_and_is_in_none_of_its_texts(
    simulator: JQuantsSimulator, kind: str
) -> None:
    simulator.faults.add(Fault(kind))

    error = refusal(simulator)

    assert error.body
    assert repr(error.body) not in f"{error!r}"


def test_the_answers_of_a_batch_come_along_and_not_in_its_repr() -> None:
    with simulate_jquants(page_bytes=700) as small:
        batch = fetch(jquants_client(small.base_url))

    assert len(batch.bodies) == batch.pages > 1
    assert sum(map(len, batch.bodies)) == batch.bytes
    assert "bodies" not in repr(batch)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("v1_error_401_token", Reason.AUTH),
        ("v2_error_403_no_key", Reason.AUTH),
        ("v2_error_403_bad_key", Reason.AUTH),
        ("v2_error_403_plan", Reason.PLAN_RESTRICTED),
        ("v2_error_403_bad_path", Reason.INVALID),
        ("v2_error_400_missing_param", Reason.INVALID),
        ("v2_error_400_out_of_window", Reason.PLAN_RESTRICTED),
        ("v1_error_413_too_large", Reason.TOO_LARGE),
        ("v2_error_429_rate", Reason.RATE_LIMITED),
        ("v2_error_500_server", Reason.UPSTREAM),
    ],
)
def test_every_error_of_the_provider_has_its_reason(name: str, reason: Reason) -> None:
    with pytest.raises(SourceError) as caught:
        from_samples(DAILY_BARS_ENDPOINT, name)

    assert caught.value.reason is reason
