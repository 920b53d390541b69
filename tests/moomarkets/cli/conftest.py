"""The command `moomarkets`, run in this process on the test's own database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from moomarkets.cli import main
from tests.actors.otp.patience import eventually

Moomarkets = Callable[..., Result]


def patiently(look: Callable[[], Any]) -> bool:
    """Whether `look` sees something within a minute: a command takes its time on a machine under load."""
    return any(eventually(look) for _ in range(12))


@pytest.fixture
def moomarkets(owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Moomarkets:
    """Runs the command on this test's database: `moomarkets("status")`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    place = ("--database-url", owner_url, "--data-dir", str(tmp_path))

    def run(*arguments: str, **given: Any) -> Result:
        result = CliRunner().invoke(main, [*place, *arguments], **given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run
