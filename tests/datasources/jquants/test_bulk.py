from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from datasources.jquants.endpoints import (
    DAILY_BARS_ENDPOINT,
    FINANCIAL_SUMMARIES_ENDPOINT,
    JQUANTS,
    MORNING_BARS_ENDPOINT,
)
from datasources.jquants.v2 import JQuantsV2
from datasources.simulators.faults import Answer, Fault
from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.server import Question, json_answer
from moomarkets.domain.bulk import BulkFile, period_dates
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import RateLimited, Reason, SourceError
from moomarkets.domain.limits import Window
from moomarkets.domain.source import BulkSource, Endpoint
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import RecordedEvents, ScriptedProvider, jquants_client

MONTH = "2026-05"
BULK = [endpoint for endpoint in JQUANTS.endpoints if endpoint.has_bulk]
Row = tuple[object, ...]


@pytest.fixture(scope="module")
def simulator() -> Iterator[JQuantsSimulator]:
    wide = Window(1_000_000, 60)
    with JQuantsSimulator("premium", issues=20, today=date(2026, 11, 20), limit=wide, addons=("minute",)) as simulator:
        yield simulator


@pytest.fixture
def client(simulator: JQuantsSimulator) -> Iterator[JQuantsV2]:
    with closing(jquants_client(simulator.base_url, key=DEMO_KEY)) as client:
        yield client


def file_of(client: JQuantsV2, endpoint: Endpoint, period: str = MONTH) -> BulkFile:
    (file,) = [file for file in client.bulk_files(endpoint, period, CancelToken()) if file.period == period]
    return file


def bulk_rows(client: JQuantsV2, endpoint: Endpoint, period: str = MONTH) -> list[Row]:
    batches = client.open_bulk(endpoint, file_of(client, endpoint, period), CancelToken())
    return [row for batch in batches for row in batch.rows]


def day_rows(client: JQuantsV2, endpoint: Endpoint, first: date, last: date) -> list[Row]:
    """The same from the answers for single days, or for the range where that is how it is asked for."""
    upkeep = endpoint.upkeep
    assert upkeep is not None
    if not upkeep.day_parameter:
        dates = {upkeep.from_parameter: first.isoformat(), upkeep.to_parameter: last.isoformat()}
        return client.fetch_data(endpoint, dates, CancelToken()).rows
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    queries = [{upkeep.day_parameter: day.isoformat()} for day in days]
    return [row for query in queries for row in client.fetch_data(endpoint, query, CancelToken()).rows]


def by_key(endpoint: Endpoint, rows: Sequence[Row]) -> dict[Row, Row]:
    places = [endpoint.dataset.column_names.index(name) for name in endpoint.dataset.key]
    return {tuple(row[place] for place in places): row for row in rows}


@pytest.mark.parametrize("endpoint", BULK, ids=lambda endpoint: endpoint.name)
def test_a_file_has_the_rows_that_the_answers_by_day_have(client: JQuantsV2, endpoint: Endpoint) -> None:
    first, last = period_dates(MONTH)

    found = by_key(endpoint, bulk_rows(client, endpoint))

    assert found
    if endpoint.name == "trades":
        # There is no other way to ask for them.
        return
    place = endpoint.dataset.column_names.index(endpoint.dataset.date)
    asked = [row for row in day_rows(client, endpoint, first, last) if first <= row[place] <= last]  # type: ignore[operator]
    assert found == by_key(endpoint, asked)


def test_the_client_is_a_bulk_source(client: JQuantsV2) -> None:
    assert isinstance(client, BulkSource)


def test_a_month_is_listed_with_its_own_file_and_those_of_its_days(client: JQuantsV2) -> None:
    assert [file.period for file in client.bulk_files(DAILY_BARS_ENDPOINT, MONTH, CancelToken())] == [MONTH]
    days = client.bulk_files(DAILY_BARS_ENDPOINT, "2026-11", CancelToken())

    assert (days[0].period, days[-1].period) == ("2026-11-02", "2026-11-20")
    assert client.bulk_files(DAILY_BARS_ENDPOINT, "2026-11-19", CancelToken()) == [days[-2]]
    assert days[-1].modified_at == datetime(2026, 11, 20, 7, 35, tzinfo=UTC)


def test_list_and_address_cost_a_permit_each_and_the_file_none(simulator: JQuantsSimulator) -> None:
    gate, events = OpenGate(), RecordedEvents()
    with closing(jquants_client(simulator.base_url, gate, DEMO_KEY, events)) as client:
        file = file_of(client, FINANCIAL_SUMMARIES_ENDPOINT)
        batches = list(client.open_bulk(FINANCIAL_SUMMARIES_ENDPOINT, file, CancelToken()))

    assert len(gate.permits) == 2
    assert sum(batch.requests for batch in batches) == 1
    assert sum(batch.bytes for batch in batches) == file.size
    (fetched,) = [fields for name, fields in events.seen if name == "source.fetched"]
    assert (fetched["endpoint"], fetched["bytes"]) == ("financial_summaries", file.size)


def test_an_address_that_has_expired_is_asked_for_once_more(simulator: JQuantsSimulator, client: JQuantsV2) -> None:
    file = file_of(client, DAILY_BARS_ENDPOINT)
    simulator.faults.add(Fault("expired_url", times=1, path=file.key))

    batches = list(client.open_bulk(DAILY_BARS_ENDPOINT, file, CancelToken()))

    assert sum(batch.requests for batch in batches) == 2
    assert sum(len(batch.rows) for batch in batches) == len(bulk_rows(client, DAILY_BARS_ENDPOINT))


def test_one_that_expires_again_is_a_failure_and_no_loop(simulator: JQuantsSimulator, client: JQuantsV2) -> None:
    file = file_of(client, DAILY_BARS_ENDPOINT)
    simulator.faults.add(Fault("expired_url", times=2, path=file.key))

    with pytest.raises(SourceError, match=r"got a refusal \(AccessDenied\)"):
        list(client.open_bulk(DAILY_BARS_ENDPOINT, file, CancelToken()))


def test_a_429_silences_the_whole_key(simulator: JQuantsSimulator) -> None:
    gate = OpenGate()
    simulator.faults.add(Fault("status", status=429, path="/bulk/list", headers={"Retry-After": "7"}))

    with closing(jquants_client(simulator.base_url, gate, DEMO_KEY)) as client, pytest.raises(RateLimited):
        client.bulk_files(DAILY_BARS_ENDPOINT, MONTH, CancelToken())

    assert gate.silences == [7.0]


def test_an_endpoint_without_files_is_not_asked(client: JQuantsV2) -> None:
    with pytest.raises(SourceError, match="no bulk files of morning_bars"):
        client.bulk_files(MORNING_BARS_ENDPOINT, MONTH, CancelToken())


LINE = {"Key": "equities/bars/daily/historical/2026/equities_bars_daily_202605.csv.gz", "Size": 1,
        "LastModified": "2026-06-01T08:10:00.000Z"}  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ({}, Reason.SCHEMA), ({"data": {}}, Reason.SCHEMA), ({"data": ["x"]}, Reason.SCHEMA), ([], Reason.MALFORMED),
        ({"data": [{**LINE, "Size": "1"}]}, Reason.SCHEMA), ({"data": [{**LINE, "Key": None}]}, Reason.SCHEMA),
        ({"data": [{**LINE, "LastModified": "soon"}]}, Reason.SCHEMA),
    ],
)  # fmt: skip
def test_a_list_that_is_none_is_refused(listed: object, reason: Reason) -> None:
    with (
        ScriptedProvider(lambda question: json_answer(200, listed)) as provider,
        closing(jquants_client(provider.url)) as client,
        pytest.raises(SourceError) as raised,
    ):
        client.bulk_files(DAILY_BARS_ENDPOINT, MONTH, CancelToken())

    assert raised.value.reason is reason


def test_files_that_hold_neither_a_month_nor_a_day_are_passed_over() -> None:
    lines = [{**LINE, "Key": key} for key in ("index.csv.gz", "x_202613.csv.gz", "x_20260230.csv.gz", LINE["Key"])]

    with (
        ScriptedProvider(lambda question: json_answer(200, {"data": lines})) as provider,
        closing(jquants_client(provider.url)) as client,
    ):
        files = client.bulk_files(DAILY_BARS_ENDPOINT, MONTH, CancelToken())

    assert [file.key for file in files] == [LINE["Key"]]


def test_the_key_of_the_plan_never_goes_to_where_the_files_are() -> None:
    seen: list[Question] = []

    def script(question: Question) -> Answer:
        seen.append(question)
        if question.path.endswith("/bulk/get"):
            return json_answer(200, {"url": f"{files.url}/f?signature=s"})
        header = "Date,Code,O,H,L,C,UL,LL,Vo,Va,AdjFactor\n"
        return Answer(200, gzip.compress(header.encode()), "application/gzip", may_compress=False)

    file = BulkFile(str(LINE["Key"]), 1, datetime(2026, 6, 1, tzinfo=UTC), MONTH)
    with (
        ScriptedProvider(script) as provider,
        ScriptedProvider(script) as files,
        closing(jquants_client(provider.url)) as client,
    ):
        list(client.open_bulk(DAILY_BARS_ENDPOINT, file, CancelToken()))

    keys = [{name.lower() for name in question.headers} & {"x-api-key", "authorization", "cookie"} for question in seen]
    assert keys == [{"x-api-key"}, set()]


@pytest.mark.parametrize("url", [None, 5, "http://example.com/f", "file:///etc/passwd"])
def test_an_address_elsewhere_than_on_https_is_refused(url: object) -> None:
    file = BulkFile(str(LINE["Key"]), 1, datetime(2026, 6, 1, tzinfo=UTC), MONTH)
    with (
        ScriptedProvider(lambda question: json_answer(200, {"url": url})) as provider,
        closing(jquants_client(provider.url)) as client,
        pytest.raises(SourceError) as raised,
    ):
        list(client.open_bulk(DAILY_BARS_ENDPOINT, file, CancelToken()))

    assert raised.value.reason is Reason.SCHEMA


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(403, {"message": "The incoming api key is invalid or expired."}),
        Answer(200, b'{"url": "https://x/f?sig'),
    ],
)
def test_a_question_for_an_address_is_asked_once_and_nothing_of_its_answer_is_told(answer: Answer) -> None:
    file = BulkFile(str(LINE["Key"]), 1, datetime(2026, 6, 1, tzinfo=UTC), MONTH)
    with (
        ScriptedProvider(lambda question: answer) as provider,
        closing(jquants_client(provider.url)) as client,
        pytest.raises(SourceError) as raised,
    ):
        list(client.open_bulk(DAILY_BARS_ENDPOINT, file, CancelToken()))

    assert len(provider.ledger.entries()) == 1
    assert raised.value.status == answer.status
    assert "sig" not in str(raised.value) + str(raised.value.body)
