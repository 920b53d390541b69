"""Fixtures for all tests; each costs nothing until a test asks for it."""

from __future__ import annotations

pytest_plugins = ["tests.behaviours.plugin", "tests.support.postgres"]
