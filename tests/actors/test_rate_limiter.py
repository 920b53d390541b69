"""The RateLimiter: no window ever overflows, a 429 silences all, and the store remembers for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import pytest

from actors.otp.thread_runtime import ThreadRuntime
from actors.rate_limiter import Acquire, Grant, Silence, release
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Cancelled, Reason
from moomarkets.domain.limits import Window
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.office import BARS, OTHER, Hire, Office
from tests.actors.otp.patience import eventually


def side_by_side(runtime: ThreadRuntime, works: Sequence[Callable[[], object]]) -> None:
    """Run all at once, each in a thread of its own; raises what one of them raised."""
    running = [runtime.spawn(work, f"work {number}") for number, work in enumerate(works)]
    for one in running:
        assert runtime.wait_for(one, 30)
        one.result()


def most_in_a_window(times: list[float], seconds: float) -> int:
    """The largest number of `times` in any stretch of `seconds`."""
    return max(sum(1 for other in times if first <= other < first + seconds) for first in times)


def test_a_storm_of_two_nodes_never_overflows_any_sliding_window(hire: Hire) -> None:
    offices = [hire(Window(8, 0.4), Window(14, 1.0)), hire(Window(8, 0.4), Window(14, 1.0))]
    arrivals: list[float] = []

    def send(office: Office) -> Callable[[], None]:
        def work() -> None:
            for _ in range(4):
                with office.gate.permit(BARS, CancelToken()) as permit:
                    arrivals.append(time.monotonic())
                    permit.answered()

        return work

    side_by_side(offices[0].runtime, [send(office) for office in offices for _ in range(5)])

    assert len(arrivals) == 40
    assert most_in_a_window(arrivals, 0.4) <= 8
    assert most_in_a_window(arrivals, 1.0) <= 14


def test_an_endpoint_of_its_own_window_is_held_to_both(hire: Hire, books: Books) -> None:
    office = hire(Window(100, 60), endpoint_windows={"other": (Window(1, 60),)})
    office.use(1, OTHER)

    second = office.runtime.request(office.limiter, Acquire("other"))
    office.use(3, BARS) if second.is_done else None

    assert office.books.value("SELECT count(*) FROM permits WHERE endpoint = 'other'") == 1
    assert not second.is_done


def test_a_permit_that_nobody_takes_any_more_goes_back(hire: Hire) -> None:
    """O11."""
    office = hire(Window(10, 60))
    office.use()
    before = office.live()

    promise = office.runtime.request(office.limiter, Acquire("bars"))
    promise.fail(Cancelled(Reason.CANCELLED))
    office.use()

    assert eventually(lambda: office.live() == before + 1)


def test_a_limiter_that_died_comes_back_with_what_was_spent(hire: Hire) -> None:
    """O10."""
    office = hire(Window(3, 60))
    office.use(3)

    office.runtime.kill(office.limiter)
    office.ensure(office.rules)
    promise = office.runtime.request(office.limiter, Acquire("bars"))
    office.runtime.wait_for(promise, 0.3)

    assert not promise.is_done
    assert office.live() == 3


def test_an_end_or_a_429_that_reaches_a_limiter_that_has_just_started_counts(hire: Hire, books: Books) -> None:
    office = hire(Window(1, 60))
    permit_id = uuid4()
    office.ensure(office.rules)

    release(office.runtime, office.limiter, permit_id, is_sent=True)
    silence_s = office.runtime.call(office.limiter, Silence(2.0))

    assert silence_s == pytest.approx(2.0, abs=0.1)
    assert office.runtime.whereis(office.limiter) is not None


def test_a_429_silences_all_nodes_until_it_is_over_and_then_one_probe_goes_first(
    hire: Hire, events: RecordedEvents
) -> None:
    offices = [hire(Window(100, 60)), hire(Window(100, 60))]
    offices[0].use()
    offices[0].gate.silence(1.0)
    began, lock, went_s = time.monotonic(), threading.Lock(), list[float]()

    def send(office: Office) -> None:
        with office.gate.permit(BARS, CancelToken()) as permit:
            permit.answered()
            with lock:
                went_s.append(time.monotonic() - began)
                is_probe = len(went_s) == 1
            if is_probe:
                assert eventually(lambda: all(office.has_waiter for office in offices))
                assert len(went_s) == 1

    side_by_side(offices[0].runtime, [partial(send, office) for office in offices for _ in range(2)])

    assert min(went_s) >= 0.95
    assert len(went_s) == 4
    assert events.of("source.silenced", source="sim")


def test_while_the_probe_is_under_way_the_store_is_not_asked_again_and_again(hire: Hire) -> None:
    office = hire(Window(100, 60))
    office.use()
    office.gate.silence(1.0)

    with office.gate.permit(BARS, CancelToken()) as permit:
        permit.answered()
        waiting = office.runtime.spawn(office.use, "waiting")
        assert eventually(lambda: office.has_waiter)
        ref = office.runtime.whereis(office.limiter)
        assert ref is not None
        before = ref.process.handled
        office.runtime.wait_for(waiting, 0.3)
        asked = ref.process.handled - before
    office.runtime.wait_for(waiting, 5)
    waiting.result()

    assert asked < 10


def test_a_silence_outlives_the_limiter_that_recorded_it(hire: Hire) -> None:
    office = hire(Window(100, 60))
    office.use()
    office.gate.silence(30.0)

    office.runtime.kill(office.limiter)
    office.ensure(office.rules)
    promise = office.runtime.request(office.limiter, Acquire("bars"))
    office.runtime.wait_for(promise, 0.3)

    assert not promise.is_done
    assert office.books.value("SELECT silent_until > now() FROM permit_buckets")


def test_a_grant_counts_its_times_from_before_it_was_reserved(hire: Hire) -> None:
    office = hire(Window(1, 60))
    office.ensure(office.rules)
    began = time.monotonic()

    grant: Grant = office.runtime.call(office.limiter, Acquire("bars"))

    assert began + 30 <= grant.deadline <= time.monotonic() + 30
    assert office.books.value("SELECT id FROM permits") == grant.permit_id
