"""Engines for tests, and nothing left behind by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from moomarkets.engines.engine import Engine, Spawn
from moomarkets.engines.process import ProcessEngine
from moomarkets.engines.thread import ThreadEngine
from tests.moomarkets.engines.bench import Bench, children, descriptors
from tests.support.leaks import nothing_left

Make = Callable[..., Bench]


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    processes, opened = children(), descriptors()
    with nothing_left():
        yield
    assert children() <= processes
    assert descriptors() <= opened


@pytest.fixture
def threads(nothing_is_left: None) -> Iterator[Bench]:
    """An engine of threads."""
    bench = Bench(lambda spawn: ThreadEngine(spawn, "tests"))
    yield bench
    bench.close()


@pytest.fixture
def processes(nothing_is_left: None) -> Iterator[Make]:
    """Engines of processes: `processes(workers=1)`."""
    opened: list[Bench] = []

    def open_one(**given: int) -> Bench:
        opened.append(Bench(lambda spawn: ProcessEngine(spawn, **given)))
        return opened[-1]

    yield open_one
    for bench in opened:
        bench.close()


def thread_engine(spawn: Spawn) -> Engine:
    return ThreadEngine(spawn)


def process_engine(spawn: Spawn) -> Engine:
    return ProcessEngine(spawn, workers=4)


@pytest.fixture(params=[thread_engine, process_engine], ids=["thread", "process"])
def bench(nothing_is_left: None, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Every engine in turn."""
    bench = Bench(request.param)
    yield bench
    bench.close()
