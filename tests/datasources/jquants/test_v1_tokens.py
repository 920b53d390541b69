"""The life of V1's tokens: got once, renewed in time by one at a time, recovered when refused, never hammered for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from datasources.jquants.v1 import JQuantsV1
from datasources.jquants.v1_endpoints import SHAPES
from datasources.simulators.faults import Answer
from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.server import Question, json_answer
from datasources.token_memory import TokenMemory
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import PASSWORD, ScriptedProvider, jquants_v1_client, simulate_jquants

CALENDAR = SHAPES["trading_calendar"].endpoint
WEEK = {"from": "2026-11-16", "to": "2026-11-20"}
LOGIN, REFRESH, DATA = "/v1/token/auth_user", "/v1/token/auth_refresh", "/v1/markets/trading_calendar"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def simulator(clock: ManualClock) -> Iterator[JQuantsSimulator]:
    with simulate_jquants(clock=clock) as simulator:
        yield simulator


def client_of(simulator: JQuantsSimulator, clock: ManualClock, **options: object) -> JQuantsV1:
    return jquants_v1_client(simulator.v1_url, OpenGate(clock, 1e9), clock=clock, **options)  # type: ignore[arg-type]


def ask(client: JQuantsV1) -> int:
    return len(client.fetch_data(CALENDAR, WEEK, CancelToken()).rows)


def asked(simulator: JQuantsSimulator) -> list[str]:
    return [entry.target.partition("?")[0] for entry in simulator.ledger.entries()]


def test_both_tokens_are_got_once_and_kept(simulator: JQuantsSimulator, clock: ManualClock) -> None:
    box = TokenMemory()
    client = client_of(simulator, clock, tokens=box)

    assert [ask(client), ask(client)] == [5, 5]

    kept = box.read()
    assert asked(simulator) == [LOGIN, REFRESH, DATA, DATA]
    assert kept.refresh_expires_at == clock.now() + timedelta(days=7)
    assert kept.id_expires_at == clock.now() + timedelta(hours=24)
    client.close()


def test_another_client_goes_on_with_the_tokens_that_are_kept(simulator: JQuantsSimulator, clock: ManualClock) -> None:
    box = TokenMemory()
    for _ in range(2):
        client = client_of(simulator, clock, tokens=box)
        ask(client)
        client.close()

    assert asked(simulator) == [LOGIN, REFRESH, DATA, DATA]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (22.9, [DATA]),
        (23.1, [REFRESH, DATA]),
        (24 * 5.9, [REFRESH, DATA]),
        (24 * 6.1, [LOGIN, REFRESH, DATA]),
    ],
)
def test_a_token_is_renewed_before_it_expires(
    simulator: JQuantsSimulator, clock: ManualClock, hours: float, expected: list[str]
) -> None:
    client = client_of(simulator, clock)
    ask(client)
    clock.advance(hours * 3600)

    assert ask(client) == 5

    assert asked(simulator)[3:] == expected
    client.close()


def test_twenty_who_find_no_token_send_one_login(simulator: JQuantsSimulator, clock: ManualClock) -> None:
    client = client_of(simulator, clock)

    with ThreadPoolExecutor(20) as pool:
        rows = list(pool.map(lambda _: ask(client), range(20)))

    assert rows == [5] * 20
    assert [asked(simulator).count(path) for path in (LOGIN, REFRESH, DATA)] == [1, 1, 20]
    client.close()


def test_a_token_that_is_refused_in_between_is_renewed_once_for_all(
    simulator: JQuantsSimulator, clock: ManualClock
) -> None:
    client = client_of(simulator, clock)
    ask(client)
    simulator.revoke_tokens(refresh_too=False)

    with ThreadPoolExecutor(20) as pool:
        rows = list(pool.map(lambda _: ask(client), range(20)))

    assert rows == [5] * 20
    assert asked(simulator).count(REFRESH) == 2
    assert asked(simulator).count(LOGIN) == 1
    client.close()


def test_a_refresh_token_that_is_refused_leads_to_a_new_login(simulator: JQuantsSimulator, clock: ManualClock) -> None:
    client = client_of(simulator, clock)
    ask(client)
    simulator.revoke_tokens()

    assert ask(client) == 5

    assert asked(simulator)[3:] == [DATA, REFRESH, LOGIN, REFRESH, DATA]
    client.close()


def test_a_wrong_password_is_tried_once_by_all_together(simulator: JQuantsSimulator, clock: ManualClock) -> None:
    client = client_of(simulator, clock, password="not-this-one")

    def refused(_: int) -> SourceError:
        with pytest.raises(SourceError) as caught:
            ask(client)
        return caught.value

    with ThreadPoolExecutor(20) as pool:
        errors = list(pool.map(refused, range(20)))

    assert {error.reason for error in errors} == {Reason.AUTH}
    assert "'mailaddress' or 'password' is incorrect." in errors[0].detail
    assert asked(simulator) == [LOGIN]
    client.close()


def test_a_token_that_stays_refused_is_an_auth_error(clock: ManualClock) -> None:
    def script(question: Question) -> object:
        if question.path.endswith("auth_user"):
            return json_answer(200, {"refreshToken": "r"})
        if question.path.endswith("auth_refresh"):
            return json_answer(200, {"idToken": "i"})
        return json_answer(401, {"message": "The incoming token is invalid or expired."})

    with ScriptedProvider(script) as provider:  # type: ignore[arg-type]
        client = jquants_v1_client(provider.url)
        with pytest.raises(SourceError) as caught:
            ask(client)
        client.close()

    assert caught.value.reason is Reason.AUTH


def test_validating_logs_in_whatever_tokens_there_are(simulator: JQuantsSimulator, clock: ManualClock) -> None:
    good, bad = client_of(simulator, clock), client_of(simulator, clock, password="not-this-one")
    ask(good)

    assert (good.validate_credentials(), bad.validate_credentials()) == (True, False)

    assert asked(simulator)[3:] == [LOGIN, LOGIN]
    good.close()
    bad.close()


@pytest.mark.parametrize(
    "body", [b'{"refreshToken": "half-a-secr', b"[]", b'{"refreshToken": 7}', '{"refreshToken": "鍵"}'.encode()]
)
def test_a_token_that_is_none_is_a_schema_error_that_does_not_show_it(body: bytes) -> None:
    with ScriptedProvider(lambda question: json_answer_of(body)) as provider:
        client = jquants_v1_client(provider.url)
        with pytest.raises(SourceError) as caught:
            ask(client)
        client.close()

    assert caught.value.reason is Reason.SCHEMA
    assert "secr" not in f"{caught.value}{caught.value.body!r}"


def json_answer_of(body: bytes) -> Answer:
    return Answer(200, body)


def test_tokens_and_password_are_in_no_error(simulator: JQuantsSimulator, clock: ManualClock) -> None:
    box = TokenMemory()
    client = client_of(simulator, clock, tokens=box)
    ask(client)
    kept = box.read()
    assert kept.id_token is not None
    assert kept.refresh_token is not None

    hidden = client._transport.scrub(f"{kept.id_token.reveal()} {kept.refresh_token.reveal()} {PASSWORD}")

    assert hidden == "*** *** ***"
    client.close()
