"""What operators see of a server, and do to it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from actors.otp import sys
from actors.otp.errors import CallFailed
from actors.otp.process import ProcessState
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.servers import (
    Add,
    Block,
    Counter,
    Get,
)


def test_the_state_is_a_redacted_copy(runtime: ThreadRuntime) -> None:
    class Secretive(Counter):
        def init(self, *_: Any, **__: Any) -> None:
            super().init()
            self.api_key = "abc"
            self.settings = {"password": "abc", "sent": [1]}
            self.lock = threading.Lock()

    ref = runtime.start(Secretive)

    state: Any = sys.get_state(ref)
    state["settings"]["sent"].append(2)

    assert "abc" not in repr(state)
    assert state["lock"] == "<lock>"
    state_now: Any = sys.get_state(ref)
    assert state_now["settings"]["sent"] == [1]


def test_the_state_is_told_ahead_of_a_long_queue(runtime: ThreadRuntime) -> None:
    """G17."""

    def seconds() -> float:
        ref, block = runtime.start(Counter), Block()
        runtime.cast(ref, block)
        assert block.entered.wait(5)
        for number in range(50_000):
            runtime.cast(ref, number)
        begun = time.perf_counter()
        block.release.set()
        state = sys.get_state(ref)
        assert len(state["seen"]) < 50_000  # type: ignore[arg-type]
        runtime.kill(ref)
        return time.perf_counter() - begun

    assert min(seconds() for _ in range(3)) < 0.2


def test_a_replaced_state_is_taken_over_and_a_failing_change_leaves_it(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, 7)

    def fail(state: dict[str, Any]) -> dict[str, Any]:
        state["seen"].append("half")
        raise ValueError("half done")

    sys.replace_state(ref, lambda state: {**state, "count": 41})
    with pytest.raises(ValueError, match="half done"):
        sys.replace_state(ref, fail)

    assert runtime.call(ref, Add(1)) == 42
    assert runtime.call(ref, "seen") == []


@pytest.mark.parametrize("error", [SystemExit(), KeyboardInterrupt()])
def test_whatever_a_change_raises_is_the_askers(runtime: ThreadRuntime, error: BaseException) -> None:
    ref = runtime.start(Counter, 7)

    def fail(state: dict[str, Any]) -> dict[str, Any]:
        raise error

    with pytest.raises(type(error)):
        sys.replace_state(ref, fail)

    assert runtime.call(ref, Get()) == 7


@pytest.mark.parametrize(
    "given", ["nonsense", {7: 1}, {"_log": []}, {"runtime": 1}, {"handle_call": 1}, {"actor_urn": ""}, {"a b": 1}]
)
def test_a_change_to_what_is_no_state_changes_nothing(runtime: ThreadRuntime, given: Any) -> None:
    ref = runtime.start(Counter, 7)
    change = lambda state: {"count": 8, **given} if isinstance(given, dict) else given  # noqa: E731
    before = sys.get_state(ref)

    with pytest.raises(InvalidInput, match="replaced state"):
        sys.replace_state(ref, change)

    assert sys.get_state(ref) == before


def test_a_suspended_server_answers_only_operators_until_resumed(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, 7)
    sys.suspend(ref)
    reply = runtime.request(ref, Add(1))

    assert sys.status(ref).state is ProcessState.SUSPENDED
    assert sys.get_state(ref)["count"] == 7
    assert not reply.is_done
    sys.resume(ref)

    assert runtime.call(ref, Get()) == 8
    assert reply.result() == 8


def test_the_tree_tells_what_a_stuck_server_is_busy_with(still: ThreadRuntime, clock: ManualClock) -> None:
    """O05."""
    ref, block = still.start(Counter, name="clerk"), Block()
    still.cast(ref, block)
    assert block.entered.wait(5)
    still.cast(ref, "queued")
    clock.advance(12)

    (info,) = still.tree()

    assert (info.path, info.state, info.message) == ("clerk", ProcessState.BUSY, "Block")
    assert (info.busy_s, info.queue, info.handled) == (12, 1, 0)
    block.release.set()


def test_who_asks_a_server_that_is_killed_meanwhile_is_told_so(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, name="clerk")
    assert ref is not None
    entered, release = threading.Event(), threading.Event()

    def change(state: dict[str, object]) -> dict[str, object]:
        entered.set()
        release.wait(10)
        return state

    asking = runtime.spawn(lambda: sys.replace_state(ref, change, 10), "asking")
    entered.wait(5)
    runtime.kill(ref)
    assert runtime.wait_for(asking, 5)
    release.set()

    with pytest.raises(CallFailed):
        asking.result()


def test_a_stop_by_pykkas_own_ref_works_while_the_server_is_traced(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, name="clerk")
    assert ref is not None
    sys.trace(ref, lambda event: None)
    actor = next(server for server in runtime._threads.values() if server is not None)

    assert actor.actor_ref.stop()

    assert runtime.wait(ref, 5) == "normal"
