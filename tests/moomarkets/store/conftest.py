"""Fixtures of the store's tests: one database per test process, emptied after each test; making one takes longer."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from moomarkets.store.database import Database
from tests.moomarkets.store.scene import Scene
from tests.support.postgres import TestPostgres

TABLES = (
    "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
)


@pytest.fixture(scope="session")
def _shared_database(postgres: TestPostgres) -> Iterator[tuple[str, psycopg.Connection]]:
    with postgres.new_database() as name, psycopg.connect(postgres.url(name, "owner"), autocommit=True) as owner:
        # A test that leaves a transaction open fails here.
        owner.execute("SET lock_timeout = '5s'")
        yield name, owner


@pytest.fixture
def _database(_shared_database: tuple[str, psycopg.Connection]) -> Iterator[str]:
    name, owner = _shared_database
    yield name
    tables = owner.execute(TABLES).fetchone()
    assert tables is not None
    owner.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY")
    owner.execute("INSERT INTO users (name) VALUES ('local')")
    owner.execute("INSERT INTO scheduler_settings DEFAULT VALUES")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database of this test, as the application sees it."""
    database = Database(database_url, purpose="tests", pool_size=6)
    yield database
    database.close()


@pytest.fixture
def scene(database: Database) -> Scene:
    """A source and a node in the database of this test."""
    return Scene(database)
