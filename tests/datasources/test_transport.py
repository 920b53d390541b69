"""The transport: bounded in time and size, woken by cancel, silent about keys."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from datasources.simulators.faults import Answer, Fault
from datasources.simulators.server import Question, json_answer
from datasources.transport import Reply, Transport
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import AttemptError, Cancelled, InvalidInput, Reason, SourceError
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.open_gate import OpenPermit
from tests.datasources.support import KEY, ScriptedProvider


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider(lambda question: json_answer(200, {"path": question.path})) as provider:
        yield provider


def transport(provider: ScriptedProvider, **options: object) -> Transport:
    clock = options.pop("clock", None) or SystemClock()
    return Transport(
        "test",
        provider.url,
        clock,
        headers={"x-api-key": KEY},
        secrets=(KEY,),
        **options,  # type: ignore[arg-type]
    )


def send(client: Transport, *, seconds: float = 10.0, token: CancelToken | None = None) -> Reply:
    permit = OpenPermit(SystemClock().monotonic() + seconds)
    return client.send("GET", "/thing", {"q": "a b"}, permit, token or CancelToken())


def failure(client: Transport, *, seconds: float = 10.0) -> SourceError:
    with pytest.raises(SourceError) as caught:
        client.json(send(client, seconds=seconds))
    return caught.value


def test_an_answer_comes_back_decoded(provider: ScriptedProvider) -> None:
    client = transport(provider)

    reply = send(client)

    assert (reply.status, client.json(reply)) == (200, {"path": "/thing"})
    assert provider.ledger.entries()[0].target == "/thing?q=a+b"
    client.close()


def test_only_gzip_is_offered_and_connections_are_kept() -> None:
    seen: list[str] = []

    def script(question: Question) -> Answer:
        seen.append(question.headers["accept-encoding"])
        return json_answer(200, ["x" * 5000])

    with ScriptedProvider(script) as provider:
        client = transport(provider)
        before = threading.active_count()
        assert [client.json(send(client)) for _ in range(5)] == [["x" * 5000]] * 5

        # A thread per connection serves here: one connection, one thread.
        assert threading.active_count() == before + 1
        assert set(seen) == {"gzip"}
        client.close()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("drop", Reason.UPSTREAM),
        ("reset", Reason.UPSTREAM),
        ("half_body", Reason.UPSTREAM),
        ("giant_header", Reason.UPSTREAM),
        ("html", Reason.MALFORMED),
        ("truncated_json", Reason.MALFORMED),
        ("deep_json", Reason.MALFORMED),
        ("nan", Reason.MALFORMED),
        ("long_number", Reason.MALFORMED),
        ("shift_jis", Reason.MALFORMED),
        ("gzip_bomb", Reason.TOO_LARGE),
        ("flood", Reason.TOO_LARGE),
        ("many_objects", Reason.TOO_LARGE),
    ],
)
def test_a_bad_answer_has_its_reason(provider: ScriptedProvider, kind: str, reason: Reason) -> None:
    client = transport(provider)
    provider.faults.add(Fault(kind, size=20 * 1024 * 1024))

    error = failure(client)

    assert error.reason is reason
    assert KEY not in f"{error}{error!r}"
    assert client.json(send(client)) == {"path": "/thing"}
    client.close()


def test_damaged_compression_is_malformed() -> None:
    packed = gzip.compress(b'{"data": []}' * 1000)
    # The first one lacks nothing but its checksum.
    bodies = [packed[:-4], packed[:-20], b"not gzip at all", packed[:20] + b"\0\0\0\0" + packed[24:]]
    headers = {"Content-Encoding": "gzip"}
    with ScriptedProvider(lambda question: Answer(200, bodies.pop(), headers=headers, may_compress=False)) as provider:
        client = transport(provider)

        reasons = [failure(client).reason for _ in range(4)]

        assert reasons == [Reason.MALFORMED] * 4
        client.close()


@pytest.mark.parametrize("kind", ["hang", "slow_headers", "slow_body"])
def test_a_slow_answer_is_cut_at_the_deadline(provider: ScriptedProvider, kind: str) -> None:
    client = transport(provider)
    provider.faults.add(Fault(kind, interval_s=0.02))
    started = time.monotonic()

    error = failure(client, seconds=0.3)

    assert error.reason is Reason.TIMEOUT
    assert 0.25 < time.monotonic() - started < 1.5
    client.close()


def test_the_deadline_is_that_of_the_injected_clock(provider: ScriptedProvider) -> None:
    clock = ManualClock()
    client = transport(provider, clock=clock)
    provider.faults.add(Fault("hang"))
    errors: list[SourceError] = []

    def attempt() -> None:
        with pytest.raises(SourceError) as caught:
            client.send("GET", "/thing", {}, OpenPermit(60.0), CancelToken())
        errors.append(caught.value)

    thread = threading.Thread(target=attempt)
    thread.start()
    assert provider.asked.wait(5)
    clock.advance(61)
    thread.join(5)

    assert [error.reason for error in errors] == [Reason.TIMEOUT]
    client.close()


@pytest.mark.parametrize("requests_before", [0, 2])
@pytest.mark.parametrize("kind", ["hang", "slow_body"])
def test_a_cancel_wakes_a_blocked_read_at_once(provider: ScriptedProvider, kind: str, requests_before: int) -> None:
    client, token = transport(provider), CancelToken()
    for _ in range(requests_before):
        send(client)
    provider.asked.clear()
    provider.faults.add(Fault(kind, interval_s=10))
    ended: list[tuple[float, Reason]] = []

    def attempt() -> None:
        with pytest.raises(Cancelled) as caught:
            send(client, token=token)
        ended.append((time.monotonic(), caught.value.reason))

    thread = threading.Thread(target=attempt)
    thread.start()
    assert provider.asked.wait(5)
    cancelled = time.monotonic()
    token.cancel(Reason.INTERRUPTED)
    thread.join(5)

    assert ended[0][1] is Reason.INTERRUPTED
    assert ended[0][0] - cancelled < 0.2
    client.close()


def test_a_cancelled_attempt_sends_nothing(provider: ScriptedProvider) -> None:
    client, token, permit = transport(provider), CancelToken(), OpenPermit(SystemClock().monotonic() + 5)
    token.cancel()

    with pytest.raises(Cancelled):
        client.send("GET", "/thing", {}, permit, token)

    assert permit.is_unsent
    assert provider.ledger.entries() == []
    client.close()


def test_a_stale_permit_sends_nothing_and_is_given_back(provider: ScriptedProvider) -> None:
    client = transport(provider)
    permit = OpenPermit(SystemClock().monotonic() + 5, AttemptError(Reason.INTERRUPTED, "too old"))

    with pytest.raises(AttemptError, match="too old"):
        client.send("GET", "/thing", {}, permit, CancelToken())

    assert permit.is_unsent
    assert provider.ledger.entries() == []
    client.close()


def test_a_permit_of_a_request_without_an_answer_is_neither_given_back_nor_over(provider: ScriptedProvider) -> None:
    client, permit = transport(provider), OpenPermit(SystemClock().monotonic() + 5)
    provider.faults.add(Fault("drop"))

    with pytest.raises(SourceError):
        client.send("GET", "/thing", {}, permit, CancelToken())

    assert not permit.is_unsent
    assert not permit.is_answered
    client.close()


def test_a_permit_of_a_request_with_an_answer_is_over_whatever_that_says(provider: ScriptedProvider) -> None:
    client, permit = transport(provider), OpenPermit(SystemClock().monotonic() + 5)
    provider.faults.add(Fault("status", status=500))

    client.send("GET", "/thing", {}, permit, CancelToken())

    assert permit.is_answered
    client.close()


def test_nobody_listening_is_a_network_error_and_gives_the_permit_back() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = Transport("test", f"http://127.0.0.1:{unused.getsockname()[1]}", SystemClock())
        permit = OpenPermit(SystemClock().monotonic() + 5)

        with pytest.raises(SourceError) as caught:
            client.send("GET", "/", {}, permit, CancelToken())

    assert caught.value.reason is Reason.NETWORK
    assert permit.is_unsent
    client.close()


def test_redirects_are_not_followed(provider: ScriptedProvider) -> None:
    client = transport(provider)
    provider.faults.add(Fault("redirect", headers={"Location": f"{provider.url}/elsewhere"}))

    reply = send(client)

    assert reply.status == 302
    assert len(provider.ledger.entries()) == 1
    client.close()


@pytest.mark.parametrize(
    "base_url",
    [
        "http://example.com",
        "ftp://127.0.0.1",
        "https://user:pw@example.com",
        "https://h/?q=1",
        "nonsense",
        "",
    ],
)
def test_a_base_url_that_could_leak_is_refused(base_url: str) -> None:
    with pytest.raises(InvalidInput, match="base URL: expected an https address") as caught:
        Transport("test", base_url, SystemClock())

    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("base_url", ["http://localhost:1", "http://127.9.9.9/v2", "http://[::1]:80/v2"])
def test_plain_http_is_allowed_on_loopback(base_url: str) -> None:
    Transport("test", base_url, SystemClock()).close()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("999999", 600.0),
        ("Fri, 20 Nov 2026 00:00:30 GMT", 30.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_a_wait_asked_for_is_read_and_clamped(header: str, expected: float | None) -> None:
    answer = Answer(429, b"", headers={"Retry-After": header})
    clock = ManualClock()
    with ScriptedProvider(lambda question: answer) as provider:
        client = transport(provider, clock=clock)

        reply = client.send("GET", "/", {}, OpenPermit(30.0), CancelToken())

        assert reply.retry_after_s == expected
        client.close()


def test_a_key_that_the_provider_echoes_is_scrubbed(provider: ScriptedProvider) -> None:
    client = transport(provider)
    body = b"x" * 190 + KEY.encode() * 3

    text = client.excerpt(body)

    assert text == "x" * 190 + "*********"
    assert KEY[:4] not in text
    client.close()


def test_nothing_is_logged_at_info(provider: ScriptedProvider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = transport(provider)

    send(client)

    assert KEY not in caplog.text
    assert "q=a" not in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []
    client.close()
