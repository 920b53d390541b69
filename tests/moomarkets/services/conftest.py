"""A small tree of servers and its console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.moomarkets.services.offices import Office, office
from tests.support.leaks import nothing_left


@pytest.fixture
def desk() -> Iterator[Office]:
    """The console of the small tree; nothing is left of it afterwards."""
    with nothing_left(), office() as opened:
        yield opened
