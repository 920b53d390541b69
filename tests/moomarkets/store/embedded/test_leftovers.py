"""What earlier owners left behind does not keep the next one from starting, and is not left running."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.account import server_account
from moomarkets.store.embedded.binaries import Binaries
from tests.moomarkets.store.embedded.conftest import MakeServer, has_ended


def as_the_account(*command: str | Path) -> subprocess.Popen[bytes]:
    """Run a command as the server's account, as a process of nobody's."""
    account = server_account(NoEvents())
    prefix: list[str | Path] = []
    if not account.is_ours:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is missing")
        prefix = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    return subprocess.Popen([*prefix, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def bystander() -> Iterator[int]:
    """The pid of a living process of the server's account that has nothing to do with a database."""
    process = as_the_account("sleep", "600")
    yield process.pid
    process.kill()
    process.wait()


def test_a_pid_file_whose_pid_lives_again_is_removed(data_dir: Path, make_server: MakeServer, bystander: int) -> None:
    (data_dir / "pgdata" / "postmaster.pid").write_text(f"{bystander}\n{data_dir}/pgdata\n0\n5432\n/x\n\n0 0\nready\n")

    server = make_server(data_dir)
    server.start()

    assert server.is_alive()
    assert not has_ended(bystander, within_s=0)


def test_a_socket_lock_whose_pid_lives_again_is_removed(
    data_dir: Path, make_server: MakeServer, bystander: int
) -> None:
    (data_dir / "socket" / ".s.PGSQL.5432.lock").write_text(f"{bystander}\n{data_dir}/pgdata\n0\n5432\n/x\n")

    server = make_server(data_dir)
    server.start()

    assert server.is_alive()


def test_a_server_that_nobody_owns_is_stopped_first(data_dir: Path, make_server: MakeServer) -> None:
    sockets = data_dir / "socket"
    orphan = as_the_account(
        *(Binaries.of_wheel().program("postgres"), "-D", data_dir / "pgdata"),
        *("-c", "listen_addresses=", "-c", f"unix_socket_directories={sockets}"),
    )
    while not (sockets / ".s.PGSQL.5432").exists():
        assert orphan.poll() is None

    server = make_server(data_dir)
    server.start()

    assert orphan.wait(timeout=5) == 0
    assert server.is_alive()
    assert server.pid != orphan.pid
