"""What every simulator can do: admin paths, faults by request, a ledger, a clean end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest

from datasources.simulators.faults import KINDS, Answer, Fault, Faults
from datasources.simulators.server import Question, json_answer
from datasources.simulators.yahoo import YahooSimulator
from tests.datasources.support import ScriptedProvider


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider(lambda question: json_answer(200, dict(question.query), rows=3)) as provider:
        yield provider


def ask(provider: ScriptedProvider, method: str, target: str, content: object = None) -> tuple[int, Any]:
    connection = HTTPConnection(urlsplit(provider.url).netloc, timeout=10)
    connection.request(method, target, body=None if content is None else json.dumps(content))
    answer = connection.getresponse()
    status, body = answer.status, json.loads(answer.read())
    connection.close()
    return status, body


def test_the_ledger_tells_every_request_but_those_of_the_admin(provider: ScriptedProvider) -> None:
    ask(provider, "GET", "/a?x=1&empty=")
    ask(provider, "GET", "/_sim/clock")

    _, ledger = ask(provider, "GET", "/_sim/ledger")

    (entry,) = ledger["requests"]
    assert entry.pop("at_s") > 0
    assert entry == {"method": "GET", "target": "/a?x=1&empty=", "key": "", "status": 200, "rows": 3}


def test_faults_are_ordered_by_request_and_cleared(provider: ScriptedProvider) -> None:
    ask(provider, "POST", "/_sim/faults", {"kind": "status", "status": 504, "path": "/b"})
    assert [ask(provider, "GET", path)[0] for path in ("/a", "/b", "/b")] == [200, 504, 200]

    ask(provider, "POST", "/_sim/faults", [{"kind": "status", "times": 9}])
    ask(provider, "POST", "/_sim/faults", [])
    assert ask(provider, "GET", "/a")[0] == 200


@pytest.mark.parametrize("given", [{"kind": "earthquake"}, {"no": "kind"}, 7, "text"])
def test_an_unknown_fault_is_refused(provider: ScriptedProvider, given: object) -> None:
    assert ask(provider, "POST", "/_sim/faults", given)[0] == 400


def test_the_clock_is_moved_and_set(provider: ScriptedProvider) -> None:
    _, before = ask(provider, "GET", "/_sim/clock")
    _, moved = ask(provider, "POST", "/_sim/clock", {"advance_s": 3600})
    _, was_set = ask(provider, "POST", "/_sim/clock", {"now": "2027-01-04T17:00:00+09:00"})

    assert moved["monotonic_s"] - before["monotonic_s"] >= 3600
    assert was_set["now"].startswith("2027-01-04T08:00:00")


def test_a_mistake_of_a_simulator_is_told() -> None:
    def stumble(question: Question) -> Answer:
        raise KeyError(question.path)

    with ScriptedProvider(stumble) as provider:
        assert ask(provider, "GET", "/a") == (500, {"message": "the simulator failed: KeyError: '/a'"})


def test_an_unknown_admin_path_is_a_404(provider: ScriptedProvider) -> None:
    assert ask(provider, "GET", "/_sim/nothing")[0] == 404


def test_stopping_ends_a_request_that_hangs(provider: ScriptedProvider) -> None:
    provider.faults.add(Fault("hang"))
    ended: list[type[BaseException]] = []

    def attempt() -> None:
        with pytest.raises((RemoteDisconnected, ConnectionError)) as caught:
            ask(provider, "GET", "/a")
        ended.append(caught.type)

    thread = threading.Thread(target=attempt)
    thread.start()
    assert provider.asked.wait(5)
    provider.stop()
    thread.join(5)

    assert len(ended) == 1


def test_a_fault_is_used_as_often_as_it_says() -> None:
    faults = Faults()
    faults.add(Fault("drop", times=2), Fault("html"))

    taken = [[fault.kind for fault in faults.take("/any")] for _ in range(3)]

    assert taken == [["drop", "html"], ["drop"], []]


def test_every_kind_can_be_asked_for() -> None:
    assert all(Fault(kind).kind == kind for kind in KINDS)


def test_a_simulator_may_be_started_again() -> None:
    simulator = YahooSimulator(today=date(2026, 11, 20))

    for _ in range(2):
        with simulator:
            assert simulator.url
    simulator.stop()

    with pytest.raises(RuntimeError, match="expected to be started"):
        _ = simulator.url
