"""How a server starts, gets its timers, and lives beside a host that uses Pykka too."""

from __future__ import annotations

import threading
from typing import Any

import pykka
import pytest

from actors.otp.errors import (
    CallFailed,
    StartError,
)
from actors.otp.messages import IGNORE, Continue
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import pass_time
from tests.actors.otp.servers import (
    CancelTimer,
    Counter,
    Crash,
    Get,
    Later,
)


def test_start_returns_after_init_and_its_failure_is_the_starters(runtime: ThreadRuntime) -> None:
    log: list[Any] = []

    with pytest.raises(StartError) as failed:
        runtime.start(Counter, log=log, outcome=ValueError("no"), name="clerk")

    assert isinstance(failed.value.__cause__, ValueError)
    assert log == [("init", "")]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_any_exception_in_init_is_a_failed_start(runtime: ThreadRuntime, error: BaseException) -> None:
    """t02, t03."""
    with pytest.raises(StartError) as failed:
        runtime.start(Counter, outcome=error)

    assert failed.value.reason is error


def test_nonsense_from_init_is_a_failed_start(runtime: ThreadRuntime) -> None:
    with pytest.raises(StartError, match="init: expected None, Continue or IGNORE"):
        runtime.start(Counter, outcome="ready")


def test_a_server_that_ignores_is_not_started_and_that_is_no_error(runtime: ThreadRuntime) -> None:
    """G10."""
    log: list[Any] = []

    assert runtime.start(Counter, log=log, outcome=IGNORE, name="clerk") is None
    assert log == [("init", "")]
    assert runtime.whereis("clerk") is None


def test_an_init_that_takes_too_long_is_given_up_and_fenced(still: ThreadRuntime, clock: ManualClock) -> None:
    """S12."""
    entered, release = threading.Event(), threading.Event()
    log: list[Any] = []

    def outcome() -> object:
        entered.set()
        release.wait(10)
        return Continue("more")

    start = still.spawn(lambda: still.start(Counter, log=log, outcome=outcome, name="clerk"), "starter")
    assert entered.wait(5)
    pass_time(clock, 31, start)

    with pytest.raises(StartError, match="timeout"):
        start.result()
    assert still.whereis("clerk") is None
    assert still.zombies() != []
    release.set()
    assert still.close(5) == []
    assert log == [("init", "")]


def test_handle_continue_runs_before_anything_queued(runtime: ThreadRuntime) -> None:
    def outcome() -> object:
        runtime.cast("clerk", "queued during init")
        return Continue("first")

    ref = runtime.start(Counter, outcome=outcome, name="clerk")

    assert runtime.call(ref, "seen") == [("continue", "first"), "queued during init"]


def test_a_crash_in_handle_continue_is_a_crash_of_a_started_server(runtime: ThreadRuntime) -> None:
    error = ValueError()

    ref = runtime.start(Counter, outcome=Continue(error))

    assert runtime.wait(ref, 5) is error


def test_pykkas_own_start_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Runtime\.start"):
        Counter.start()


def test_a_timer_fires_once_it_is_due(still: ThreadRuntime, clock: ManualClock) -> None:
    ref = still.start(Counter)
    still.call(ref, Later(10, "tick"))

    clock.advance(9.9)
    assert still.call(ref, "seen") == []
    clock.advance(0.1)
    still.call(ref, Get())
    assert still.call(ref, "seen") == ["tick"]


def test_a_cancelled_timer_never_fires(still: ThreadRuntime, clock: ManualClock) -> None:
    ref = still.start(Counter)
    timer = still.call(ref, Later(10, "tick"))
    clock.advance(4)

    assert still.call(ref, CancelTimer(timer)) == 6
    clock.advance(100)
    still.call(ref, Get())
    assert still.call(ref, "seen") == []


def test_timers_die_with_their_incarnation(still: ThreadRuntime, clock: ManualClock) -> None:
    first = still.start(Counter, name="clerk")
    still.call(first, Later(10, "tick"))
    still.stop(first)
    second = still.start(Counter, name="clerk")

    clock.advance(100)

    still.call(second, Get())
    assert still.call(second, "seen") == []


def test_the_hosts_actors_and_ours_do_not_touch_each_other(runtime: ThreadRuntime) -> None:
    """O06, O07."""

    class Host(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_receive(self, message: object) -> object:
            return message

    host = Host.start()
    ref = runtime.start(Counter, 7)
    with pytest.raises(CallFailed):
        runtime.call(runtime.start(Counter), Crash(SystemExit()))

    assert host.ask("alive", timeout=5) == "alive"
    assert [ref.actor_class for ref in pykka.ActorRegistry.get_all()] == [Host]
    pykka.ActorRegistry.stop_all(timeout=5)
    assert runtime.call(ref, Get()) == 7
    _join_pykka(Host.__name__)


def _join_pykka(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith(name):
            thread.join(5)
