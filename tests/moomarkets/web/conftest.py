"""A running system with a web server on a free port, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.support.providers import Providers


@pytest.fixture
def served(simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents) -> Iterator[System]:
    """A running system that serves."""
    settings = simulated.settings(owner_url, tmp_path, web_port=0)
    with System(settings, events=events, web=True) as system:
        yield system


@pytest.fixture
def client(served: System) -> Iterator[httpx.Client]:
    """A client of it."""
    assert served.url is not None
    with httpx.Client(base_url=served.url, timeout=30) as client:
        yield client
