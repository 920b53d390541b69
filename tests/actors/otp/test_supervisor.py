"""How a supervisor starts its children, and whom it restarts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from actors.otp.administration import (
    StartChild,
    count_children,
    start_child,
)
from actors.otp.child import Restart
from actors.otp.errors import Killed, StartError
from actors.otp.messages import IGNORE, Continue
from actors.otp.nursery import ChildCounts
from actors.otp.runtime import Start
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Add, Counter, Crash, Depart, Get
from tests.actors.otp.trees import child, crash, refs, restarted, start, subtree


def test_a_supervisor_without_children_starts_and_stops(runtime: ThreadRuntime) -> None:
    """S01."""
    root = start(runtime)

    assert runtime.stop(root, "shutdown") == "shutdown"
    assert runtime.close(5) == []


def test_children_start_left_to_right_one_after_another(runtime: ThreadRuntime) -> None:
    """S02."""
    log: list[Any] = []
    ids = ["ch7", "ch3", "ch10", "ch2", "ch5"]

    def ended(child_id: str) -> Callable[[], None]:
        return lambda: log.append(("init ended", child_id))

    root = start(runtime, *(child(i, kwargs={"log": log, "tag": i, "outcome": ended(i)}) for i in ids))

    assert log == [(what, i) for i in ids for what in ("init", "init ended")]
    assert list(refs(root)) == ids


def test_start_returns_when_every_child_answers(runtime: ThreadRuntime) -> None:
    """S03."""
    release = threading.Event()
    slow = child("slow", name="slow", kwargs={"outcome": lambda: release.wait(5) and None})
    starting = runtime.spawn(lambda: start(runtime, child("a", name="a"), slow, child("b", name="b")), "starter")

    assert not runtime.wait_for(starting, 0.02)
    release.set()
    assert runtime.wait_for(starting, 5)
    assert [runtime.call(name, Get()) for name in ("a", "slow", "b")] == [0, 0, 0]


@pytest.mark.parametrize("given", ["nonsense", None, 7, Continue(), ()])
def test_a_supervisor_without_a_spec_does_not_start(runtime: ThreadRuntime, given: object) -> None:
    """S04."""
    with pytest.raises(StartError, match="SupervisorSpec"):
        runtime.start(Supervisor, given, name="root")

    assert runtime.tree() == []
    assert runtime.whereis("root") is None


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(), KeyboardInterrupt()])
def test_a_supervisor_whose_init_raises_does_not_start(runtime: ThreadRuntime, error: BaseException) -> None:
    """S04."""

    class Broken(Supervisor):
        def init(self) -> SupervisorSpec:
            raise error

    with pytest.raises(StartError) as failed:
        runtime.start(Broken, name="root")

    assert failed.value.reason is error
    assert runtime.tree() == []
    assert runtime.whereis("root") is None
    assert runtime.close(5) == []


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


def clerks(count: int) -> SupervisorSpec:
    return SupervisorSpec(children=tuple(child(f"clerk{n}", name=f"clerk{n}") for n in range(count)))


class Office(Supervisor):
    def init(self, count: int) -> SupervisorSpec:
        return clerks(count)


@pytest.mark.parametrize(("server", "argument"), [(Office, 2), (Supervisor, clerks(2))])
def test_a_supervisor_may_be_a_class_or_a_spec(
    runtime: ThreadRuntime, events: Recorder, server: type[Supervisor], argument: object
) -> None:
    """S14."""
    root = runtime.start(server, argument, name="root")

    crash(runtime, runtime.whereis("clerk1"))
    restarted(events, "root/clerk1")

    assert [info.path for info in runtime.tree()] == ["root", "root/clerk0", "root/clerk1"]
    assert count_children(root) == ChildCounts(specs=2, active=2, supervisors=0, workers=2)
    assert runtime.stop(root, "shutdown") == "shutdown"


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
    """R01, R02, R03, R04, R05, R06, R07, R08, R09, R10, R11."""
    root = start(runtime, child("a", restart=restart))
    before = refs(root)["a"]

    crash(runtime, before, end)
    events.wait_for("child.terminated", path="root/a")

    after = refs(root)
    assert (after.get("a") is not None) is is_restarted
    assert ("a" in after) is (restart is not Restart.TEMPORARY)
    assert after.get("a") is not before
    if restart is Restart.TEMPORARY:
        assert start_child(root, child("a", restart=restart)) is not None


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


def test_a_killed_supervisor_takes_no_new_child(runtime: ThreadRuntime) -> None:
    """T04."""
    root = start(runtime)
    runtime.kill(root)

    with pytest.raises(Killed):
        runtime.begin(Start(Counter, path="root/late", name="late", parent=root.process))

    assert runtime.whereis("late") is None
    assert runtime.tree() == []
