"""The web server serves while it lives; whatever becomes of it costs nobody else anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actors.otp.child import ChildSpec
from actors.otp.promise import Promise
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from actors.pulse import Pulse
from actors.tree import WEB_BACKOFF
from actors.web_server import WebServer
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually
from tests.support.leaks import nothing_left


class Booth:
    """A site that serves nobody, and ends when the test says so."""

    def __init__(self) -> None:
        self.servings: list[Promise[None]] = []

    def open(self) -> Promise[None]:
        self.servings.append(Promise())
        return self.servings[-1]

    def close(self) -> None:
        self.servings[-1].resolve(None)


class Fair:
    """A booth under a supervisor that bears no restart of its children."""

    def __init__(self) -> None:
        self.clock, self.events, self.booth = ManualClock(), RecordedEvents(), Booth()
        self.runtime = ThreadRuntime(self.clock, self.events)
        self.pulse = Pulse(self.runtime)
        web = ChildSpec("web", WebServer, (self.booth, self.pulse), name="web", backoff=WEB_BACKOFF)
        self.runtime.start(Supervisor, SupervisorSpec(children=(web,), max_restarts=0), name="root")

    def is_open_again(self, crash: int) -> bool:
        """Whether a while after that crash somebody serves."""
        self.clock.advance(31)
        return len(self.booth.servings) == crash + 1


@pytest.fixture
def fair() -> Iterator[Fair]:
    """An open one; nothing is left of it."""
    with nothing_left():
        opened = Fair()
        yield opened
        assert opened.runtime.close(30) == []


def test_a_site_that_breaks_is_opened_again_after_a_while_and_nothing_else_ends(fair: Fair) -> None:
    for crash in range(1, 6):
        fair.booth.servings[-1].fail(OSError("no more files"))
        told = fair.events.wait_for("server.crashed", path="root/web", times=crash)

        assert eventually(lambda crash=crash: fair.is_open_again(crash))  # type: ignore[misc]
        assert told.fields["reason"] == "OSError"

    assert fair.runtime.whereis("root") is not None


def test_a_site_that_ends_by_itself_is_a_crash(fair: Fair) -> None:
    fair.booth.servings[-1].resolve(None)

    crash = fair.events.wait_for("server.crashed", path="root/web")

    assert "ended by itself" in str(crash.fields["reason"])


def test_the_site_is_closed_when_the_server_is_stopped(fair: Fair) -> None:
    fair.runtime.stop("root", "shutdown")

    assert fair.booth.servings[-1].is_done


def test_everybody_is_asked_again_and_again(fair: Fair) -> None:
    fair.clock.advance(1)
    assert eventually(lambda: len(fair.pulse.look()) == 2)

    fair.clock.advance(30)

    assert eventually(lambda: max(beat.silent_s for beat in fair.pulse.look()) == 0)
