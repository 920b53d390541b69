"""Several pieces of work one after the other in one place of an engine, each with an end of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.relay import Leg, Relay
from tests.moomarkets.engines.bench import WAIT_S, Bench

Work = Callable[[CancelToken], Any]


class Course:
    """A relay over an engine of threads, with works that tell when they begin and wait to be let go."""

    def __init__(self, bench: Bench, *works: Work) -> None:
        self.over = threading.Semaphore(0)
        self.begun: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.may_end = threading.Event()
        legs = [Leg(number, work, f"leg {number}") for number, work in enumerate(works)]
        self.relay: Relay[Any] = Relay(bench.engine, legs, lambda: 0.0, self.over.release)

    def run(self) -> list[Any]:
        """Run all legs to their end."""
        self.relay.start()
        assert self.over.acquire(timeout=WAIT_S)
        return self.relay.collect()


def waiting(course: list[Course], number: int) -> Work:
    """A work that goes on until it is let go, whatever its token says."""

    def work(token: CancelToken) -> int:
        course[0].begun.put(number)
        assert course[0].may_end.wait(WAIT_S)
        return number

    return work


def held(bench: Bench, legs: int) -> Course:
    """A relay whose first leg has begun and waits."""
    course: list[Course] = []
    course.append(Course(bench, *(waiting(course, number) for number in range(legs))))
    course[0].relay.start()
    assert course[0].begun.get(timeout=WAIT_S) == 0
    return course[0]


def test_the_legs_run_in_their_order_one_at_a_time_and_the_end_comes_once(threads: Bench) -> None:
    seen: list[int] = []

    course = Course(threads, *(lambda token, n=n: seen.append(n) or n for n in range(50)))
    runs = course.run()

    assert seen == [run.number for run in runs] == [run.outcome for run in runs] == list(range(50))
    assert not course.over.acquire(blocking=False)


def test_what_one_leg_raises_is_its_own_failure_alone(threads: Bench) -> None:
    def raises(token: CancelToken) -> None:
        raise SystemExit(3)

    course = Course(threads, raises, lambda token: "fine")
    first, second = course.run()

    assert first.outcome.reason is Reason.INVALID
    assert second.outcome == "fine"


def test_what_has_not_begun_can_be_taken_back_and_never_runs(threads: Bench) -> None:
    course = held(threads, legs=3)

    assert course.relay.take_back() == [1, 2]
    course.may_end.set()
    assert course.over.acquire(timeout=WAIT_S)

    assert [run.number for run in course.relay.collect()] == [0]
    assert course.begun.empty()


def test_a_cancel_reaches_the_leg_that_runs_and_no_other(threads: Bench) -> None:
    course = held(threads, legs=2)

    assert not course.relay.cancel(1, Reason.CANCELLED)
    assert course.relay.cancel(0, Reason.TIMED_OUT)
    assert not course.relay.cancel(0, Reason.CANCELLED)
    course.may_end.set()
    assert course.over.acquire(timeout=WAIT_S)

    assert [run.stopped_for for run in course.relay.collect()] == [Reason.TIMED_OUT, None]


def test_an_abandoned_leg_has_no_outcome_and_what_was_behind_it_never_runs(threads: Bench) -> None:
    course = held(threads, legs=2)

    leg = course.relay.abandon()
    again = course.relay.abandon()
    course.may_end.set()

    assert (leg and leg.number, again) == (0, None)
    assert not course.over.acquire(timeout=0.05)
    assert course.relay.collect() == []
    assert course.begun.empty()


def test_a_closed_engine_fails_all_legs_and_the_end_comes_once(threads: Bench) -> None:
    threads.engine.close()
    course = Course(threads, *(lambda token: 1 for _ in range(3)))

    runs = course.run()

    assert [run.outcome for run in runs] == [Failed(Reason.INTERRUPTED, "the engine is closed")] * 3
    assert not course.over.acquire(blocking=False)
