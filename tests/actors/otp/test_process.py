"""How a server ends: by itself, when told, when killed."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from actors.otp.errors import (
    CallTimeout,
    Killed,
)
from actors.otp.messages import Down
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.patience import eventually
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import (
    Block,
    Counter,
    Crash,
    Stopper,
    Watch,
)
from tests.actors.otp.trees import child, start


@pytest.mark.parametrize("reason", ["normal", "shutdown", ("shutdown", "done")])
def test_terminate_runs_once_with_the_reason_of_the_stop(runtime: ThreadRuntime, reason: Any) -> None:
    """G09."""
    log: list[Any] = []
    ref = runtime.start(Counter, log=log)

    assert runtime.stop(ref, reason) == reason
    assert log == [("init", ""), ("terminate", "", reason)]


def test_terminate_runs_once_with_the_exception_of_the_crash(runtime: ThreadRuntime) -> None:
    """G09."""
    log: list[Any] = []
    ref, error = runtime.start(Counter, log=log), ValueError()

    runtime.cast(ref, Crash(error))
    runtime.wait(ref, 5)

    assert log == [("init", ""), ("terminate", "", error)]


def test_a_crash_in_terminate_becomes_the_exit_reason(runtime: ThreadRuntime) -> None:
    """X07."""
    error = ValueError()
    ref = runtime.start(Counter, terminate_with=error)

    assert runtime.stop(ref) is error


def test_a_stop_overtakes_what_is_queued(runtime: ThreadRuntime) -> None:
    """t04."""
    ref, block = runtime.start(Counter, log=(log := [])), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    for number in range(1000):
        runtime.cast(ref, number)

    stopping = runtime.spawn(lambda: runtime.stop(ref), "stopper")
    assert eventually(lambda: len(ref.process.mailbox) == 1001)
    block.release.set()

    assert runtime.wait(ref, 5) == "normal"
    assert ref.process.handled == 2
    assert ("terminate", "", "normal") in log
    runtime.wait_for(stopping, 5)


def test_a_stop_that_takes_too_long_is_told(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Counter), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)

    with pytest.raises(CallTimeout):
        runtime.stop(ref, timeout_s=0.02)

    block.release.set()
    assert runtime.wait(ref, 5) == "normal"


def test_one_server_may_stop_another(runtime: ThreadRuntime) -> None:
    ref, other = runtime.start(Stopper), runtime.start(Counter)

    assert runtime.call(ref, Watch(other)) == "normal"


def test_a_killed_idle_server_ends_at_once_without_terminate(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, log=(log := []), name="clerk")

    assert runtime.kill(ref) is True
    assert runtime.kill(ref) is False
    assert runtime.wait(ref) == "killed"
    assert runtime.whereis("clerk") is None
    assert runtime.close(5) == []
    assert log == [("init", "")]


def test_a_killed_busy_server_is_a_zombie_that_can_do_nothing_more(runtime: ThreadRuntime, events: Recorder) -> None:
    ref, block = runtime.start(Counter, log=(log := []), name="clerk"), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)

    runtime.kill("clerk")

    assert runtime.wait(ref) == "killed"
    assert runtime.zombies() == ["clerk"]
    assert events.all("server.killed") == [{"path": "clerk", "busy": "Block"}]
    block.release.set()
    assert runtime.close(5) == []
    assert log == [("init", ""), ("released", "")]
    assert runtime.zombies() == []


def test_a_killed_server_cannot_send_in_any_way(runtime: ThreadRuntime) -> None:
    block, tried = Block(), []

    class Late(Counter):
        def handle_cast(self, message: Any) -> None:
            message.entered.set()
            message.release.wait(10)
            for attempt in (
                lambda: self.runtime,
                lambda: self.events,
                lambda: self.monitor("other"),
                lambda: self.send_after(1, "x"),
                lambda: runtime.cast("other", "x"),
                lambda: runtime.send("other", "x"),
                lambda: runtime.call("other", "x"),
                lambda: runtime.start(Counter),
            ):
                try:
                    attempt()
                except Killed:
                    tried.append("fenced")

    runtime.start(Counter, name="other")
    ref = runtime.start(Late)
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    runtime.kill(ref)
    block.release.set()
    assert runtime.close(5) == []

    assert tried == ["fenced"] * 8


def test_a_crash_does_not_keep_the_locals_of_the_failed_handler(runtime: ThreadRuntime) -> None:
    class Big:
        pass

    watched: list[weakref.ref[Big]] = []

    class Careless(Counter):
        def handle_cast(self, message: object) -> None:
            big = Big()
            watched.append(weakref.ref(big))
            raise ValueError

    ref = runtime.start(Careless)
    runtime.cast(ref, "go")
    reason = runtime.wait(ref, 5)
    runtime.close(5)

    assert isinstance(reason, ValueError)
    assert watched[0]() is None


def test_an_end_is_told_to_everybody_though_a_hook_of_somebody_else_raises(
    runtime: ThreadRuntime, events: Recorder
) -> None:
    runtime.start(Counter, name="watcher")
    watched = runtime.start(Counter, name="watched")
    assert watched is not None
    monitor = runtime.call("watcher", Watch("watched"))
    watched.process.exited.subscribe(lambda: [][0])

    assert runtime.kill("watched")

    assert runtime.call("watcher", "seen") == [Down(monitor, watched, "killed")]
    assert events.all("hook.failed") == [{"path": "watched", "error": "IndexError"}]


def test_a_supervisor_ends_its_children_though_a_hook_of_one_raises(runtime: ThreadRuntime) -> None:
    root = start(runtime, child("a", name="a"), child("b", name="b"))
    a, b = runtime.whereis("a"), runtime.whereis("b")
    assert a is not None
    assert b is not None
    b.process.exited.subscribe(lambda: [][0])

    assert runtime.kill(root)

    assert (root.exit_reason, a.exit_reason, b.exit_reason) == ("killed", "killed", "killed")
