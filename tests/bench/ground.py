"""What benchmarks run on: an embedded server with durable settings, and a system with job types of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from actors import job_manager
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
    settings = Settings(database_url=server.dsn("owner"), data_dir=data_dir, executors=executors, claim_batch=500)
    with System(settings, job_types=jobs) as system:
        yield system


def clear(system: System) -> None:
    """Delete all jobs and attempts."""
    with system.installation.reads.transaction() as connection:
        connection.execute(text("TRUNCATE jobs, executions RESTART IDENTITY CASCADE"))


def store(system: System, job_type: str, count: int) -> None:
    """Store `count` due jobs in one statement, and tell nobody."""
    with system.installation.pool("fill", statement_timeout_s=600).transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (key, job_type, name, parameters, status)"
                " SELECT :type || ' ' || gen_random_uuid(), :type, :type, jsonb_build_object('number', n), 'pending'"
                " FROM generate_series(1, :count) AS n"
            ),
            {"type": job_type, "count": count},
        )


def drain(system: System, job_type: str, count: int, *, is_alone: bool = True) -> float:
    """Store `count` jobs and return the seconds from then until all have durably ended.

    `is_alone`: no other job is open in the store, which is looked at in the end.
    """
    before = _completed(system)
    store(system, job_type, count)
    started = time.perf_counter()
    job_manager.wake_claimer(system.runtime)
    while _completed(system) < before + count:
        time.sleep(0.01)
    seconds = time.perf_counter() - started
    left = text("SELECT count(*) FROM jobs WHERE status <> 'completed'")
    assert not is_alone or system.installation.reads.perform(lambda connection: connection.scalar(left)) == 0
    return seconds


def _completed(system: System) -> int:
    """How many attempts have ended durably since the start; the store is not disturbed by the question."""
    return int(str(system.activity()["completed"]))
