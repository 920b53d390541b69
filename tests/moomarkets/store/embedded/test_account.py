"""The account of the server."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.account import Account, server_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes accounts")


@pytest.fixture
def name() -> Iterator[str]:
    """The name of an account that does not exist, and does not after the test."""
    name = f"moomarkets-test-{os.getpid()}"
    yield name
    subprocess.run(["userdel", name], check=False, capture_output=True)


@as_root
def test_root_makes_a_system_account_once(name: str) -> None:
    made = server_account(NoEvents(), name)

    entry = pwd.getpwnam(name)
    assert (made.uid, made.gid) == (entry.pw_uid, entry.pw_gid)
    assert entry.pw_shell.endswith("nologin")
    assert 0 not in (made.uid, made.gid)
    assert server_account(NoEvents(), name) == made


@as_root
def test_an_account_that_cannot_be_made_is_one_clear_sentence() -> None:
    with pytest.raises(EmbeddedServerError, match="expected to create a system account") as caught:
        server_account(NoEvents(), "not a name!")

    assert caught.value.exit_code == 78
    assert "\n" not in str(caught.value)


@as_root
def test_root_itself_is_never_the_account() -> None:
    with pytest.raises(EmbeddedServerError, match="expected an unprivileged account"):
        server_account(NoEvents(), "root")


@pytest.mark.parametrize(("mode", "may"), [(0o755, True), (0o711, True), (0o754, False), (0o700, False)])
def test_an_account_passes_only_where_the_mode_lets_it(place: Path, mode: int, may: bool) -> None:
    (place / "folder").mkdir()
    (place / "folder").chmod(mode)

    assert Account("somebody", 54321, 54321).reaches(place / "folder") is may
