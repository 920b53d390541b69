"""Measures repeatedly and prints one line a figure: median, minimum, maximum, goal, and the ratio to a baseline."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """Some measurements of one thing in one unit; `goal` is what it should not exceed, or should reach."""

    name: str
    unit: str
    values: Sequence[float]
    goal: float | None = None
    is_more_better: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def line(self, baseline: Figure | None = None) -> str:
        """How it came out, in words and numbers."""
        parts = [
            f"{self.name:<44} {self.median:10.2f} {self.unit:<7} ({min(self.values):.2f} - {max(self.values):.2f})"
        ]
        if self.goal is not None:
            reached = self.median >= self.goal if self.is_more_better else self.median <= self.goal
            sign = ">=" if self.is_more_better else "<="
            parts.append(f"goal {sign} {self.goal:g}: {'reached' if reached else 'NOT reached'}")
        if baseline is not None:
            parts.append(f"{self.median / baseline.median:.2f} x {baseline.name}")
        return "  ".join(parts)


def timed_ms(work: Callable[[], object], times: int, *, warm_up: int = 1) -> list[float]:
    """How long each of `times` calls takes, in milliseconds, after some that do not count."""
    for _ in range(warm_up):
        work()
    values = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        values.append((time.perf_counter() - started) * 1000)
    return values


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0-1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def server_cpu_s(backend_pid: int) -> float:
    """Processor seconds that the Postgres of that backend has used so far, in all its processes that live."""
    (server,) = [parent for pid, parent, _ in _processes() if pid == backend_pid]
    return sum(seconds for pid, parent, seconds in _processes() if server in (pid, parent))


def _processes() -> Iterator[tuple[int, int, float]]:
    """Number, parent and processor seconds of every process."""
    ticks = os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = path.read_text().rpartition(")")[2].split()
            yield int(path.parent.name), int(words[1]), (int(words[11]) + int(words[12])) / ticks
