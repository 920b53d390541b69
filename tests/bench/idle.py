"""A supervisor that has nothing to do: its CPU over half a minute and its memory, both without Postgres."""

from __future__ import annotations

import time

import psutil

from tests.bench.measure import Figure
from tests.support.postgres import swept_directory
from tests.support.supervisor import playground

SETTLE_S, WATCH_S = 20.0, 30.0


def run() -> list[str]:
    """The process itself, after its first groups are done; a bare interpreter that sleeps is the baseline."""
    with swept_directory() as path:
        path.chmod(0o711)
        with playground(path / "data") as ground:
            supervisor = ground.start("--demo")
            supervisor.wait_ready()
            process = psutil.Process(supervisor.pid)
            time.sleep(SETTLE_S)
            before, started = process.cpu_times(), time.monotonic()
            time.sleep(WATCH_S)
            after, seconds = process.cpu_times(), time.monotonic() - started
            resident = process.memory_info().rss / 2**20
            supervisor.kill()
    used = (after.user + after.system) - (before.user + before.system)
    return [
        Figure("idle CPU of one core", "%", [100 * used / seconds], goal=0.5).line(),
        Figure("idle memory (RSS)", "MiB", [resident], goal=120).line(),
    ]
