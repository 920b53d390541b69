from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Cancelled, Reason, SourceError
from moomarkets.domain.job import Ending, Failed, LostLease, Succeeded, Usage
from moomarkets.engines.engine import Started
from moomarkets.engines.thread import ThreadEngine

WAIT_S = 10


class Threads:
    """Starts threads and remembers them."""

    def __init__(self) -> None:
        self.all: list[threading.Thread] = []

    def __call__(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self.all.append(thread)
        thread.start()

    def join(self) -> bool:
        """Wait for all to end; whether they did."""
        for thread in self.all:
            thread.join(WAIT_S)
        return not any(thread.is_alive() for thread in self.all)


class Bench:
    """An engine, its threads, and the endings that it reported."""

    def __init__(self) -> None:
        self.threads, self.endings = Threads(), queue.SimpleQueue[Ending]()
        self.engine = ThreadEngine(self.threads, "tests")

    def start(self, work: Callable[[CancelToken], Ending], token: CancelToken | None = None) -> Started:
        return self.engine.start(work, token or CancelToken(), self.endings.put, "job")

    def run(self, work: Callable[[CancelToken], Ending], token: CancelToken | None = None) -> Ending:
        self.start(work, token)
        return self.endings.get(timeout=WAIT_S)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.engine.close()
    assert bench.threads.join()


class Hung:
    """Work that goes on until it is let go, whatever its token says."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, token: CancelToken) -> Ending:
        self.has_begun.set()
        assert self.may_end.wait(WAIT_S)
        return Succeeded()


class Unspeakable(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize("ending", [Succeeded(Usage(rows=3), True), Failed(Reason.AUTH, "401"), LostLease()])
def test_what_the_work_returns_is_its_ending(bench: Bench, ending: Ending) -> None:
    assert bench.run(lambda token: ending) is ending


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"), RuntimeError(), MemoryError(), RecursionError(), StopIteration(), SystemExit(1),
        KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), BaseExceptionGroup("many", [SystemExit()]),
        Unspeakable(),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_the_work_raises_is_a_failure_that_names_its_type(bench: Bench, error: BaseException) -> None:
    def work(token: CancelToken) -> Ending:
        raise error

    ending = bench.run(work)

    assert isinstance(ending, Failed)
    assert ending.reason is Reason.INVALID
    assert ending.detail.startswith(type(error).__name__)
    assert bench.run(lambda token: LostLease()) == LostLease()


def test_an_endless_recursion_is_a_failure(bench: Bench) -> None:
    def work(token: CancelToken) -> Ending:
        return work(token)

    ending = bench.run(work)

    assert isinstance(ending, Failed)
    assert "RecursionError" in ending.detail


def test_an_attempt_error_keeps_its_reason(bench: Bench) -> None:
    def work(token: CancelToken) -> Ending:
        raise SourceError(Reason.UPSTREAM, "503", source="jquants")

    assert bench.run(work) == Failed(Reason.UPSTREAM, "503")


def test_the_work_learns_that_it_is_cancelled(bench: Bench) -> None:
    token = CancelToken()

    def work(token: CancelToken) -> Ending:
        token.sleep(WAIT_S)
        return Succeeded()

    bench.start(work, token)
    token.cancel(Reason.TIMED_OUT)

    assert bench.endings.get(timeout=WAIT_S) == Failed(Cancelled(Reason.TIMED_OUT).reason)


def test_a_long_text_of_an_error_is_cut(bench: Bench) -> None:
    def work(token: CancelToken) -> Ending:
        raise ValueError("x" * 10_000)

    ending = bench.run(work)

    assert isinstance(ending, Failed)
    assert len(ending.detail) == 500


def test_a_thread_is_used_again(bench: Bench) -> None:
    for _ in range(20):
        bench.run(lambda token: Succeeded())

    assert len(bench.threads.all) == 1


def test_attempts_run_side_by_side(bench: Bench) -> None:
    together = threading.Barrier(5)

    def work(token: CancelToken) -> Ending:
        together.wait(WAIT_S)
        return Succeeded()

    for _ in range(5):
        bench.start(work)

    assert [bench.endings.get(timeout=WAIT_S) for _ in range(5)] == [Succeeded()] * 5
    assert len({thread.name for thread in bench.threads.all}) == 5


def test_an_abandoned_attempt_is_replaced_and_its_ending_dropped(bench: Bench) -> None:
    hung = Hung()
    started = bench.start(hung)
    assert hung.has_begun.wait(WAIT_S)

    started.abandon()
    started.abandon()
    other = bench.run(lambda token: LostLease())
    abandoned = bench.engine.abandoned
    hung.may_end.set()
    bench.threads.all[0].join(WAIT_S)

    assert (other, abandoned) == (LostLease(), 1)
    assert bench.endings.empty()
    assert (bench.engine.abandoned, bench.threads.all[0].is_alive()) == (0, False)


def test_abandoning_what_is_over_changes_nothing(bench: Bench) -> None:
    started = bench.start(lambda token: Succeeded())
    bench.endings.get(timeout=WAIT_S)

    started.abandon()

    assert bench.engine.abandoned == 0
    assert bench.run(lambda token: LostLease()) == LostLease()
    assert len(bench.threads.all) == 1


def test_closing_lets_idle_threads_end_and_busy_ones_after_their_attempt() -> None:
    bench, hung = Bench(), Hung()
    bench.start(hung)
    assert hung.has_begun.wait(WAIT_S)
    bench.run(lambda token: LostLease())

    bench.engine.close()
    bench.threads.all[1].join(WAIT_S)
    is_idle_one_gone = not bench.threads.all[1].is_alive()
    hung.may_end.set()

    assert is_idle_one_gone
    assert bench.endings.get(timeout=WAIT_S) == Succeeded()
    assert bench.threads.join()
