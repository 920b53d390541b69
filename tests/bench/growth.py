"""Draining 5,000 jobs beside 1,000,000 finished ones, compared with draining them beside none."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import text

from moomarkets.system import System
from tests.bench.ground import BenchJob, bench_system, clear, drain, durable_server
from tests.bench.measure import Figure

JOBS, FINISHED, TIMES = 5000, 1_000_000, 3


def run() -> list[str]:
    """The same drain twice in one run."""
    job = BenchJob("noop", lambda attempt, token: None)
    with (
        durable_server() as server,
        tempfile.TemporaryDirectory() as home,
        bench_system(Path(home), server, job, executors=20) as system,
    ):
        clear(system)
        empty = Figure("drain beside no finished job", "jobs/s", [_rate(system) for _ in range(TIMES)])
        _fill(system)
        full = Figure("drain beside 1,000,000 finished jobs", "jobs/s", [_rate(system) for _ in range(TIMES)])
    ratio = Figure("drain, full over empty", "", [full.median / empty.median], goal=0.8, is_more_better=True)
    return [empty.line(), full.line(empty), ratio.line()]


def _rate(system: System) -> float:
    return JOBS / drain(system, "noop", JOBS)


def _fill(system: System) -> None:
    node = system.node_id
    with system.installation.pool("fill", statement_timeout_s=600).transaction() as connection:
        connection.execute(
            text(
                f"""
                WITH made AS (
                    INSERT INTO jobs (key, job_type, name, status, completed_at)
                    SELECT 'f' || n, 'noop', 'finished', 'completed', now() FROM generate_series(1, {FINISHED}) AS n
                    RETURNING id
                )
                INSERT INTO executions
                    (job_id, node_id, claim_id, attempt, lease_token, lease_until, status, completed_at)
                SELECT id, '{node}', gen_random_uuid(), 1, 1, now(), 'completed', now() FROM made
                """
            )
        )
