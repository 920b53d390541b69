"""Installations and systems over a test's own database, and nothing left behind by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.secret import Secret
from moomarkets.installation import Installation
from moomarkets.settings import Settings
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.support.leaks import nothing_left
from tests.support.postgres import TestPostgres
from tests.support.providers import Providers, providers

OpenInstallation = Callable[..., Installation]


@pytest.fixture
def nothing_is_left(postgres: TestPostgres) -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def simulated(nothing_is_left: None) -> Iterator[Providers]:
    """Simulated providers with 50 issues."""
    with providers() as simulated:
        yield simulated


@pytest.fixture
def events() -> Iterator[RecordedEvents]:
    events = RecordedEvents()
    yield events
    assert events.unlisted == set()


@pytest.fixture
def open_installation(
    nothing_is_left: None, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> Iterator[OpenInstallation]:
    """Opens the test's installation: `open_installation(**settings)`."""
    with ExitStack() as undo:

        def open_one(**given: Any) -> Installation:
            settings = Settings(**{"database_url": Secret(owner_url), "data_dir": tmp_path, **given})
            return Installation(settings, SystemClock(), events, undo)

        yield open_one


@pytest.fixture
def system(simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents) -> Iterator[System]:
    """A running system."""
    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        yield system
