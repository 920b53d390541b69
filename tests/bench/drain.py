"""Draining 10,000 stored jobs that do nothing, in one process; end state and history row durable; beside rivals."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.ground import BenchJob, bench_system, clear, drain, durable_server
from tests.bench.measure import Figure
from tests.bench.rivals import rivals

JOBS, TIMES, EXECUTORS = 10_000, 5, 8


def run() -> list[str]:
    """Ours, then each rival with its defaults and at its documented best, on the same server."""
    with durable_server() as server, rivals(server, "pgqueuer", "procrastinate") as others:
        beside = [
            rival.rate(workload, JOBS if rival.name == "pgqueuer" else JOBS // 5)
            for rival in others
            for workload in ("drain", "drain at its best")
        ]
        job, rates = BenchJob("noop", lambda attempt, token: None), []
        with (
            tempfile.TemporaryDirectory() as home,
            bench_system(Path(home), server, job, executors=EXECUTORS) as system,
        ):
            drain(system, "noop", JOBS)  # warms up
            for _ in range(TIMES):
                clear(system)
                rates.append(JOBS / drain(system, "noop", JOBS))
    ours = Figure("drain of 10,000 no-op jobs", "jobs/s", rates, goal=21_776, is_more_better=True)
    return [ours.line(), *(f"{figure.line()}  ours: {ours.median / figure.median:.2f} x" for figure in beside)]
