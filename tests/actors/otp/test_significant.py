"""Supervisors that end once their significant children have ended."""

from __future__ import annotations

from typing import Any

import pytest

from actors.otp.administration import cycle_child, restart_child, start_child, terminate_child
from actors.otp.child import ChildSpec, Restart
from actors.otp.dynamic_supervisor import DynamicSpec, DynamicSupervisor
from actors.otp.messages import IGNORE
from actors.otp.ref import Ref
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import AutoShutdown, SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Counter, Crash, Depart
from tests.actors.otp.trees import child, crash, refs, restarted, start

ANY, ALL = AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT


def worker(child_id: str, restart: Restart = Restart.TRANSIENT, **fields: Any) -> ChildSpec:
    """A significant child."""
    return child(child_id, restart=restart, significant=True, **fields)


def end(runtime: ThreadRuntime, root: Ref, child_id: str, how: object = None) -> None:
    """Have the child end by itself, and wait until its supervisor knows."""
    crash(runtime, refs(root)[child_id], how or Depart())


@pytest.mark.parametrize(
    ("restart", "how"),
    [
        (Restart.TRANSIENT, Depart("normal")),
        (Restart.TRANSIENT, Depart(("shutdown", "done"))),
        (Restart.TEMPORARY, Depart("normal")),
        (Restart.TEMPORARY, Crash()),
    ],
)
def test_the_first_significant_child_that_ends_for_good_ends_its_supervisor(
    runtime: ThreadRuntime, events: Recorder, restart: Restart, how: object
) -> None:
    log: list[Any] = []
    others = [child(i, kwargs={"log": log, "tag": i}) for i in "abc"]
    root = start(runtime, others[0], worker("job", restart), worker("other"), *others[1:], auto_shutdown=ANY)
    log.clear()

    end(runtime, root, "job", how)

    assert runtime.wait(root, 5) == "shutdown"
    assert log == [("terminate", i, "shutdown") for i in "cba"]
    assert events.all("supervisor.finished") == [{"path": "root", "child": "root/job"}]
    assert runtime.tree() == []


def test_a_transient_significant_child_that_crashes_is_restarted(runtime: ThreadRuntime, events: Recorder) -> None:
    root = start(runtime, worker("job"), auto_shutdown=ANY)

    end(runtime, root, "job", Crash())
    restarted(events, "root/job")

    assert root.is_alive


def test_only_the_end_of_the_last_significant_child_counts_where_all_are_waited_for(
    runtime: ThreadRuntime, events: Recorder
) -> None:
    root = start(runtime, worker("a"), worker("b"), worker("c", Restart.TEMPORARY), child("d"), auto_shutdown=ALL)

    for count, child_id in enumerate("ca", start=1):
        end(runtime, root, child_id)
        events.wait_for("child.terminated", count)
        assert len(refs(root)) == 3
    end(runtime, root, "b")

    assert runtime.wait(root, 5) == "shutdown"


def test_a_significant_child_that_waits_to_be_restarted_is_waited_for(still: ThreadRuntime, events: Recorder) -> None:
    root = start(still, worker("a"), worker("b", backoff=(1, 30)), auto_shutdown=ALL)
    end(still, root, "b", Crash())
    events.wait_for("child.terminated", path="root/b")

    end(still, root, "a")
    events.wait_for("child.terminated", path="root/a")

    assert refs(root) == {"a": None, "b": None}


def test_a_significant_child_that_does_not_run_is_not_waited_for(runtime: ThreadRuntime) -> None:
    lazy = worker("lazy", kwargs={"outcome": IGNORE})
    root = start(runtime, worker("a"), lazy, worker("gone"), auto_shutdown=ALL)
    terminate_child(root, "gone")

    end(runtime, root, "a")

    assert runtime.wait(root, 5) == "shutdown"


def test_a_significant_child_that_was_terminated_or_cycled_does_not_count(runtime: ThreadRuntime) -> None:
    root = start(runtime, worker("a"), auto_shutdown=ANY)

    terminate_child(root, "a")
    restart_child(root, "a")
    cycle_child(root, "a")

    assert refs(root)["a"] is not None


def test_a_significant_child_that_falls_along_does_not_count(runtime: ThreadRuntime, events: Recorder) -> None:
    falling = worker("t", Restart.TEMPORARY)
    root = start(runtime, child("a"), worker("b"), falling, strategy="one_for_all", auto_shutdown=ANY)

    end(runtime, root, "a", Crash())
    restarted(events, "root/b")

    assert list(refs(root)) == ["a", "b"]


def test_the_end_of_an_ordinary_child_does_not_count(runtime: ThreadRuntime, events: Recorder) -> None:
    root = start(runtime, child("a", restart="transient"), worker("b"), auto_shutdown=ANY)

    end(runtime, root, "a")
    events.wait_for("child.terminated", path="root/a")

    assert refs(root)["a"] is None


def test_a_supervisor_that_is_finished_is_judged_by_its_own_supervisor(
    runtime: ThreadRuntime, events: Recorder
) -> None:
    spec = SupervisorSpec(children=(worker("job", name="job"),), auto_shutdown=ANY)
    sub = ChildSpec("sub", Supervisor, (spec,), type="supervisor", restart="transient")  # type: ignore[arg-type]
    root = start(runtime, sub)

    crash(runtime, runtime.whereis("job"), Depart())
    events.wait_for("child.terminated", path="root/sub")

    assert refs(root) == {"sub": None}


def test_a_permanent_child_cannot_be_significant() -> None:
    with pytest.raises(InvalidInput) as refused:
        child("job", significant=True)

    assert str(refused.value) == (
        "child job significant: expected False with restart permanent "
        "(a significant child is transient or temporary), got True"
    )


def test_a_significant_child_needs_a_supervisor_that_heeds_it(runtime: ThreadRuntime) -> None:
    expected = (
        "child job significant: expected False under auto_shutdown never "
        "(any_significant or all_significant heed it), got True"
    )
    root = start(runtime)

    with pytest.raises(InvalidInput) as refused:
        SupervisorSpec(children=(worker("job"),))
    with pytest.raises(InvalidInput) as refused_later:
        start_child(root, worker("job"))

    assert (str(refused.value), str(refused_later.value)) == (expected, expected)
    assert refs(root) == {}


def test_a_dynamic_supervisor_takes_no_significant_child(runtime: ThreadRuntime) -> None:
    slots = runtime.start(DynamicSupervisor, DynamicSpec(), name="slots")
    assert slots is not None

    with pytest.raises(InvalidInput, match="child job significant: expected False in a dynamic supervisor"):
        start_child(slots, worker("job"))

    assert slots.is_alive


def test_a_significant_child_can_be_added_where_it_is_heeded(runtime: ThreadRuntime) -> None:
    root = start(runtime, auto_shutdown=ALL)
    ref = start_child(root, ChildSpec("job", Counter, restart=Restart.TEMPORARY, significant=True))

    crash(runtime, ref, Crash())

    assert runtime.wait(root, 5) == "shutdown"


@pytest.mark.parametrize("given", ["any", True, None])
def test_an_auto_shutdown_that_there_is_not_is_refused(given: Any) -> None:
    with pytest.raises(InvalidInput, match=r"auto_shutdown: expected never \| any_significant \| all_significant"):
        SupervisorSpec(auto_shutdown=given)
