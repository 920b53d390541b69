"""What a supervisor promises: starts, administration, restarts, trees, budgets and ends."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from actors.otp import sys
from actors.otp.administration import (
    StartChild,
    count_children,
    delete_child,
    get_childspec,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from actors.otp.child import ChildSpec, ChildType, Restart, Shutdown
from actors.otp.errors import ChildProblem, ChildRefused, NoProc, StartError
from actors.otp.messages import IGNORE
from actors.otp.nursery import ChildCounts
from actors.otp.process import ProcessState
from actors.otp.ref import Ref
from actors.otp.supervisor import Supervisor, SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import pass_time
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Add, Block, Counter, Crash, Depart, Get


def child(child_id: str, **fields: Any) -> ChildSpec:
    return ChildSpec(**{"id": child_id, "start": Counter, **fields})


def subtree(child_id: str, *children: ChildSpec, **fields: Any) -> ChildSpec:
    spec = SupervisorSpec(children=children, **fields)
    return ChildSpec(child_id, Supervisor, (spec,), type=ChildType.SUPERVISOR)


def start(runtime: ThreadRuntime, *children: ChildSpec, **fields: Any) -> Ref:
    root = runtime.start(Supervisor, SupervisorSpec(children=children, **fields), name="root")
    assert root is not None
    return root


def refs(supervisor: Ref) -> dict[str, Ref | None]:
    return {info.id: info.ref for info in which_children(supervisor)}


def crash(runtime: ThreadRuntime, ref: Ref | None, end: object = None) -> None:
    assert ref is not None
    runtime.cast(ref, end or Crash())
    runtime.wait(ref, 5)


def restarted(events: Recorder, path: str, restarts: int = 1) -> None:
    events.wait_for("child.started", path=path, restarts=restarts)


def scripted(*outcomes: Any) -> Callable[[], Any]:
    """What each `init` in turn returns or raises; the last one for ever."""
    left = list(outcomes)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


# Starting.


def test_a_supervisor_without_children_starts_and_stops(runtime: ThreadRuntime) -> None:
    """S01."""
    root = start(runtime)

    assert runtime.stop(root, "shutdown") == "shutdown"
    assert runtime.close(5) == []


def test_children_start_left_to_right_one_after_another(runtime: ThreadRuntime) -> None:
    """S02."""
    log: list[Any] = []
    ids = ["ch7", "ch3", "ch10", "ch2", "ch5"]

    root = start(runtime, *(child(i, kwargs={"log": log, "tag": i}) for i in ids))

    assert log == [("init", i) for i in ids]
    assert list(refs(root)) == ids


def test_start_returns_when_every_child_answers(runtime: ThreadRuntime) -> None:
    """S03."""
    release = threading.Event()
    starting = runtime.spawn(
        lambda: start(runtime, child("slow", name="slow", kwargs={"outcome": lambda: release.wait(5) and None})),
        "starter",
    )

    assert not runtime.wait_for(starting, 0.02)
    release.set()
    assert runtime.wait_for(starting, 5)
    assert runtime.call("slow", Get()) == 0


@pytest.mark.parametrize("given", ["nonsense", None])
def test_a_supervisor_without_a_spec_does_not_start(runtime: ThreadRuntime, given: object) -> None:
    """S04."""
    with pytest.raises(StartError, match="SupervisorSpec"):
        runtime.start(Supervisor, given, name="root")

    assert runtime.tree() == []


def test_a_failing_child_ends_those_before_it_and_the_supervisor(runtime: ThreadRuntime) -> None:
    log: list[Any] = []
    specs = [child(i, kwargs={"log": log, "tag": i}) for i in "ab"]
    bad = child("bad", kwargs={"outcome": ValueError()})

    with pytest.raises(StartError, match=r"^root/sub/bad: did not start \(ValueError\)") as failed:
        start(runtime, subtree("sub", *specs, bad, child("never", kwargs={"log": log, "tag": "never"})))

    assert isinstance(failed.value.__cause__, ValueError)
    assert failed.value.reason[:1] == ("shutdown",)  # type: ignore[index]
    assert [entry[:2] for entry in log] == [
        ("init", "a"),
        ("init", "b"),
        ("terminate", "b"),
        ("terminate", "a"),
    ]
    assert runtime.tree() == []


def test_a_permanent_child_that_ignores_is_kept_but_not_running(runtime: ThreadRuntime) -> None:
    """S05."""
    root = start(runtime, child("a"), child("lazy", kwargs={"outcome": IGNORE}))

    assert refs(root)["lazy"] is None
    assert count_children(root) == ChildCounts(specs=2, active=1, supervisors=0, workers=2)


def test_a_temporary_child_that_ignores_is_forgotten(runtime: ThreadRuntime) -> None:
    """S06."""
    root = start(runtime, child("lazy", restart=Restart.TEMPORARY, kwargs={"outcome": IGNORE}))

    assert refs(root) == {}
    assert [info.path for info in runtime.tree()] == ["root"]


def test_a_supervisor_may_be_a_class(runtime: ThreadRuntime) -> None:
    """S14."""

    class Office(Supervisor):
        def init(self, clerks: int) -> SupervisorSpec:
            return SupervisorSpec(children=tuple(child(f"clerk{n}") for n in range(clerks)))

    root = runtime.start(Office, 2, name="root")

    assert [info.path for info in runtime.tree()] == ["root", "root/clerk0", "root/clerk1"]
    assert count_children(root).active == 2


# Administration.


def test_a_running_child_cannot_be_started_again(runtime: ThreadRuntime) -> None:
    """A01."""
    root = start(runtime, child("a"))

    with pytest.raises(ChildRefused) as refused:
        start_child(root, child("a"))

    assert refused.value.problem is ChildProblem.ALREADY_STARTED
    assert refused.value.ref is refs(root)["a"]


def test_a_terminated_child_keeps_its_spec_and_is_not_restarted(runtime: ThreadRuntime) -> None:
    """A02, A03."""
    root = start(runtime, child("a"))

    terminate_child(root, "a")

    assert refs(root) == {"a": None}
    assert count_children(root) == ChildCounts(specs=1, active=0, supervisors=0, workers=1)
    with pytest.raises(ChildRefused, match="already_present"):
        start_child(root, child("a"))


def test_terminating_twice_is_no_error_and_an_unknown_id_is(runtime: ThreadRuntime) -> None:
    """A04."""
    root = start(runtime, child("a"))

    terminate_child(root, "a")
    terminate_child(root, "a")

    for ask in (terminate_child, delete_child, restart_child, get_childspec):
        with pytest.raises(ChildRefused, match="not_found"):
            ask(root, "nobody")


def test_only_a_terminated_child_can_be_deleted(runtime: ThreadRuntime) -> None:
    """A05."""
    root = start(runtime, child("a"))

    with pytest.raises(ChildRefused, match="running"):
        delete_child(root, "a")
    terminate_child(root, "a")
    delete_child(root, "a")

    assert refs(root) == {}
    assert [info.path for info in runtime.tree()] == ["root"]


def test_a_terminated_child_can_be_restarted_with_the_same_arguments(runtime: ThreadRuntime) -> None:
    """A06."""
    root = start(runtime, child("a", args=(7,), name="a"))
    before = refs(root)["a"]
    runtime.call("a", Add(1))

    with pytest.raises(ChildRefused, match="running"):
        restart_child(root, "a")
    terminate_child(root, "a")
    after = restart_child(root, "a")

    assert after is not before
    assert runtime.call("a", Get()) == 7


def test_a_terminated_temporary_child_is_forgotten(runtime: ThreadRuntime) -> None:
    """A07."""
    root = start(runtime, child("a", restart=Restart.TEMPORARY))

    terminate_child(root, "a")

    assert refs(root) == {}


def test_a_child_that_fails_to_be_added_is_forgotten(runtime: ThreadRuntime) -> None:
    """A08."""
    root = start(runtime, child("a"))
    before = refs(root)

    with pytest.raises(StartError) as failed:
        start_child(root, child("bad", kwargs={"outcome": ValueError()}))

    assert isinstance(failed.value.reason, ValueError)
    assert refs(root) == before
    assert [info.path for info in runtime.tree()] == ["root", "root/a"]


def test_a_child_that_fails_to_be_restarted_by_hand_keeps_its_spec(runtime: ThreadRuntime) -> None:
    """A09."""
    root = start(runtime, child("a", kwargs={"outcome": scripted(None, ValueError())}))
    terminate_child(root, "a")

    with pytest.raises(StartError):
        restart_child(root, "a")

    assert refs(root) == {"a": None}


def test_administration_of_nobody_fails_at_once(runtime: ThreadRuntime) -> None:
    """A10."""
    root = start(runtime)
    runtime.stop(root)

    for dest in (root, runtime.named("nobody")):
        with pytest.raises(NoProc):
            count_children(dest)


def test_a_terminated_supervisor_child_still_counts_as_one(runtime: ThreadRuntime) -> None:
    """A11."""
    root = start(runtime, subtree("a"), subtree("b"), subtree("c"))

    terminate_child(root, "b")

    assert count_children(root) == ChildCounts(specs=3, active=2, supervisors=3, workers=0)


def test_the_arguments_of_temporary_children_are_not_kept(runtime: ThreadRuntime) -> None:
    """A12."""

    class Payload:
        pass

    root = start(runtime)
    payload = Payload()
    watched = weakref.ref(payload)
    start_child(root, child("a", args=(0,), kwargs={"tag": payload}, restart=Restart.TEMPORARY, name="a"))
    sys.replace_state(runtime.named("a"), lambda state: {**state, "tag": ""})
    runtime.call("a", Get())
    del payload

    assert get_childspec(root, "a").kwargs == {}
    terminate_child(root, "a")
    assert watched() is None


# Restart types.


@pytest.mark.parametrize(
    ("restart", "end", "is_restarted"),
    [
        (Restart.PERMANENT, Depart("normal"), True),
        (Restart.PERMANENT, Depart("shutdown"), True),
        (Restart.PERMANENT, Depart(("shutdown", 1)), True),
        (Restart.PERMANENT, Crash(), True),
        (Restart.TRANSIENT, Depart("normal"), False),
        (Restart.TRANSIENT, Depart("shutdown"), False),
        (Restart.TRANSIENT, Depart(("shutdown", 1)), False),
        (Restart.TRANSIENT, Crash(), True),
        (Restart.TRANSIENT, Crash(SystemExit()), True),
        (Restart.TEMPORARY, Depart("normal"), False),
        (Restart.TEMPORARY, Depart("shutdown"), False),
        (Restart.TEMPORARY, Crash(), False),
    ],
)
def test_the_restart_type_and_the_reason_decide(
    runtime: ThreadRuntime, events: Recorder, restart: Restart, end: object, is_restarted: bool
) -> None:
    """R01-R11."""
    root = start(runtime, child("a", restart=restart))
    before = refs(root)["a"]

    crash(runtime, before, end)
    events.wait_for("child.terminated", path="root/a")

    after = refs(root)
    assert (after.get("a") is not None) is is_restarted
    assert ("a" in after) is (restart is not Restart.TEMPORARY)
    assert after.get("a") is not before


def test_a_forgotten_temporary_id_can_be_started_again(runtime: ThreadRuntime, events: Recorder) -> None:
    """R09."""
    root = start(runtime, child("a", restart=Restart.TEMPORARY))
    crash(runtime, refs(root)["a"])
    events.wait_for("child.terminated", path="root/a")

    assert start_child(root, child("a")) is not None


def test_a_restarted_child_has_the_state_of_init(runtime: ThreadRuntime, events: Recorder) -> None:
    """R12."""
    start(runtime, child("a", args=(5,), name="a"))
    runtime.call("a", Add(10))

    crash(runtime, runtime.whereis("a"))
    restarted(events, "root/a")

    assert runtime.call("a", Get()) == 5


def test_a_killed_child_is_restarted(runtime: ThreadRuntime, events: Recorder) -> None:
    start(runtime, child("a", restart=Restart.TRANSIENT, name="a"))

    runtime.kill("a")
    restarted(events, "root/a")

    assert runtime.call("a", Get()) == 0


# Strategies and trees.


@pytest.mark.parametrize(("strategy", "kept"), [("one_for_one", "ac"), ("one_for_all", ""), ("rest_for_one", "a")])
def test_the_strategy_decides_who_falls_along(
    runtime: ThreadRuntime, events: Recorder, strategy: str, kept: str
) -> None:
    """T01."""
    root = start(runtime, *(child(i) for i in "abc"), strategy=strategy)
    before = refs(root)

    crash(runtime, before["b"])
    restarted(events, "root/b")

    after = refs(root)
    assert all(ref is not None and ref.is_alive for ref in after.values())
    assert "".join(i for i in "abc" if after[i] is before[i]) == kept


def test_those_that_fall_along_end_right_to_left_and_start_left_to_right(
    runtime: ThreadRuntime, events: Recorder
) -> None:
    log: list[Any] = []
    specs = [child(i, kwargs={"log": log, "tag": i}, name=i) for i in "abcd"]
    start(runtime, *specs, strategy="rest_for_one")
    log.clear()

    crash(runtime, runtime.whereis("b"))
    restarted(events, "root/d")

    assert [entry[:2] for entry in log] == [
        ("terminate", "b"),
        ("terminate", "d"),
        ("terminate", "c"),
        ("init", "b"),
        ("init", "c"),
        ("init", "d"),
    ]


def test_a_temporary_child_that_falls_along_is_forgotten(runtime: ThreadRuntime, events: Recorder) -> None:
    root = start(runtime, child("a"), child("t", restart=Restart.TEMPORARY), strategy="one_for_all")

    crash(runtime, refs(root)["a"])
    restarted(events, "root/a")

    assert list(refs(root)) == ["a"]


def test_a_restarted_subtree_has_its_static_children_only(runtime: ThreadRuntime, events: Recorder) -> None:
    """T02."""
    root = start(runtime, subtree("sub", child("static")))
    sub = refs(root)["sub"]
    assert sub is not None
    start_child(sub, child("added"))

    runtime.stop(sub, "boom")
    restarted(events, "root/sub")

    assert list(refs(refs(root)["sub"])) == ["static"]  # type: ignore[arg-type]
    assert [info.path for info in runtime.tree()] == ["root", "root/sub", "root/sub/static"]


def test_one_crash_changes_nothing_above_or_beside(runtime: ThreadRuntime, events: Recorder) -> None:
    """T03."""
    root = start(runtime, subtree("sub", child("w", name="w"), child("x")), child("y"))
    sub = refs(root)["sub"]
    assert sub is not None
    before = (refs(root), refs(sub)["x"])

    crash(runtime, runtime.whereis("w"))
    restarted(events, "root/sub/w")

    assert (refs(root), refs(sub)["x"]) == before


def test_a_killed_supervisor_leaves_no_orphan_and_is_restarted(runtime: ThreadRuntime, events: Recorder) -> None:
    """T04."""
    root = start(runtime, subtree("sub", child("w", name="w"), subtree("deep", child("v", name="v"))))
    old = [refs(root)["sub"], runtime.whereis("w"), runtime.whereis("v")]

    runtime.kill(old[0])  # type: ignore[arg-type]
    restarted(events, "root/sub")

    assert [ref.exit_reason for ref in old if ref] == ["killed"] * 3
    assert runtime.call("w", Get()) == 0
    assert runtime.call("v", Get()) == 0
    assert runtime.zombies() == []


def test_a_supervisor_killed_while_a_child_starts_leaves_no_orphan(runtime: ThreadRuntime) -> None:
    """T04."""
    entered, release = threading.Event(), threading.Event()

    def outcome() -> object:
        entered.set()
        release.wait(10)
        return None

    root = start(runtime)
    runtime.request(root, StartChild(child("late", name="late", kwargs={"outcome": outcome})))
    assert entered.wait(5)

    runtime.kill(root)
    release.set()

    assert runtime.close(5) == []
    assert runtime.whereis("late") is None


# Intensity.


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
    inner = subtree("sub", child("w"), max_restarts=4, max_seconds=3600)
    root = start(runtime, inner, max_restarts=2, max_seconds=3600)

    while root.is_alive:
        for ref in [info for info in runtime.tree() if info.path == "root/sub/w"]:
            current = runtime.at(ref.path)
            if current is not None:
                runtime.cast(current, Crash())

    assert runtime.wait(root, 5) == "shutdown"
    assert len(events.all("child.started", path="root/sub/w")) == 3 * 5
    gave_up = [event["path"] for event in events.all("supervisor.gave_up")]
    assert gave_up == ["root/sub"] * 3 + ["root"]


def test_clean_ends_and_restarts_by_hand_cost_no_budget(runtime: ThreadRuntime, events: Recorder) -> None:
    """I05."""
    root = start(runtime, child("a", restart=Restart.TRANSIENT), max_restarts=0)

    for count in range(1, 4):
        crash(runtime, refs(root)["a"], Depart("normal"))
        events.wait_for("child.terminated", count, path="root/a")
        restart_child(root, "a")

    assert root.is_alive


# Backoff.


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

    assert refs(root) == {"a": None}


# Ends.


def test_children_end_right_to_left_with_shutdown(runtime: ThreadRuntime) -> None:
    """X01."""
    log: list[Any] = []
    root = start(runtime, *(child(i, kwargs={"log": log, "tag": i}) for i in "abc"))
    log.clear()

    runtime.stop(root, "shutdown")

    assert log == [("terminate", i, "shutdown") for i in "cba"]


def test_a_child_with_unlimited_time_is_waited_for(still: ThreadRuntime, clock: ManualClock) -> None:
    """X02."""
    entered, release = threading.Event(), threading.Event()

    def slowly() -> None:
        entered.set()
        release.wait(10)

    slow = child("slow", shutdown=Shutdown.INFINITY, kwargs={"terminate_with": slowly})
    root = start(still, slow, child("quick"))
    stopping = still.spawn(lambda: still.stop(root, "shutdown", 1e9), "stopper")
    assert entered.wait(5)

    clock.advance(3600)
    assert root.is_alive
    release.set()

    assert still.wait_for(stopping, 5)
    assert root.exit_reason == "shutdown"


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
    """X03, X04."""
    log: list[Any] = []
    fields = {"kwargs": {"log": log, "tag": "a"}, "shutdown": Shutdown.BRUTAL_KILL, "name": "a"}
    root = start(runtime, child("a", **fields), child("b", kwargs={"log": log, "tag": "b"}))
    ref = runtime.whereis("a")
    log.clear()

    runtime.stop(root, "shutdown")

    assert ref is not None
    assert ref.exit_reason == "killed"
    assert log == [("terminate", "b", "shutdown")]


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
