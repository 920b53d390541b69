"""Where lives are lived: a real Postgres without fsync, emptied before each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.store.database import Database
from moomarkets.store.embedded.server import EmbeddedServer
from tests.sim.life import prepare
from tests.support.postgres import FAST, TestPostgres, swept_directory


@contextmanager
def ground() -> Iterator[tuple[Database, psycopg.Connection]]:
    """A database of one's own on a server without fsync, and the connection that empties it."""
    with swept_directory() as path:
        server = EmbeddedServer(path, clock=SystemClock(), events=NoEvents(), settings={**FAST, "autovacuum": "off"})
        server.start()
        try:
            with server.connected_as_manager() as manager, TestPostgres(server, manager).new_database() as name:
                url = server.dsn("owner", database=name)
                with psycopg.connect(url, autocommit=True) as owner:
                    prepare(owner)
                    database = Database(server.dsn("app", database=name), purpose="sim", pool_size=1)
                    yield database, owner
                    database.close()
        finally:
            server.stop()
