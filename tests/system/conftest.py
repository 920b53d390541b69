"""Fixtures for tests of whole processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.server import EmbeddedServer
from tests.support.desk import Desk, desk
from tests.support.postgres import FAST, swept_directory
from tests.support.supervisor import Playground, playground


@pytest.fixture
def ground() -> Iterator[Playground]:
    """Simulators, a data directory, and a way to start supervisors on them."""
    with swept_directory() as path:
        path.chmod(0o711)  # the account that the server runs as has to pass
        with playground(path / "data") as made:
            yield made


@pytest.fixture
def office(owner_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Supervisors on the test's own database, with nothing to do but jobs that the test holds."""
    with desk(owner_url, tmp_path) as made:
        yield made


@pytest.fixture
def victim() -> Iterator[EmbeddedServer]:
    """A Postgres server of the test's own, to be killed or stopped."""
    with swept_directory() as path:
        server = EmbeddedServer(path, clock=SystemClock(), events=NoEvents(), settings=FAST)
        server.start()
        try:
            yield server
        finally:
            server.stop()
            for left in path.rglob("postmaster.pid"):
                left.unlink()  # what a killed server leaves behind would be waited for


@pytest.fixture
def doomed(victim: EmbeddedServer, tmp_path: Path) -> Iterator[Desk]:
    """Supervisors on that server."""
    with desk(victim.dsn("owner"), tmp_path) as made:
        yield made
