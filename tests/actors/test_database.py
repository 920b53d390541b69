"""The DatabaseServer: the embedded server that dies is started again, and everybody goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.database import DatabaseServer
from actors.otp.child import ChildSpec
from actors.otp.errors import StartError
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import Strategy, SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from actors.tree import DATABASE_BACKOFF
from moomarkets.domain.group import RunStatus
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually
from tests.support.postgres import swept_directory
from tests.support.providers import providers


@pytest.fixture
def place(_no_thread_is_left: None) -> Iterator[Path]:
    with swept_directory() as path:
        # The account of the server has to pass.
        path.chmod(0o711)
        yield path


def test_a_system_goes_on_by_itself_when_its_embedded_server_is_killed(place: Path, events: RecordedEvents) -> None:
    with providers() as simulated:
        settings = simulated.settings(None, place / "data")
        with System(settings, events=events) as system:
            first = system.groups.run("reference").wait(30)
            pid = int(events.wait_for("database.started").fields["pid"])  # type: ignore[call-overload]
            os.kill(pid, signal.SIGKILL)
            events.wait_for("database.started", times=2, timeout_s=20)
            second = system.groups.run("daily-bars").wait(30)
            restarts = {info.path: info.restarts for info in system.tree()}

    assert first is second is RunStatus.COMPLETED
    assert restarts["root/database"] == 1
    assert restarts["root/core"] == 0


class DyingServer:
    """Stands for a server whose start fails so many times, and which then dies so many times."""

    def __init__(self, failing_starts: int = 0) -> None:
        self.failing_starts, self.starts, self.pid = failing_starts, 0, None

    pid: int | None

    def start(self) -> None:
        self.starts += 1
        if self.starts <= self.failing_starts:
            raise OSError("no room")
        self.pid = self.starts


def test_a_server_that_cannot_start_fails_the_start_of_its_supervisor_with_the_reason(runtime: ThreadRuntime) -> None:
    spec = ChildSpec("database", DatabaseServer, (DyingServer(failing_starts=9),), backoff=DATABASE_BACKOFF)

    with pytest.raises(StartError) as failure:
        runtime.start(Supervisor, SupervisorSpec(Strategy.ONE_FOR_ONE, (spec,)))

    assert str(failure.value.__cause__) == "no room"


def test_a_server_that_died_is_found_and_started_again(runtime: ThreadRuntime, events: RecordedEvents) -> None:
    server = DyingServer()
    spec = ChildSpec("database", DatabaseServer, (server,), backoff=(0.01, 0.1))
    runtime.start(Supervisor, SupervisorSpec(Strategy.ONE_FOR_ONE, (spec,)))

    server.pid = None

    assert eventually(lambda: server.starts == 2)
    assert "the embedded database server has died" in str(events.of("server.crashed")[0].fields["reason"])
