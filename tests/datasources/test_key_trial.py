"""A key that nobody has accepted yet is tried by one request; a refusal speaks for all for a moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from datasources.key_trial import REMEMBERED_S, KeyTrial
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Cancelled, Reason, SourceError
from moomarkets.testing.manual_clock import ManualClock


class Provider:
    """Answers with `status`, and counts."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked = status, 0

    def ask(self) -> int:
        self.asked += 1
        return self.status


def go(trial: KeyTrial, provider: Provider, token: CancelToken | None = None) -> int:
    return trial.go(provider.ask, lambda status: status == 403, token or CancelToken())


def test_of_twenty_with_a_wrong_key_one_asks() -> None:
    trial, provider = KeyTrial("x", ManualClock()), Provider(403)

    def reason(_: int) -> object:
        try:
            return go(trial, provider)
        except SourceError as error:
            return error.reason, error.status

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(reason, range(20)))

    assert provider.asked == 1
    assert sorted(map(str, found)) == sorted(["403", *[str((Reason.AUTH, None))] * 19])


def test_a_refusal_is_forgotten_after_a_moment() -> None:
    clock = ManualClock()
    trial, provider = KeyTrial("x", clock), Provider(403)
    go(trial, provider)
    clock.advance(REMEMBERED_S + 1)

    provider.status = 200

    assert (go(trial, provider), provider.asked) == (200, 2)


def test_with_an_accepted_key_nobody_waits() -> None:
    trial, provider = KeyTrial("x", ManualClock()), Provider()
    go(trial, provider)
    inside, leave = threading.Event(), threading.Event()

    def slow() -> int:
        inside.set()
        leave.wait(10)
        return 200

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: trial.go(slow, lambda status: False, CancelToken()))
        assert inside.wait(10)

        assert go(trial, provider) == 200

        leave.set()
        assert first.result(10) == 200


def test_who_waits_can_be_cancelled_and_does_not_wait_for_one_that_hangs() -> None:
    trial, provider, token = KeyTrial("x", ManualClock()), Provider(), CancelToken()
    inside, leave = threading.Event(), threading.Event()

    def hanging() -> int:
        inside.set()
        leave.wait(30)
        return 200

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: trial.go(hanging, lambda status: False, CancelToken()))
        assert inside.wait(10)
        token.cancel()
        with pytest.raises(Cancelled):
            go(trial, provider, token)
        assert go(trial, provider) == 200
        leave.set()
