"""Each child ends by its own rule."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from actors.otp import sys
from actors.otp.child import ChildSpec, Shutdown
from actors.otp.supervisor_spec import SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import eventually, pass_time
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Block, Crash
from tests.actors.otp.trees import child, start, subtree


def test_children_end_right_to_left_with_shutdown(runtime: ThreadRuntime) -> None:
    """X01."""
    log: list[Any] = []
    root = start(runtime, *(child(i, kwargs={"log": log, "tag": i}) for i in "abc"))
    log.clear()

    runtime.stop(root, "shutdown")

    assert log == [("terminate", i, "shutdown") for i in "cba"]


@pytest.mark.parametrize("is_below_a_supervisor", [False, True])
def test_a_child_with_unlimited_time_is_waited_for(
    still: ThreadRuntime, clock: ManualClock, is_below_a_supervisor: bool
) -> None:
    """X02."""
    entered, release = threading.Event(), threading.Event()

    def slowly() -> None:
        entered.set()
        release.wait(10)

    slow = child("slow", name="slow", shutdown=Shutdown.INFINITY, kwargs={"terminate_with": slowly})
    root = start(still, subtree("sub", slow) if is_below_a_supervisor else slow, child("quick"))
    ref, ended = still.whereis("slow"), threading.Event()
    assert ref is not None
    ref.process.exited.subscribe(ended.set)
    stopping = still.spawn(lambda: still.stop(root, "shutdown", 1e9), "stopper")
    assert entered.wait(5)

    clock.advance(3600)
    assert not ended.wait(0.05)
    release.set()

    assert still.wait_for(stopping, 5)
    assert (root.exit_reason, ref.exit_reason) == ("shutdown", "shutdown")


def test_a_child_that_takes_too_long_is_killed_and_reported(
    still: ThreadRuntime, events: Recorder, clock: ManualClock
) -> None:
    block = Block()
    root = start(still, child("a"), child("stuck", shutdown=2, name="stuck"))
    stuck = still.whereis("stuck")
    still.cast("stuck", block)
    assert block.entered.wait(5)
    stopping = still.spawn(lambda: still.stop(root, "shutdown", 3600), "stopper")

    pass_time(clock, 2, stopping)

    assert stuck is not None
    assert stuck.exit_reason == "killed"
    assert events.all("child.shutdown_failed") == [{"path": "root/stuck", "reason": "killed"}]
    block.release.set()


def test_a_child_to_be_killed_does_not_terminate(runtime: ThreadRuntime) -> None:
    """X03."""
    log: list[Any] = []
    fields = {"kwargs": {"log": log, "tag": "a"}, "shutdown": Shutdown.BRUTAL_KILL, "name": "a"}
    root = start(runtime, child("a", **fields), child("b", kwargs={"log": log, "tag": "b"}))
    ref = runtime.whereis("a")
    log.clear()

    runtime.stop(root, "shutdown")

    assert ref is not None
    assert ref.exit_reason == "killed"
    assert log == [("terminate", "b", "shutdown")]


def test_mixed_children_end_each_by_its_own_rule(still: ThreadRuntime, events: Recorder, clock: ManualClock) -> None:
    """X04."""
    log: list[Any] = []
    block = Block()

    def spec(child_id: str, **fields: Any) -> ChildSpec:
        return child(child_id, name=child_id, kwargs={"log": log, "tag": child_id}, **fields)

    root = start(
        still,
        spec("waited-for", shutdown="infinity"),
        spec("killed", shutdown="brutal_kill"),
        subtree("sub", spec("below", restart="temporary")),
        spec("stuck", shutdown=2),
        spec("quick", shutdown=0.5),
    )
    ends = {name: still.whereis(name) for name in still.registry.names()}
    still.cast("stuck", block)
    assert block.entered.wait(5)
    stopping = still.spawn(lambda: still.stop(root, "shutdown", 3600), "stopper")
    assert eventually(lambda: len(ends["stuck"].process.mailbox))  # type: ignore[union-attr]
    clock.advance(2)
    assert still.wait_for(stopping, 5)
    block.release.set()

    killed = {name for name, ref in ends.items() if ref is not None and ref.exit_reason == "killed"}
    assert killed == {"killed", "stuck"}
    ended = [tag for what, tag, *_ in log if what == "terminate"]
    assert ended == ["quick", "below", "waited-for"]
    assert [event["path"] for event in events.all("child.shutdown_failed")] == ["root/stuck"]


def test_a_child_that_ends_with_another_reason_is_reported_and_the_stop_goes_on(
    runtime: ThreadRuntime, events: Recorder
) -> None:
    """X05, X07."""
    log: list[Any] = []
    root = start(
        runtime,
        child("a", kwargs={"log": log, "tag": "a"}),
        child("bad", kwargs={"terminate_with": ValueError("secret")}),
    )

    assert runtime.stop(root, "shutdown") == "shutdown"
    assert events.all("child.shutdown_failed") == [{"path": "root/bad", "reason": "ValueError"}]
    assert ("terminate", "a", "shutdown") in log


def test_a_child_that_dies_while_its_supervisor_stops_is_not_restarted(runtime: ThreadRuntime) -> None:
    """X06."""
    log: list[Any] = []
    crash_a = lambda: runtime.cast("a", Crash())  # noqa: E731
    root = start(
        runtime,
        child("a", name="a", kwargs={"log": log, "tag": "a"}),
        child("b", kwargs={"terminate_with": crash_a}),
    )

    runtime.stop(root, "shutdown")

    assert log.count(("init", "a")) == 1


def test_a_crash_inside_the_supervisor_leaves_no_orphan(runtime: ThreadRuntime) -> None:
    root = start(runtime, child("a", name="a"))
    ref = runtime.whereis("a")

    runtime.cast(root, "nonsense")

    assert isinstance(runtime.wait(root, 5), Exception)
    assert ref is not None
    assert ref.exit_reason == "shutdown"


def test_a_supervisor_shows_its_children_as_its_state(runtime: ThreadRuntime) -> None:
    root = start(runtime, child("a"))

    state: Any = sys.get_state(root)

    assert state["strategy"] == "one_for_one"
    assert [info["id"] for info in state["children"]] == ["a"]


def test_a_spec_that_is_no_spec_is_refused_before_anything_starts() -> None:
    """S08."""
    with pytest.raises(InvalidInput):
        SupervisorSpec(children=(child("a"), "b"))  # type: ignore[arg-type]
