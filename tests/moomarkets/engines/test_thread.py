"""What only threads have: work of any kind, and no way to end it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Ending, Failed, LostLease, Succeeded, Usage
from moomarkets.engines.thread import ThreadEngine
from tests.moomarkets.engines.bench import WAIT_S, Bench


class Hung:
    """Work that goes on until it is let go, whatever its token says."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, token: CancelToken) -> Ending:
        self.has_begun.set()
        assert self.may_end.wait(WAIT_S)
        return Succeeded()


@pytest.mark.parametrize("ending", [Succeeded(Usage(rows=3), True), Failed(Reason.AUTH, "401"), LostLease()])
def test_what_the_work_returns_is_its_outcome_itself(threads: Bench, ending: Ending) -> None:
    assert threads.run(lambda token: ending) is ending


def test_a_long_text_of_an_error_is_cut(threads: Bench) -> None:
    def work(token: CancelToken) -> Ending:
        raise ValueError("x" * 10_000)

    failure = threads.run(work)

    assert len(failure.detail) == 500


def test_threads_are_named_by_their_number(threads: Bench) -> None:
    together = threading.Barrier(5)

    def work(token: CancelToken) -> int:
        return together.wait(WAIT_S)

    for _ in range(5):
        threads.start(work)

    assert sorted(threads.next() for _ in range(5)) == [0, 1, 2, 3, 4]
    assert sorted(thread.name for thread in threads.threads.all) == [f"tests/{number}" for number in range(1, 6)]


def test_the_thread_of_an_abandoned_attempt_is_counted_until_it_comes_back_and_then_ends(threads: Bench) -> None:
    hung = Hung()
    started = threads.start(hung)
    assert hung.has_begun.wait(WAIT_S)

    started.abandon()
    other, abandoned = threads.run(lambda token: LostLease()), threads.engine.abandoned
    hung.may_end.set()
    threads.threads.all[0].join(WAIT_S)

    assert (other, abandoned) == (LostLease(), 1)
    assert (threads.engine.abandoned, threads.threads.all[0].is_alive()) == (0, False)


def test_closing_lets_idle_threads_end_and_busy_ones_after_their_attempt(threads: Bench) -> None:
    hung = Hung()
    threads.start(hung)
    assert hung.has_begun.wait(WAIT_S)
    threads.run(lambda token: LostLease())

    threads.engine.close()
    threads.threads.all[1].join(WAIT_S)
    is_idle_one_gone = not threads.threads.all[1].is_alive()
    hung.may_end.set()

    assert is_idle_one_gone
    assert threads.next() == Succeeded()


def test_a_machine_without_a_thread_left_says_so_to_whoever_starts() -> None:
    def spawn(target: Callable[[], None], name: str) -> None:
        raise RuntimeError("can't start new thread")

    engine = ThreadEngine(spawn)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        engine.start(lambda token: Succeeded(), CancelToken(), lambda outcome: None, "job")
