"""The store's fixtures serve the job types too."""

from __future__ import annotations

from tests.moomarkets.store.conftest import database, scene

__all__ = ["database", "scene"]
