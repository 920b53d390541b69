"""Budgets of restarts, and backoffs that do without."""

from __future__ import annotations

import pytest

from actors.otp.administration import (
    count_children,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from actors.otp.child import Restart
from actors.otp.errors import ChildRefused
from actors.otp.process import ProcessState
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Crash, Depart
from tests.actors.otp.trees import child, crash, refs, restarted, scripted, start, subtree


def test_one_restart_too_many_ends_the_supervisor_and_its_children(runtime: ThreadRuntime, events: Recorder) -> None:
    """I01."""
    root = start(runtime, child("a", name="a"), child("b"), max_restarts=2, max_seconds=3600)
    other = refs(root)["b"]
    for restarts in (1, 2):
        crash(runtime, runtime.whereis("a"))
        restarted(events, "root/a", restarts)

    crash(runtime, runtime.whereis("a"))

    assert runtime.wait(root, 5) == "shutdown"
    assert other is not None
    assert other.exit_reason == "shutdown"
    (gave_up,) = events.all("supervisor.gave_up")
    assert (gave_up["path"], gave_up["child"]) == ("root", "root/a")


def test_restarts_far_apart_are_not_too_many(still: ThreadRuntime, events: Recorder, clock: ManualClock) -> None:
    root = start(still, child("a", name="a"), max_restarts=1, max_seconds=5)

    for restarts in range(1, 6):
        crash(still, still.whereis("a"))
        restarted(events, "root/a", restarts)
        clock.advance(5.1)

    assert root.is_alive


def test_failed_restarts_count_and_the_supervisor_stays_reachable_between_them(
    still: ThreadRuntime, events: Recorder
) -> None:
    outcome = scripted(None, ValueError(), ValueError(), None)
    root = start(still, child("a", kwargs={"outcome": outcome}), max_restarts=3)

    crash(still, refs(root)["a"])
    restarted(events, "root/a", 3)

    assert len(events.all("child.start_failed", path="root/a")) == 2
    assert root.is_alive


def test_a_child_that_cannot_start_again_uses_up_the_budget(runtime: ThreadRuntime, events: Recorder) -> None:
    root = start(runtime, child("a", kwargs={"outcome": scripted(None, ValueError())}), max_restarts=3)

    crash(runtime, refs(root)["a"])

    assert runtime.wait(root, 5) == "shutdown"
    assert len(events.all("child.start_failed", path="root/a")) == 3


def test_a_restarted_supervisor_has_a_fresh_budget(runtime: ThreadRuntime, events: Recorder) -> None:
    """I03."""
    inner = subtree("sub", child("w", name="w"), max_restarts=1, max_seconds=3600)
    root = start(runtime, inner, max_restarts=5, max_seconds=3600)
    sub = refs(root)["sub"]
    crash(runtime, runtime.whereis("w"))
    restarted(events, "root/sub/w", 1)
    crash(runtime, runtime.whereis("w"))
    restarted(events, "root/sub", 1)

    crash(runtime, runtime.whereis("w"))
    events.wait_for("child.started", 2, path="root/sub/w", restarts=1)

    assert sub is not None
    assert not sub.is_alive
    assert root.is_alive


def test_the_product_of_the_budgets_bounds_the_restarts(runtime: ThreadRuntime, events: Recorder) -> None:
    """I04."""
    inner = subtree("sub", child("w"), max_restarts=10, max_seconds=3600)
    root = start(runtime, inner, max_restarts=3, max_seconds=3600)

    while root.is_alive:
        for ref in [info for info in runtime.tree() if info.path == "root/sub/w"]:
            current = runtime.at(ref.path)
            if current is not None:
                runtime.cast(current, Crash())

    assert runtime.wait(root, 5) == "shutdown"
    assert len(events.all("child.started", path="root/sub/w")) == 4 * 11
    gave_up = [(event["path"], event["child"]) for event in events.all("supervisor.gave_up")]
    assert gave_up == [("root/sub", "root/sub/w")] * 4 + [("root", "root/sub")]


def test_clean_ends_and_restarts_by_hand_cost_no_budget(runtime: ThreadRuntime, events: Recorder) -> None:
    """I05."""
    root = start(runtime, child("a", restart=Restart.TRANSIENT), max_restarts=0)

    for count in range(1, 4):
        crash(runtime, refs(root)["a"], Depart("normal"))
        events.wait_for("child.terminated", count, path="root/a")
        restart_child(root, "a")

    assert root.is_alive


@pytest.mark.parametrize("end", [Depart("normal"), Crash()])
def test_the_ends_of_temporary_children_cost_no_budget(runtime: ThreadRuntime, events: Recorder, end: object) -> None:
    """I05."""
    root = start(runtime, max_restarts=0)

    for count in range(1, 4):
        crash(runtime, start_child(root, child("a", restart=Restart.TEMPORARY)), end)
        events.wait_for("child.terminated", count, path="root/a")

    assert refs(root) == {}


def test_a_child_with_a_backoff_stays_down_longer_after_each_crash(
    still: ThreadRuntime, events: Recorder, clock: ManualClock
) -> None:
    root = start(still, child("a", name="a", backoff=(1, 30)), max_restarts=0)

    for restarts, delay_s in ((1, 1), (2, 2), (3, 4)):
        crash(still, still.whereis("a"))
        events.wait_for("child.terminated", restarts, path="root/a")
        (info,) = which_children(root)
        assert (info.ref, info.is_restarting) == (None, True)
        assert still.tree()[1].state is ProcessState.RESTARTING
        clock.advance(delay_s - 0.01)
        assert refs(root)["a"] is None
        clock.advance(0.01)
        restarted(events, "root/a", restarts)


def test_a_recovered_child_begins_with_the_first_delay_again(
    still: ThreadRuntime, events: Recorder, clock: ManualClock
) -> None:
    start(still, child("a", name="a", backoff=(1, 30)))
    for restarts in (1, 2):
        crash(still, still.whereis("a"))
        events.wait_for("child.terminated", restarts, path="root/a")
        count_children(still.named("root"))
        clock.advance(2)
        restarted(events, "root/a", restarts)
    clock.advance(31)

    crash(still, still.whereis("a"))
    events.wait_for("child.terminated", 3, path="root/a")
    count_children(still.named("root"))
    clock.advance(1)

    restarted(events, "root/a", 3)


def test_a_child_that_waits_to_be_restarted_can_be_terminated(
    still: ThreadRuntime, events: Recorder, clock: ManualClock
) -> None:
    root = start(still, child("a", name="a", backoff=(1, 30)))
    crash(still, still.whereis("a"))
    events.wait_for("child.terminated", path="root/a")

    with pytest.raises(ChildRefused, match="restarting"):
        restart_child(root, "a")
    with pytest.raises(ChildRefused, match="restarting"):
        delete_child(root, "a")
    terminate_child(root, "a")
    clock.advance(60)
    count_children(root)

    assert refs(root) == {"a": None}
    assert not which_children(root)[0].is_restarting


def test_a_child_that_waited_and_was_started_with_others_is_not_started_again(
    still: ThreadRuntime, events: Recorder, clock: ManualClock
) -> None:
    root = start(still, child("a", name="a"), child("b", name="b", backoff=(10, 30)), strategy="rest_for_one")
    crash(still, still.whereis("b"))
    events.wait_for("child.terminated", path="root/b")
    count_children(root)
    crash(still, still.whereis("a"))
    restarted(events, "root/b", 2)
    before = refs(root)

    clock.advance(10)
    count_children(root)

    assert refs(root) == before
    assert len(events.all("child.started", path="root/b")) == 2
