"""Storing jobs, durable on return: one by one, and 10,000 in one call; beside rivals."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from moomarkets.system import System
from tests.bench.ground import BenchJob, bench_system, clear, durable_server
from tests.bench.measure import Figure
from tests.bench.rivals import rivals

ONE_BY_ONE, BATCH, TIMES = 2000, 10_000, 3


def run() -> list[str]:
    """Ours while nothing is drained: the scheduler is switched off, as in the rivals' runs."""
    with durable_server() as server, rivals(server, "pgqueuer", "procrastinate") as others:
        beside = [
            rival.rate(workload, count)
            for rival in others
            for workload, count in (("enqueue one by one", ONE_BY_ONE), ("enqueue a batch", BATCH))
        ]
        job = BenchJob("noop", lambda attempt, token: None)
        with tempfile.TemporaryDirectory() as home, bench_system(Path(home), server, job) as system:
            system.switches.pause()
            one = [ONE_BY_ONE / _one_by_one(system) for _ in range(TIMES)]
            batch = [BATCH / _batch(system) for _ in range(TIMES)]
    figures = [
        Figure("enqueue one by one", "jobs/s", one, goal=4500, is_more_better=True),
        Figure("enqueue a batch of 10,000", "jobs/s", batch, goal=80_000, is_more_better=True),
    ]
    return [figure.line() for figure in (*figures, *beside)]


def _one_by_one(system: System) -> float:
    clear(system)
    started = time.perf_counter()
    for number in range(ONE_BY_ONE):
        system.jobs.enqueue("noop", {"number": number})
    return time.perf_counter() - started


def _batch(system: System) -> float:
    clear(system)
    parameters = [{"number": number} for number in range(BATCH)]
    started = time.perf_counter()
    system.jobs.enqueue_many("noop", parameters)
    return time.perf_counter() - started
