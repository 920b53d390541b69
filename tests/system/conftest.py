"""Fixtures for tests of whole processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import swept_directory
from tests.support.supervisor import Playground, playground


@pytest.fixture
def ground() -> Iterator[Playground]:
    """Simulators, a data directory, and a way to start supervisors on them."""
    with swept_directory() as path:
        path.chmod(0o711)  # the account that the server runs as has to pass
        with playground(path / "data") as made:
            yield made
