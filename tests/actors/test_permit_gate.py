"""The gate: where the thread of an attempt waits for its permit, and nobody else does."""

from __future__ import annotations

import time

import pytest

from actors.permit_gate import LimiterGate
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import AttemptError, Cancelled, Reason
from moomarkets.domain.limits import Window
from tests.actors.office import BARS, Hire
from tests.actors.otp.patience import eventually


def test_who_cancels_while_waiting_frees_the_place(hire: Hire) -> None:
    """O11."""
    office = hire(Window(1, 0.5))
    office.use()
    token = CancelToken()

    def wait() -> None:
        with pytest.raises(Cancelled), office.gate.permit(BARS, token):
            raise AssertionError("expected no permit")

    waiting = office.runtime.spawn(wait, "waiting")
    assert eventually(lambda: office.runtime.whereis(office.limiter) is not None)
    token.cancel(Reason.INTERRUPTED)
    office.runtime.wait_for(waiting, 5)
    waiting.result()

    office.use()
    assert office.live() == 2


def test_an_unsent_permit_is_given_back(hire: Hire) -> None:
    office = hire(Window(1, 60))

    for _ in range(3):
        with office.gate.permit(BARS, CancelToken()) as permit:
            permit.unsent()

    assert eventually(lambda: office.live() == 0)


def test_a_request_that_was_cut_off_counts_until_its_deadline(hire: Hire) -> None:
    office = hire(Window(1, 0.1), deadline_s=1.0)
    token = CancelToken()
    began = time.monotonic()

    def fetch() -> None:
        with office.gate.permit(BARS, token):
            token.cancel(Reason.CANCELLED)
            token.check()

    with pytest.raises(Cancelled):
        fetch()
    office.use()

    assert time.monotonic() - began >= 1.1


class LeapingClock(SystemClock):
    """The machine's clock; `leap_s` is what it slept, as boot time shows it."""

    leap_s = 0.0

    def boottime(self) -> float:
        return super().boottime() + self.leap_s


def test_a_permit_that_grew_too_old_is_refused_and_given_back(hire: Hire) -> None:
    clock = LeapingClock()
    office = hire(Window(1, 60), clock=clock)

    def use() -> None:
        with office.gate.permit(BARS, CancelToken()) as permit:
            clock.leap_s = 6.0
            permit.check()

    with pytest.raises(AttemptError, match="too old") as failure:
        use()

    assert failure.value.reason is Reason.INTERRUPTED
    assert eventually(lambda: office.live() == 0)


def test_a_fresh_permit_passes_its_last_check(hire: Hire) -> None:
    office = hire(Window(1, 60))

    with office.gate.permit(BARS, CancelToken()) as permit:
        permit.check()
        left_s = permit.deadline - time.monotonic()

    assert 25 < left_s <= 30


def test_who_waits_while_the_limiter_dies_gets_a_permit_from_the_next_one(hire: Hire) -> None:
    """O10."""
    office = hire(Window(1, 1.0))
    office.use()

    waiting = office.runtime.spawn(office.use, "waiting")
    assert eventually(lambda: office.has_waiter)
    office.runtime.kill(office.limiter)

    assert office.runtime.wait_for(waiting, 10)
    waiting.result()
    assert office.live() == 2


def test_a_429_is_recorded_though_the_limiter_has_just_died(hire: Hire) -> None:
    office = hire(Window(100, 60))
    office.use()
    office.runtime.kill(office.limiter)

    office.gate.silence(30.0)

    assert office.books.value("SELECT silent_until > now() FROM permit_buckets")


def test_a_gate_without_a_limiter_gives_up_with_an_error_that_costs_no_attempt(
    hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = hire(Window(1, 60))
    monkeypatch.setattr("actors.permit_gate.WAIT_S", 0.0)
    gate = LimiterGate(office.runtime, office.rules, lambda rules: None)

    with pytest.raises(AttemptError, match="does not come back") as failure, gate.permit(BARS, CancelToken()):
        raise AssertionError("expected no permit")

    assert failure.value.reason is Reason.INTERRUPTED


def test_a_permit_that_is_out_when_a_429_comes_is_refused_and_given_back(hire: Hire) -> None:
    office = hire(Window(5, 60))

    def use() -> None:
        with office.gate.permit(BARS, CancelToken()) as permit:
            office.gate.silence(30.0)
            permit.check()

    with pytest.raises(AttemptError, match="429") as failure:
        use()

    assert failure.value.reason is Reason.RATE_LIMITED
    assert eventually(lambda: office.live() == 0)


def test_who_asks_a_paused_source_goes_back_and_pays_nothing_until_it_is_resumed(
    hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = hire(Window(5, 60))
    monkeypatch.setattr("actors.permit_gate.PAUSED_WAIT_S", 0.0)
    office.use()
    office.books.change("UPDATE data_sources SET is_paused = true")

    with pytest.raises(AttemptError, match="sim is paused") as failure:
        office.use()
    office.books.change("UPDATE data_sources SET is_paused = false")
    office.use()

    assert failure.value.reason is Reason.INTERRUPTED
    assert office.live() == 2


def test_who_waits_for_a_full_window_when_the_source_is_paused_goes_back_too(
    hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = hire(Window(1, 86400))
    monkeypatch.setattr("actors.permit_gate.PAUSED_WAIT_S", 0.0)
    office.use()

    waiting = office.runtime.spawn(office.use, "waiting")
    assert eventually(lambda: office.has_waiter)
    office.books.change("UPDATE data_sources SET is_paused = true")

    assert office.runtime.wait_for(waiting, 30)
    with pytest.raises(AttemptError, match="sim is paused"):
        waiting.result()


def test_a_permit_from_after_the_silence_is_good(hire: Hire) -> None:
    office = hire(Window(5, 60))
    office.use()
    office.gate.silence(1.0)

    with office.gate.permit(BARS, CancelToken()) as permit:
        permit.check()

    assert office.live() == 2


def test_who_waits_for_a_window_of_a_day_goes_back_before_his_deadline_and_pays_nothing(
    hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = hire(Window(1, 86400))
    office.use()
    monkeypatch.setattr("actors.permit_gate.PATIENCE_S", 0.05)

    with pytest.raises(AttemptError, match="no request was allowed") as failure:
        office.use()

    assert failure.value.reason is Reason.RATE_LIMITED
    assert office.live() == 1
