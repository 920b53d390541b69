from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from moomarkets.domain.errors import DatabaseTooNew, StoreUnavailable
from moomarkets.domain.group import RunKind
from moomarkets.store import migrate, runs
from moomarkets.testing.recorded_events import RecordedEvents
from tests.moomarkets.store.scene import START, Scene
from tests.support.postgres import TestPostgres

ROOT = Path(__file__).resolve().parents[3]
UPGRADE = "import sys; from moomarkets.store.migrate import upgrade; upgrade(sys.argv[1])"
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
WAITERS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def empty_url(postgres: TestPostgres) -> Iterator[str]:
    """The address, as the owner, of a database that was never migrated."""
    name = f"empty_{uuid4().hex}"
    postgres.manager.execute(
        f"CREATE DATABASE {name} TEMPLATE {postgres.server.database} OWNER owner STRATEGY file_copy"
    )
    yield postgres.url(name, "owner")
    postgres.manager.execute(f"DROP DATABASE {name} WITH (FORCE)")


def wait_for_lock(watching: psycopg.Connection, asked: str = BLOCKED) -> None:
    for _ in range(100_000):
        row = watching.execute(asked).fetchone()
        if row is not None and row[0]:
            return
    raise AssertionError("nobody came to wait for the lock")


def version(url: str) -> object:
    with psycopg.connect(url) as connection:
        return (connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,))[0]


def test_an_empty_database_is_brought_to_the_newest_version_step_by_step(empty_url: str) -> None:
    events = RecordedEvents()

    newest = migrate.upgrade(empty_url, events)

    assert newest == version(empty_url) == migrate.versions()[-1]
    assert [event.fields["version"] for event in events.of("migration.applied")] == migrate.versions()
    assert not events.unlisted


def test_a_database_that_is_up_to_date_is_left_alone(owner_url: str) -> None:
    events = RecordedEvents()

    assert migrate.upgrade(owner_url, events) == migrate.versions()[-1]
    assert events.names == []


def test_the_application_alone_finds_a_database_that_is_up_to_date_in_order(database_url: str) -> None:
    assert migrate.upgrade(database_url) == migrate.versions()[-1]


def test_many_starters_at_once_all_succeed(empty_url: str) -> None:
    events = RecordedEvents()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: migrate.upgrade(empty_url, events), range(8)))

    assert set(results) == {migrate.versions()[-1]}
    applied = [event.fields["version"] for event in events.of("migration.applied")]
    assert sorted(str(number) for number in applied) == migrate.versions()


def test_two_databases_are_migrated_at_once_without_mixing(empty_url: str, postgres: TestPostgres) -> None:
    postgres.manager.execute(
        f"CREATE DATABASE other TEMPLATE {postgres.server.database} OWNER owner STRATEGY file_copy"
    )
    try:
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(migrate.upgrade, [empty_url, postgres.url("other", "owner")]))
    finally:
        postgres.manager.execute("DROP DATABASE other WITH (FORCE)")

    assert results == [migrate.versions()[-1]] * 2


def test_a_starter_waits_while_another_migrates(empty_url: str) -> None:
    events = RecordedEvents()

    with psycopg.connect(empty_url) as other, psycopg.connect(empty_url, autocommit=True) as watching:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (migrate.ADVISORY_KEY,))
        with ThreadPoolExecutor(1) as pool:
            starting = pool.submit(migrate.upgrade, empty_url, events)
            wait_for_lock(watching, WAITERS)
            assert events.of("migration.applied") == []
            other.rollback()
            newest = starting.result()

    assert newest == migrate.versions()[-1]


def test_a_starter_that_was_killed_half_way_is_completed_by_the_next(empty_url: str) -> None:
    first, second = migrate.versions()[:2]
    with psycopg.connect(empty_url) as holding, psycopg.connect(empty_url, autocommit=True) as watching:
        # The second step wants this name too, and so waits in its middle until we let go.
        holding.execute("CREATE TABLE runs (id bigint)")
        doomed = subprocess.Popen([sys.executable, "-c", UPGRADE, empty_url], cwd=ROOT)
        wait_for_lock(watching)
        stopped_at = version(empty_url)
        doomed.kill()
        doomed.wait()
        holding.rollback()

    assert (stopped_at, second) == (first, "0002")
    assert migrate.upgrade(empty_url) == migrate.versions()[-1]


def test_a_newer_database_is_refused_and_not_touched(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")

    with pytest.raises(DatabaseTooNew, match=r"expected version \d{4} or older, got 9999"):
        migrate.upgrade(empty_url)

    with psycopg.connect(empty_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert (version(empty_url), tables) == ("9999", [("alembic_version",)])


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable) as raised:
        migrate.upgrade("postgresql://owner:geheim@127.0.0.1:1/nothing")

    assert "geheim" not in str(raised.value)


def test_versions_count_up_without_a_gap() -> None:
    assert migrate.versions() == [f"{number:04}" for number in range(1, len(migrate.versions()) + 1)]


def test_a_group_has_at_most_one_running_run(scene: Scene) -> None:
    group_id = scene.group()
    scene.run("a", group_id=group_id)
    second = scene.do(runs.request, group_id, uuid4(), RunKind.SCHEDULED, START)[0]

    with pytest.raises(IntegrityError, match="runs_one_running"):
        scene.execute("UPDATE runs SET status = 'running' WHERE id = :id", id=second)


def test_a_job_has_at_most_one_running_execution(scene: Scene) -> None:
    scene.run("a")
    scene.claim()

    with pytest.raises(IntegrityError, match="executions_one_running"):
        scene.execute(
            "INSERT INTO executions (job_id, node_id, claim_id, attempt, lease_token, lease_until)"
            " SELECT job_id, node_id, claim_id, 2, 2, lease_until FROM executions WHERE status = 'running'"
        )


def test_a_run_never_counts_more_ended_jobs_than_it_has(scene: Scene) -> None:
    scene.run("a")

    with pytest.raises(IntegrityError):
        scene.execute("UPDATE runs SET completed_jobs = 2")
