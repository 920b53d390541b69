"""The main thread of the supervisor hears what ends its work, however much else it is told or waits for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.wakes import Aside, Wakes


@pytest.fixture
def wakes() -> Iterator[Wakes]:
    with closing(Wakes()) as wakes:
        yield wakes


@pytest.fixture
def runtime() -> Iterator[ThreadRuntime]:
    runtime = ThreadRuntime()
    yield runtime
    assert runtime.close(5) == []


@pytest.fixture
def stuck(runtime: ThreadRuntime) -> Iterator[threading.Event]:
    """What work waits for that does not end; the test's end ends it."""
    stuck = threading.Event()
    yield stuck
    stuck.set()


def test_the_end_of_the_tree_is_heard_behind_any_number_of_changes(wakes: Wakes) -> None:
    for _ in range(2000):
        wakes.wake()

    wakes.end()
    wakes.wait(5)

    assert wakes.is_over


def test_who_is_told_of_a_change_waits_no_longer(wakes: Wakes) -> None:
    wakes.wake()

    wakes.wait(None)

    assert not wakes.is_over


def test_what_is_asked_aside_is_answered(wakes: Wakes, runtime: ThreadRuntime) -> None:
    assert Aside(runtime, wakes).get(lambda: 7) == 7
    assert Aside(runtime, wakes).get_within(5, lambda: 7) == 7


def test_what_fails_aside_fails_for_who_asked(wakes: Wakes, runtime: ThreadRuntime) -> None:
    def fail() -> None:
        raise StoreUnavailable("database: gone")

    for ask in (Aside(runtime, wakes).get, lambda work: Aside(runtime, wakes).get_within(5, work)):
        with pytest.raises(StoreUnavailable, match="gone"):
            ask(fail)


def test_a_reason_to_stop_ends_the_wait_for_an_answer_that_does_not_come(
    wakes: Wakes, runtime: ThreadRuntime, stuck: threading.Event
) -> None:
    asked = threading.Event()
    runtime.spawn(lambda: (asked.wait(5), wakes.end()), "the end")

    answer = Aside(runtime, wakes).get(lambda: (asked.set(), stuck.wait(30)))

    assert answer is None


def test_once_there_is_a_reason_to_stop_nothing_more_is_asked(wakes: Wakes, runtime: ThreadRuntime) -> None:
    asked = []
    wakes.end()

    assert Aside(runtime, wakes).get(lambda: asked.append(1)) is None
    assert asked == []


def test_an_answer_that_takes_too_long_is_the_databases_fault(
    wakes: Wakes, runtime: ThreadRuntime, stuck: threading.Event
) -> None:
    with pytest.raises(StoreUnavailable, match=r"expected an answer within 0\.01 s"):
        Aside(runtime, wakes).get_within(0.01, lambda: stuck.wait(30))


def test_many_questions_leave_nothing_behind_that_waits_for_the_end(wakes: Wakes, runtime: ThreadRuntime) -> None:
    aside = Aside(runtime, wakes)

    for number in range(100):
        aside.get(lambda number=number: number)  # type: ignore[misc]

    assert not wakes.over._hooks
