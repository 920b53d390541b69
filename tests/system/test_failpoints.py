"""Killed at every failpoint there is, each time somebody else goes on: the end state is that of an undisturbed run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from datasources.simulators.faults import Fault
from datasources.simulators.jquants import DEMO_KEY
from moomarkets.store.database import libpq_url
from moomarkets.testing.failpoints import NAMES, VARIABLE
from tests.actors.otp.patience import eventually
from tests.support.postgres import TestPostgres
from tests.support.providers import Providers, providers
from tests.support.supervisor import SupervisorProcess

DAYS, SYMBOLS = 20, 5
ATTEMPT = ("job_created", "claimed", "permit_reserved", "request_sending", "request_sent", "response_received")
END = ("response_parsed", "rows_written", "finish_before_commit", "finish_after_commit", "finish_acknowledged")
AFTER = ("permit_done", "rescue_before_commit", "rescue_after_commit", "run_finished")
BESIDE = ("migration_step", "occurrence_inserted", "lease_renewed", "silence_stored", "pruned_batch")
STOP = ("drain_started", "drain_released")


class Line:
    """One supervisor after the other on a database and simulators of their own."""

    def __init__(self, database_url: str, folder: Path, provided: Providers) -> None:
        self.provided = provided
        self._url = libpq_url(database_url)
        self._processes: list[SupervisorProcess] = []
        self._env = {
            "MOOMARKETS_DATABASE_URL": database_url,
            "MOOMARKETS_DATA_DIR": str(folder / "data"),
            "MOOMARKETS_SOURCES__JQUANTS__BASE_URL": provided.jquants.base_url,
            "MOOMARKETS_SOURCES__JQUANTS__PLAN": "light",
            "MOOMARKETS_SOURCES__JQUANTS__LIMITS": "[[1000, 1]]",
            "MOOMARKETS_SOURCES__JQUANTS__API_KEY": DEMO_KEY,
            "MOOMARKETS_SOURCES__YAHOO__BASE_URL": provided.yahoo.url,
            "MOOMARKETS_SOURCES__YAHOO__LIMITS": "[[1000, 1]]",
            "MOOMARKETS_EXECUTORS": "2",
            "MOOMARKETS_RETRY_DELAY_S": "0",
            "MOOMARKETS_CRASH_LIMIT": "1000",
            "MOOMARKETS_LEASE_S": "1",
            "MOOMARKETS_WEB_PORT": "0",
        }

    def start(self, *arguments: str, **env: str) -> SupervisorProcess:
        process = SupervisorProcess(*arguments, env={**self._env, **env})
        self._processes.append(process)
        return process

    def dies_at(self, name: str) -> bool:
        """Whether a supervisor that is to be killed at that failpoint is."""
        return self.start("--once", **{VARIABLE: f"{name}=kill"}).wait() == -signal.SIGKILL

    def dies_in_its_stop_at(self, name: str, requests: int) -> bool:
        """The same of one that is told to stop, once the simulator has seen so many requests."""
        process = self.start(**{VARIABLE: f"{name}=kill"})
        process.wait_ready()
        # A machine under load takes its time.
        assert any(eventually(lambda: len(self.provided.jquants.ledger.entries()) >= requests) for _ in range(12))
        process.signal(signal.SIGTERM)
        return process.wait() == -signal.SIGKILL and "failpoints.armed" in process.errors

    def is_finished_by_the_next(self) -> bool:
        """Whether an undisturbed supervisor finishes what the dead have left."""
        # What died again and again waits longer each time.
        self.change("UPDATE jobs SET crash_count = 0")
        return self.start("--once").wait() == 0

    def change(self, sql: str) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(sql)  # type: ignore[call-overload]  # a literal of the test

    def one(self, sql: str) -> tuple[object, ...]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(sql).fetchone() or ()  # type: ignore[call-overload]  # a literal of the test

    def close(self) -> None:
        for process in self._processes:
            process.kill()


@pytest.fixture
def provided() -> Iterator[Providers]:
    with providers(issues=10) as provided:
        yield provided


@pytest.fixture
def line(owner_url: str, tmp_path: Path, provided: Providers) -> Iterator[Line]:
    made = Line(owner_url, tmp_path, provided)
    yield made
    made.close()


@pytest.fixture
def unmigrated(postgres: TestPostgres, tmp_path: Path, provided: Providers) -> Iterator[Line]:
    """The same on a database that was never migrated."""
    name = f"empty_{uuid4().hex}"
    source = postgres.server.database
    postgres.manager.execute(f"CREATE DATABASE {name} TEMPLATE {source} OWNER owner STRATEGY file_copy")
    made = Line(postgres.url(name, "owner"), tmp_path, provided)
    yield made
    made.close()
    postgres.manager.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("names", [ATTEMPT, END, AFTER], ids=["attempt", "end", "after"])
def test_whoever_is_killed_at_a_failpoint_leaves_nothing_that_the_next_one_does_not_finish(
    line: Line, names: tuple[str, ...]
) -> None:
    assert [name for name in names if not line.dies_at(name)] == []

    assert line.is_finished_by_the_next()
    assert books(line) == UNDISTURBED


def test_a_migration_that_was_killed_half_way_is_done_by_the_next(unmigrated: Line) -> None:
    assert unmigrated.dies_at("migration_step")
    assert unmigrated.start("--once").wait() == 0
    assert books(unmigrated) == UNDISTURBED


def test_an_instant_whose_booking_was_killed_is_booked_once_by_the_next(line: Line) -> None:
    assert line.start("--once").wait() == 0
    line.change("UPDATE schedules SET counted_from = now() - interval '14 days'")

    assert line.dies_at("occurrence_inserted")
    assert line.one("SELECT count(*) FROM occurrences") == (0,)

    assert line.is_finished_by_the_next()
    assert line.one("SELECT count(*) FROM occurrences WHERE status = 'pending'") == (0,)
    assert line.one("SELECT count(DISTINCT schedule_id) FROM occurrences WHERE status = 'ran'") == (3,)


def test_a_death_at_a_renewal_or_at_a_429_costs_no_job(line: Line) -> None:
    line.provided.jquants.faults.add(Fault("hang", times=2))
    assert line.dies_at("lease_renewed")
    line.provided.jquants.faults.clear()
    line.provided.jquants.faults.add(Fault("status", status=429, headers={"Retry-After": "1"}))
    assert line.dies_at("silence_stored")

    assert line.is_finished_by_the_next()
    assert books(line) == UNDISTURBED


def test_a_death_while_history_is_forgotten_forgets_nothing_else(line: Line) -> None:
    assert line.start("--once").wait() == 0
    line.change("UPDATE executions SET completed_at = now() - interval '60 days'")

    pruner = line.start(**{VARIABLE: "pruned_batch=kill", "MOOMARKETS_PRUNE_EVERY_S": "1"})

    assert pruner.wait() == -signal.SIGKILL
    assert line.one("SELECT count(*) FROM executions") == (0,)
    assert line.is_finished_by_the_next()
    assert books(line) == UNDISTURBED


def test_a_death_in_the_middle_of_a_stop_is_a_death_like_any_other(line: Line) -> None:
    line.provided.jquants.faults.add(Fault("hang", times=2))
    assert line.dies_in_its_stop_at("drain_started", requests=2)
    line.provided.jquants.faults.clear()
    assert line.dies_in_its_stop_at("drain_released", requests=3)

    assert line.is_finished_by_the_next()
    assert books(line) == UNDISTURBED


def test_a_failpoint_that_does_not_exist_ends_the_start_with_78_and_names_those_that_do(line: Line) -> None:
    process = line.start(**{VARIABLE: "claimd=kill"})

    assert process.wait() == 78
    assert "MOOMARKETS_FAILPOINTS: expected one of job_created, " in process.errors
    assert "(did you mean claimed?)" in process.errors


def test_every_failpoint_kills_somebody_here() -> None:
    assert sorted((*ATTEMPT, *END, *AFTER, *BESIDE, *STOP)) == sorted(NAMES)


UNDISTURBED = {
    "days": (DAYS,),
    "days whose rows are not all there": (0,),
    "symbols": (SYMBOLS,),
    "jobs that are not completed": (0,),
    "executions that still run": (0,),
    "runs": ("completed, completed, completed",),
    "runs whose counters are wrong": (0,),
}


def books(line: Line) -> dict[str, tuple[object, ...]]:
    """The end state, as far as it must be the same whatever happened on the way."""
    return {
        "days": line.one("SELECT count(DISTINCT on_date) FROM daily_bars"),
        "days whose rows are not all there": line.one(
            "SELECT count(*) FROM coverage WHERE dataset = 'daily_bars' AND rows <>"
            " (SELECT count(*) FROM daily_bars WHERE on_date = coverage.from_on)"
        ),
        "symbols": line.one("SELECT count(DISTINCT symbol) FROM yahoo_daily_bars"),
        "jobs that are not completed": line.one("SELECT count(*) FROM jobs WHERE status <> 'completed'"),
        "executions that still run": line.one("SELECT count(*) FROM executions WHERE status = 'running'"),
        "runs": line.one("SELECT string_agg(status, ', ') FROM runs"),
        "runs whose counters are wrong": line.one(
            "SELECT count(*) FROM runs WHERE completed_jobs <> total_jobs OR total_jobs <> (SELECT count(*) FROM jobs"
            " WHERE jobs.run_id = runs.id AND jobs.job_type <> 'plan_group')"
        ),
    }
