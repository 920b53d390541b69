"""From nothing to the first stored row: a fresh virtual environment, the package installed, the demo run once."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measure import Figure
from tests.support.postgres import swept_directory
from tests.support.supervisor import ROOT, playground

TIMES = 3


def run() -> list[str]:
    """Installing once, then our own start (to the ready line, on a fresh data directory) several times."""
    with tempfile.TemporaryDirectory() as home:
        installed_s = _install(Path(home) / ".venv")
    ready, first_row = zip(*(_start() for _ in range(TIMES)), strict=True)
    whole = installed_s + sorted(first_row)[TIMES // 2]
    return [
        Figure("fresh environment: venv and install", "s", [installed_s]).line(),
        Figure("own start: process to ready, initdb included", "s", ready, goal=3).line(),
        Figure("own start: process to first stored rows", "s", first_row).line(),
        Figure("fresh environment to first stored rows", "s", [whole], goal=60).line(),
    ]


def _install(venv: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([str(venv / "bin/pip"), "install", "-q", "-e", str(ROOT)], check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _start() -> tuple[float, float]:
    with swept_directory() as path:
        path.chmod(0o711)
        with playground(path / "data", issues=4400) as ground:
            started = time.perf_counter()
            supervisor = ground.start("--demo", "--once")
            supervisor.wait_ready()
            ready = time.perf_counter() - started
            while "/2 jobs, 0 rows" in supervisor.wait_for_line("reference: "):
                continue
            first_row = time.perf_counter() - started
            supervisor.kill()
    return ready, first_row
