"""The store's fixtures serve the job types too."""

from __future__ import annotations

from tests.moomarkets.store.conftest import _database, _shared_database, database, scene

__all__ = ["_database", "_shared_database", "database", "scene"]
