"""The memory of a process that works beside 1,000,000 queued jobs, without Postgres."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil

from tests.bench.ground import BenchJob, bench_system, clear, drain, durable_server, store
from tests.bench.measure import Figure

QUEUED, JOBS = 1_000_000, 2000


def run() -> list[str]:
    """Before they are stored, and while some of them are being worked on."""
    process = psutil.Process()
    with (
        durable_server() as server,
        tempfile.TemporaryDirectory() as home,
        bench_system(Path(home), server, BenchJob("noop", lambda attempt, token: None)) as system,
    ):
        drain(system, "noop", JOBS)
        clear(system)
        before = Figure("memory (RSS) with an empty queue", "MiB", [process.memory_info().rss / 2**20])
        store(system, "of another node", QUEUED)
        drain(system, "noop", JOBS, is_alone=False)
        after = Figure("memory (RSS), 1,000,000 jobs queued", "MiB", [process.memory_info().rss / 2**20], goal=200)
    return [before.line(), after.line(before)]
