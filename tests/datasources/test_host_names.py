"""Name look-ups: one that hangs holds up nobody, is told of once, and does not become many."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from actors.otp.thread_runtime import ThreadRuntime
from datasources.connection import Exchange
from datasources.host_names import MOST_ABANDONED, Address, HostNames
from datasources.transport import Transport
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import AttemptError, Cancelled, Reason, SourceError
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.open_gate import OpenPermit
from tests.datasources.support import RecordedEvents

WAIT_S = 10
AT_ONCE_S = 0.3
BLOCKED_S = 0.1
"""Who has not come back by then waits for something."""
FOUND: list[Address] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]


class Resolver:
    """Answers when it may: a name server that does not answer, until it does."""

    def __init__(self) -> None:
        self.asked, self.may_answer = threading.Semaphore(0), threading.Event()

    def __call__(self, host: str, port: int) -> list[Address]:
        self.asked.release()
        assert self.may_answer.wait(WAIT_S)
        return FOUND


class House:
    """A runtime's threads, a clock that stands still, and a resolver that hangs."""

    def __init__(self) -> None:
        self.clock, self.events, self.resolver = ManualClock(), RecordedEvents(), Resolver()
        self.runtime = ThreadRuntime(self.clock)
        self.hosts = HostNames(self.runtime.spawn, self.events, self.resolver)

    def send(self, token: CancelToken) -> None:
        """Ask a provider under a name; the request has a minute."""
        client = Transport("test", "https://api.example.com", self.clock, hosts=self.hosts)
        try:
            client.send("GET", "/", {}, OpenPermit(self.clock.monotonic() + 60), token)
        finally:
            client.close()

    def leave_behind(self, host: str = "api.example.com") -> None:
        """Begin a look-up and give it up."""
        exchange, token = Exchange(60, self.clock, CancelToken()), CancelToken()
        exchange.token = token
        token.cancel()
        with pytest.raises(TimeoutError):
            self.hosts.addresses(host, 443, exchange.wait)


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.resolver.may_answer.set()
    assert house.runtime.close(WAIT_S) == []
    assert house.hosts.abandoned == 0


def ends(house: House, event: Callable[[CancelToken], None]) -> tuple[AttemptError, float]:
    """How a request ends whose look-up hangs, once `event` has happened, and after how long."""
    token, ended = CancelToken(), list[AttemptError]()

    def attempt() -> None:
        with pytest.raises(AttemptError) as caught:
            house.send(token)
        ended.append(caught.value)

    thread = threading.Thread(target=attempt)
    thread.start()
    assert house.resolver.asked.acquire(timeout=WAIT_S)
    thread.join(BLOCKED_S)
    began = time.monotonic()
    event(token)
    thread.join(WAIT_S)
    return ended[0], time.monotonic() - began


def test_a_cancel_ends_the_wait_for_a_look_up_that_hangs_at_once(house: House) -> None:
    error, took_s = ends(house, lambda token: token.cancel(Reason.INTERRUPTED))

    assert isinstance(error, Cancelled)
    assert error.reason is Reason.INTERRUPTED
    assert took_s < AT_ONCE_S


def test_the_deadline_ends_the_wait_for_a_look_up_that_hangs_in_time(house: House) -> None:
    error, took_s = ends(house, lambda token: house.clock.advance(60))

    assert isinstance(error, SourceError)
    assert error.reason is Reason.TIMEOUT
    assert took_s < AT_ONCE_S


def test_a_look_up_that_is_left_behind_does_not_hold_up_the_stop(house: House) -> None:
    for _ in range(3):
        house.leave_behind()

    began = time.monotonic()
    left = house.runtime.close(0.2)

    assert left == ["look-up of api.example.com"] * 3
    assert time.monotonic() - began < 0.2 + AT_ONCE_S


def test_look_ups_that_are_left_behind_are_counted_until_they_come_back_and_told_once_for_a_host(house: House) -> None:
    for host in ("a.example.com", "a.example.com", "b.example.com"):
        house.leave_behind(host)
    abandoned = house.hosts.abandoned
    house.resolver.may_answer.set()
    house.runtime.close(WAIT_S)

    assert (abandoned, house.hosts.abandoned) == (3, 0)
    assert house.events.seen == [
        ("lookup.abandoned", {"host": "a.example.com", "abandoned": 1}),
        ("lookup.abandoned", {"host": "b.example.com", "abandoned": 3}),
    ]


def test_with_too_many_left_behind_no_other_is_begun(house: House) -> None:
    for _ in range(MOST_ABANDONED):
        house.leave_behind()

    with pytest.raises(SourceError) as caught:
        house.send(CancelToken())

    assert caught.value.reason is Reason.NETWORK
    assert f"api.example.com is not looked up: {MOST_ABANDONED} look-ups of names hang" in str(caught.value)


def test_a_look_up_that_answers_in_time_leads_to_its_address(house: House) -> None:
    house.resolver.may_answer.set()

    found = house.hosts.addresses("api.example.com", 443, Exchange(60, house.clock, CancelToken()).wait)

    assert found == FOUND


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_thread(house: House, host: str) -> None:
    found = house.hosts.addresses(host, 443, lambda is_done, woken: False)

    assert [address[0] for *_, address in found] == [host]
    assert not house.resolver.asked.acquire(blocking=False)


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (UnicodeError("label too long"), "api.example.com cannot be looked up: UnicodeError"),
    ],
)
def test_a_look_up_that_fails_is_a_network_error(house: House, error: Exception, detail: str) -> None:
    def resolve(host: str, port: int) -> list[Address]:
        raise error

    house.hosts = HostNames(house.runtime.spawn, house.events, resolve)

    with pytest.raises(SourceError) as caught:
        house.send(CancelToken())

    assert caught.value.reason is Reason.NETWORK
    assert detail in str(caught.value)


def test_without_a_thread_for_it_a_look_up_is_a_network_error(house: House) -> None:
    def spawn(target: Callable[[], None], name: str) -> None:
        raise RuntimeError("can't start new thread")

    house.hosts = HostNames(spawn, house.events, house.resolver)

    with pytest.raises(SourceError, match="can't start new thread"):
        house.send(CancelToken())


def test_the_systems_own_resolver_is_asked_in_a_thread() -> None:
    runtime, clock = ThreadRuntime(), SystemClock()
    exchange = Exchange(clock.monotonic() + WAIT_S, clock, CancelToken())

    found = HostNames(runtime.spawn).addresses("localhost", 80, exchange.wait)

    assert {address[0] for *_, address in found} <= {"127.0.0.1", "::1"}
    assert runtime.close(WAIT_S) == []


def test_a_name_that_no_name_server_could_know_is_a_network_failure() -> None:
    with pytest.raises(OSError, match="cannot be looked up"):
        HostNames().addresses("x" * 64 + ".example", 443, lambda is_over, woken: True)
