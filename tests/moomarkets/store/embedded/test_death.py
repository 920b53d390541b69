"""Real kills of real processes: nothing is left running, and the next start works."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from moomarkets.store.embedded import leftovers
from moomarkets.store.embedded.binaries import Binaries
from moomarkets.store.embedded.server import EmbeddedServer
from tests.moomarkets.store.embedded.conftest import MakeServer, Owner, has_ended

StartOwner = Callable[..., Owner]


def state_of(data_dir: Path) -> str:
    """What the database files say about how their server ended."""
    program = Binaries.of_wheel().program("pg_controldata")
    shown = subprocess.run(
        [program, data_dir / "pgdata"], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    )
    return next(line.split(":")[1].strip() for line in shown.stdout.splitlines() if "cluster state" in line)


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("mode", ["plain", "thread", "fork"])
def test_a_killed_owner_takes_its_server_along_in_order(
    data_dir: Path, start_owner: StartOwner, make_server: MakeServer, mode: str
) -> None:
    owner = start_owner(data_dir, mode)
    answer = owner.answer()
    launcher = parent_of(answer["server"])

    owner.process.kill()

    assert has_ended(answer["server"], within_s=10)
    assert has_ended(launcher, within_s=5)
    assert leftovers.processes_of(data_dir / "pgdata") == []
    assert state_of(data_dir) == "shut down"
    make_server(data_dir).start()
    if "forked" in answer:
        os.kill(answer["forked"], signal.SIGKILL)


def test_a_server_whose_owner_has_died_is_not_used_although_it_still_answers(
    data_dir: Path, start_owner: StartOwner
) -> None:
    owner = start_owner(data_dir)
    server = owner.answer()["server"]
    launcher = parent_of(server)
    os.kill(launcher, signal.SIGSTOP)
    owner.process.kill()
    owner.process.wait()

    attached = EmbeddedServer.attach(data_dir)

    assert attached is None
    os.kill(server, 0)
    os.kill(launcher, signal.SIGCONT)
    assert has_ended(server, within_s=10)


def test_a_server_outlives_the_thread_that_started_it(data_dir: Path, start_owner: StartOwner) -> None:
    answer = start_owner(data_dir, "thread").answer()

    attached = EmbeddedServer.attach(data_dir)

    assert answer["alive"]
    assert attached is not None
    assert attached.pid == answer["server"]


def test_a_killed_launcher_takes_the_server_along_and_the_owner_notices(
    data_dir: Path, make_server: MakeServer
) -> None:
    server = make_server(data_dir)
    server.start()
    first = server.pid
    assert first is not None

    os.kill(parent_of(first), signal.SIGKILL)

    assert has_ended(first, within_s=10)
    assert server.wait(timeout_s=10) is not None
    assert not server.is_alive()
    server.start()
    assert server.is_alive()


def test_a_killed_server_is_noticed_and_recovers_at_the_next_start(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir, settings={})
    server.start()
    with psycopg.connect(server.dsn("owner")) as connection:
        connection.execute("CREATE TABLE survivors AS SELECT 1 AS number")
    assert server.pid is not None

    os.kill(server.pid, signal.SIGKILL)
    ended = server.wait(timeout_s=10)
    server.start()

    assert ended is not None
    assert ended.code == -signal.SIGKILL
    with psycopg.connect(server.dsn("app")) as connection:
        assert connection.execute("TABLE survivors").fetchall() == [(1,)]


def test_an_open_transaction_does_not_delay_the_stop(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)
    server.start()
    connection = psycopg.connect(server.dsn("app"))
    connection.execute("SELECT 1")

    server.stop(timeout_s=20)

    assert state_of(data_dir) == "shut down"
    connection.close()


def test_a_frozen_server_is_ended_by_force(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)
    server.start()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    server.stop(timeout_s=0.1)

    assert has_ended(pid, within_s=0)
    assert leftovers.processes_of(data_dir / "pgdata") == []


def test_an_owner_killed_while_it_makes_the_database_leaves_nothing_half_made(
    place: Path, start_owner: StartOwner, make_server: MakeServer
) -> None:
    owner = start_owner(place / "data")
    while not list(place.glob("data/pgdata.unfinished-*/PG_VERSION")):
        assert owner.process.poll() is None

    owner.process.kill()
    owner.process.wait()

    server = make_server(place / "data")
    server.start()
    assert server.is_alive()
    assert list(place.glob("data/pgdata.unfinished-*")) == []


def test_two_owners_never_share_a_directory(data_dir: Path, start_owner: StartOwner) -> None:
    first = start_owner(data_dir).answer()

    second = start_owner(data_dir).answer()

    assert second["exit_code"] == 4
    assert str(data_dir) in second["error"]
    assert str(first["pid"]) in second["error"]


def test_of_many_that_start_at_once_exactly_one_becomes_the_owner(place: Path, start_owner: StartOwner) -> None:
    owners = [start_owner(place / "data") for _ in range(3)]

    answers = [owner.answer() for owner in owners]

    assert sorted("server" in answer for answer in answers) == [False, False, True]
    assert {answer.get("exit_code", 4) for answer in answers} == {4}


def test_attach_waits_for_a_server_that_is_just_being_started(data_dir: Path, start_owner: StartOwner) -> None:
    owner = start_owner(data_dir)

    while not (data_dir / "owner.lock").read_text():
        assert owner.process.poll() is None

    attached = EmbeddedServer.attach(data_dir, timeout_s=30)

    assert attached is not None
    assert attached.is_alive()
    assert attached.pid == owner.answer()["server"]
