"""A real Postgres for tests: one embedded server per test process, one database per test.

Fixtures: `database_url` (as the role of the application), `owner_url` (the same database, as the role of
migrations), `postgres` (the server itself). They cost nothing until a test asks for one.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.server import EmbeddedServer

TEMPLATE = "moomarkets_template"
# Tests look at what is committed, never at what a power cut leaves.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
# Waits for the end of its input, which comes however the test process ends, then for that of the server.
SWEEP = """
cat > /dev/null
tries=0
while [ -n "$(find "$1" -name postmaster.pid)" ] && [ $tries -lt 600 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
rm -rf "$1"
"""


@dataclass
class TestPostgres:
    """The server of this test process; `new_database` gives a fresh copy of the migrated template."""

    __test__ = False

    server: EmbeddedServer
    manager: psycopg.Connection
    """As the superuser, whom no application uses; in autocommit."""
    _numbers: Iterator[int] = field(default_factory=count)
    _has_template: bool = False

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """The name of a database of one's own, dropped afterwards whoever is still connected."""
        if not self._has_template:
            self._make_template()
        name = f"test_{next(self._numbers)}"
        self.manager.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER owner STRATEGY file_copy")
        try:
            yield name
        finally:
            self.manager.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, database: str, role: str = "app") -> str:
        """The address of `database` for `role`."""
        return self.server.dsn(role, database=database)

    def _make_template(self) -> None:
        source = self.server.database
        self.manager.execute(f"CREATE DATABASE {TEMPLATE} OWNER owner TEMPLATE {source} STRATEGY file_copy")
        prepare(self.url(TEMPLATE, "owner"))
        # A connection that somebody left open would forbid copying.
        self.manager.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")
        self.manager.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (TEMPLATE,))
        self._has_template = True


def prepare(owner_dsn: str) -> None:
    """Bring the template up to date by the migrations; leave it empty while there are none."""
    if importlib.util.find_spec("moomarkets.store.migrate") is not None:
        importlib.import_module("moomarkets.store.migrate").upgrade(owner_dsn)


@contextmanager
def swept_directory() -> Iterator[Path]:
    """A directory that the server's account can reach; it goes away even when this process is killed."""
    path = Path(tempfile.mkdtemp(prefix="moomarkets-test-", dir="/tmp"))
    sweeper = subprocess.Popen(["sh", "-c", SWEEP, "sweep", str(path)], stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield path
    finally:
        sweeper.communicate()


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestPostgres]:
    """The running server of this test process."""
    with swept_directory() as path:
        server = EmbeddedServer(path, clock=SystemClock(), events=NoEvents(), settings=FAST)
        server.start()
        try:
            with server.connected_as_manager() as manager:
                yield TestPostgres(server, manager)
        finally:
            server.stop()


@pytest.fixture
def _database(postgres: TestPostgres) -> Iterator[str]:
    with postgres.new_database() as name:
        yield name


@pytest.fixture
def database_url(postgres: TestPostgres, _database: str) -> str:
    """The address of this test's own database as the role `app`, which may not create tables."""
    return postgres.url(_database)


@pytest.fixture
def owner_url(postgres: TestPostgres, _database: str) -> str:
    """The address of the same database as the role `owner`, which runs migrations."""
    return postgres.url(_database, "owner")
