"""2,000 jobs of 50 ms on 100 executors: the ideal is 2,000 a second."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.ground import BenchJob, bench_system, clear, drain, durable_server
from tests.bench.measure import Figure
from tests.bench.rivals import rivals

JOBS, WIDE, SECONDS, TIMES = 2000, 100, 0.05, 3


def run() -> list[str]:
    """Our jobs with their durable ends and history, beside a bare pool of as many threads that stores nothing."""
    rates = []
    with durable_server() as server, tempfile.TemporaryDirectory() as home:
        job = BenchJob("sleep", lambda attempt, token: token.sleep(SECONDS))
        with bench_system(Path(home), server, job, executors=WIDE) as system:
            for _ in range(TIMES):
                clear(system)
                rates.append(JOBS / drain(system, "sleep", JOBS))
        with rivals(server, "apscheduler") as others:
            beside = [rival.rate("width", JOBS) for rival in others]
    bare = Figure("bare thread pool, nothing stored", "jobs/s", [_bare() for _ in range(TIMES)])
    ours = Figure("2,000 x 50 ms at 100 wide", "jobs/s", rates, goal=1930, is_more_better=True)
    return [
        bare.line(),
        ours.line(bare),
        *(f"{rival.line()}  ours: {ours.median / rival.median:.2f} x" for rival in beside),
    ]


def _bare() -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(WIDE) as pool:
        list(pool.map(lambda _: time.sleep(SECONDS), range(JOBS)))
    return JOBS / (time.perf_counter() - started)
