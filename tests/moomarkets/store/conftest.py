"""Fixtures of the store's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from moomarkets.store.database import Database
from tests.moomarkets.store.scene import Scene


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """This test's own database, as the application sees it."""
    database = Database(database_url, purpose="tests", pool_size=6)
    yield database
    database.close()


@pytest.fixture
def scene(database: Database) -> Scene:
    """A source and a node in this test's own database."""
    return Scene(database)
