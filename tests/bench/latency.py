"""From a stored job to the start of its code, on an idle system; beside the round trip of a bare notification."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import psycopg

from tests.bench.ground import BenchJob, bench_system, durable_server
from tests.bench.measure import Figure, percentile
from tests.bench.rivals import rivals

TIMES = 200
PAUSE_S = 0.02  # long enough for both to be idle


def run() -> list[str]:
    """One job at a time, each enqueued once the one before has ended."""
    with durable_server() as server, tempfile.TemporaryDirectory() as home:
        started = threading.Semaphore(0)
        at: list[float] = []

        def note(*_: object) -> None:
            at.append(time.perf_counter())
            started.release()

        with bench_system(Path(home), server, BenchJob("note", note)) as system:
            values = []
            for number in range(TIMES):
                asked = time.perf_counter()
                system.jobs.enqueue("note", {"number": number})
                started.acquire(timeout=10)
                values.append((at[-1] - asked) * 1000)
                time.sleep(PAUSE_S)
        with rivals(server, "pgqueuer") as others:
            beside = [Figure(f"{rival.name}, latency", "ms", rival.values("latency", TIMES, 1)) for rival in others]
        bare = Figure("bare INSERT + NOTIFY to LISTEN", "ms", _notifications(server.dsn("owner")))
    start = Figure("enqueue to start, idle, p50", "ms", values, goal=1.5)
    return [
        bare.line(),
        start.line(bare),
        Figure("enqueue to start, idle, p99", "ms", [percentile(values, 0.99)], goal=4).line(),
        *(figure.line(bare) for figure in beside),
        *(Figure(f"{figure.name}, p99", "ms", [percentile(figure.values, 0.99)]).line() for figure in beside),
    ]


def _notifications(url: str) -> list[float]:
    values = []
    with psycopg.connect(url, autocommit=True) as hears, psycopg.connect(url, autocommit=True) as says:
        hears.execute("LISTEN bench")
        says.execute("CREATE TABLE bench (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now())")
        for _ in range(TIMES):
            time.sleep(PAUSE_S)
            asked = time.perf_counter()
            says.execute("WITH made AS (INSERT INTO bench DEFAULT VALUES) SELECT pg_notify('bench', '')")
            next(hears.notifies(timeout=5, stop_after=1))
            values.append((time.perf_counter() - asked) * 1000)
    return values
