"""How long the manager takes to answer while Postgres is frozen for two seconds and every executor is stuck."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

from actors import job_manager
from tests.bench.ground import BenchJob, bench_system, durable_server
from tests.bench.measure import Figure, timed_ms
from tests.support.frozen import frozen

EXECUTORS = 8


def run() -> list[str]:
    """Answers before and during the freeze."""
    release = threading.Event()
    with durable_server() as server, tempfile.TemporaryDirectory() as home:
        stuck = BenchJob("stuck", lambda attempt, token: release.wait(60))
        with bench_system(Path(home), server, stuck, executors=EXECUTORS) as system:
            for number in range(EXECUTORS):
                system.jobs.enqueue("stuck", {"number": number})
            while len(job_manager.status(system.runtime)["running"]) < EXECUTORS:  # type: ignore[arg-type]
                time.sleep(0.01)
            before = Figure(
                "status, all executors stuck", "ms", timed_ms(lambda: job_manager.status(system.runtime), 200)
            )
            with frozen(server):
                asked = timed_ms(lambda: (job_manager.status(system.runtime), time.sleep(0.01)), 200)
            release.set()
    worst = Figure("status while Postgres is frozen, worst", "ms", [max(asked) - 10], goal=50)
    return [before.line(), worst.line(before)]
