"""Start, stop and the way to the server."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.store.embedded.server import EmbeddedServer
from tests.moomarkets.store.embedded.conftest import MakeServer


class Recorded:
    """Keeps the events."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def emit(self, name: str, /, **fields: object) -> None:
        self.events.append((name, fields))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]


class HastyClock(SystemClock):
    """Ten seconds pass whenever somebody looks."""

    looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return 10.0 * self.looks


def test_the_first_start_makes_the_database_and_the_next_ones_keep_it(place: Path, make_server: MakeServer) -> None:
    events = Recorded()
    server = make_server(place / "data", events=events)
    server.start()
    with psycopg.connect(server.dsn("owner")) as connection:
        connection.execute("CREATE TABLE kept (number integer)")

    server.stop()
    server.start()

    with psycopg.connect(server.dsn("app")) as connection:
        assert connection.execute("TABLE kept").fetchall() == []
    assert events.names == [
        "database.initialized",
        "database.started",
        "database.stopped",
        "database.started",
    ]


def test_starting_a_running_server_does_nothing(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)
    server.start()
    pid = server.pid

    server.start()

    assert server.pid == pid


def test_a_stopped_server_is_gone_and_owns_nothing(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)
    server.start()

    server.stop()

    assert (server.pid, server.is_alive()) == (None, False)
    assert not (data_dir / "pgdata" / "postmaster.pid").exists()
    make_server(data_dir).start()


def test_the_address_works_for_sqlalchemy_too(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)
    server.start()
    address = server.dsn("app").replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(address)

    with engine.connect() as connection:
        found = connection.scalar(sqlalchemy.text("SELECT current_user"))

    engine.dispose()
    assert found == "app"


def test_no_address_is_given_for_the_manager_or_before_the_start(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)
    with pytest.raises(EmbeddedServerError, match="expected a server that was started"):
        server.dsn("app")

    server.start()

    with pytest.raises(EmbeddedServerError, match="role app, owner or reader"):
        server.dsn("manager")


@pytest.mark.parametrize("name", ["d" * 120, 'a b, c\'s "d" データ'])
def test_any_path_will_do(data_dir: Path, place: Path, make_server: MakeServer, name: str) -> None:
    (place / name).mkdir(mode=0o711)
    moved = data_dir.rename(place / name / "data")
    server = make_server(moved)

    server.start()

    with psycopg.connect(server.dsn("app")) as connection:
        sockets = Path(connection.info.host)
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    address = server.dsn("app")
    server.stop()
    server.start()
    assert server.dsn("app") == address
    server.stop()
    assert sockets.exists() == sockets.is_relative_to(place)
    moved.rename(data_dir)


def test_a_long_recovery_is_waited_for_with_signs_of_life(data_dir: Path, make_server: MakeServer) -> None:
    events = Recorded()
    server = make_server(data_dir, clock=HastyClock(), events=events)

    server.start(timeout_s=1e9)

    assert "database.recovering" in events.names
    assert events.names[-1] == "database.started"


def test_a_start_that_takes_too_long_leaves_nothing_behind(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)

    with pytest.raises(EmbeddedServerError, match="none in time") as caught:
        server.start(timeout_s=0)

    assert caught.value.exit_code == 69
    assert server.pid is None
    make_server(data_dir).start()


def test_a_server_that_cannot_start_says_why(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir, settings={"shared_buffers": "a lot"})

    with pytest.raises(EmbeddedServerError, match="invalid value for parameter"):
        server.start()


def test_no_setting_opens_the_server(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir, settings={"listen_addresses": "*", "unix_socket_permissions": "0777"})

    server.start()

    with server.connected_as_manager() as connection:
        found = [connection.execute(f"SHOW {name}").fetchone() for name in ("listen_addresses", "data_checksums")]
    assert found == [("",), ("on",)]


def test_the_environment_does_not_lead_elsewhere(
    data_dir: Path, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGHOSTADDR": "127.0.0.1", "PGDATA": "/nowhere", "PGUSER": "nobody"}.items():
        monkeypatch.setenv(name, value)
    server = make_server(data_dir)

    server.start()

    assert server.is_alive()


def test_a_half_made_set_of_roles_is_completed(data_dir: Path, make_server: MakeServer) -> None:
    server = make_server(data_dir)
    server.start()
    with server.connected_as_manager() as connection:
        connection.execute("DROP DATABASE moomarkets")
        connection.execute("DROP ROLE app")
    server.stop()

    server.start()

    with psycopg.connect(server.dsn("app")) as connection:
        assert connection.info.dbname == "moomarkets"


def test_attach_reaches_a_server_and_leaves_it_alone(data_dir: Path, make_server: MakeServer) -> None:
    owner = make_server(data_dir)
    owner.start()

    attached = EmbeddedServer.attach(data_dir)

    assert attached is not None
    assert (attached.pid, attached.dsn("app"), attached.is_alive()) == (owner.pid, owner.dsn("app"), True)
    attached.stop()
    assert owner.is_alive()


def test_attach_finds_none_where_none_runs(data_dir: Path, place: Path) -> None:
    assert EmbeddedServer.attach(data_dir) is None
    assert EmbeddedServer.attach(place / "nothing here") is None


def test_attach_does_not_take_the_original_for_its_copy(data_dir: Path, place: Path, make_server: MakeServer) -> None:
    make_server(data_dir).start()

    subprocess.run(["cp", "-a", str(data_dir), str(place / "copy")], check=True)

    assert EmbeddedServer.attach(place / "copy", timeout_s=0) is None
