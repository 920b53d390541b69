"""What benchmarks run on: an embedded server with durable settings, and a system with job types of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.domain.job import Attempt, Usage
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.settings import Settings
from moomarkets.store.embedded.server import EmbeddedServer
from moomarkets.system import System
from tests.support.postgres import swept_directory


class BenchJob:
    """A job type that does `work` and stores nothing."""

    description = "for benchmarks"
    default_schedule = None
    source = ""
    dataset = ""

    def __init__(self, name: str, work: Callable[[Attempt, CancelToken], object]) -> None:
        self.name, self._work = name, work

    def plan(self, view: object, scope: object) -> list[object]:
        """Nothing."""
        return []

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        """Do the work."""
        self._work(attempt, token)
        return Outcome(Usage())


@contextmanager
def durable_server() -> Iterator[EmbeddedServer]:
    """A Postgres as users have it: fsync and synchronous_commit on."""
    with swept_directory() as path:
        server = EmbeddedServer(path, clock=SystemClock(), events=NoEvents())
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def bench_system(data_dir: Path, server: EmbeddedServer, *jobs: BenchJob, executors: int = 8) -> Iterator[System]:
    """A running system with these job types beside its own, and no groups that could interfere."""
    settings = Settings(database_url=server.dsn("owner"), data_dir=data_dir, executors=executors, claim_batch=200)
    with System(settings, job_types=jobs) as system:
        yield system


def clear(system: System) -> None:
    """Delete all jobs and attempts."""
    with system.installation.reads.transaction() as connection:
        connection.execute(text("TRUNCATE jobs, executions RESTART IDENTITY CASCADE"))


def drain(system: System, job_type: str, count: int) -> float:
    """Store `count` jobs at once and return the seconds until all have durably ended."""
    database = system.installation.reads
    started = time.perf_counter()
    system.jobs.enqueue_many(job_type, [{"number": number} for number in range(count)])
    left = text("SELECT 1 FROM jobs WHERE status IN ('pending', 'running') LIMIT 1")
    while database.perform(lambda connection: connection.scalar(left)):
        time.sleep(0.005)
    return time.perf_counter() - started
