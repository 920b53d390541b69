"""What a dynamic supervisor promises."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import pytest

from actors.otp.administration import (
    count_children,
    cycle_child,
    delete_child,
    get_childspec,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from actors.otp.child import ChildSpec, Restart, Shutdown
from actors.otp.dynamic_supervisor import DynamicSpec, DynamicSupervisor
from actors.otp.errors import ChildRefused, StartError
from actors.otp.messages import IGNORE
from actors.otp.nursery import ChildCounts
from actors.otp.ref import Ref
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import eventually, pass_time
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Block, Counter, Crash, Depart, Get


def child(child_id: str, **fields: Any) -> ChildSpec:
    return ChildSpec(**{"id": child_id, "start": Counter, **fields})


def start(runtime: ThreadRuntime, **fields: Any) -> Ref:
    slots = runtime.start(DynamicSupervisor, DynamicSpec(**fields), name="slots")
    assert slots is not None
    return slots


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_children", -1),
        ("max_children", 1.5),
        ("max_children", True),
        ("max_restarts", -1),
        ("max_seconds", 0),
        ("max_seconds", math.inf),
        ("max_seconds", True),
    ],
)
def test_a_wrong_flag_is_refused(field: str, value: Any) -> None:
    """S11."""
    with pytest.raises(InvalidInput, match=f"^{field}: .*, got {value}"):
        DynamicSpec(**{field: value})


@pytest.mark.parametrize("arguments", [("nonsense",), (DynamicSpec(), 1), (None,)])
def test_a_dynamic_supervisor_without_a_spec_does_not_start(runtime: ThreadRuntime, arguments: tuple[Any, ...]) -> None:
    """S04."""
    with pytest.raises(StartError, match="DynamicSpec"):
        runtime.start(DynamicSupervisor, *arguments, name="slots")

    assert runtime.tree() == []


@pytest.mark.parametrize("most", [0, 1])
def test_no_more_than_the_most_children_are_started(runtime: ThreadRuntime, most: int) -> None:
    """D01."""
    slots = start(runtime, max_children=most)
    for number in range(most):
        start_child(slots, child(f"a{number}"))

    for _ in range(2):
        with pytest.raises(ChildRefused, match="max_children"):
            start_child(slots, child("b"))
    assert count_children(slots).active == most


def test_what_only_a_static_supervisor_can_do_is_refused(runtime: ThreadRuntime) -> None:
    slots = start(runtime)
    ref = start_child(slots, child("a"))

    for verb in (restart_child, delete_child, get_childspec, cycle_child):
        with pytest.raises(InvalidInput, match="slots, a dynamic supervisor: expected start_child"):
            verb(slots, "a")

    assert ref is not None
    assert ref.is_alive


def test_a_child_that_waits_to_be_restarted_takes_a_place(still: ThreadRuntime, events: Recorder) -> None:
    slots = start(still, max_children=1)
    ref = start_child(slots, child("a", backoff=(1, 30)))
    assert ref is not None

    still.cast(ref, Crash())
    events.wait_for("child.terminated", path="slots/a")

    with pytest.raises(ChildRefused, match="max_children"):
        start_child(slots, child("b"))
    assert which_children(slots)[0].is_restarting


def test_a_child_is_terminated_by_ref_and_only_ones_own(runtime: ThreadRuntime) -> None:
    """D02."""
    slots, foreign = start(runtime), runtime.start(Counter)
    ref = start_child(slots, child("a"))
    assert ref is not None

    terminate_child(slots, ref)

    assert ref.exit_reason == "shutdown"
    for other in (ref, foreign):
        with pytest.raises(ChildRefused, match="not_found"):
            terminate_child(slots, other)
    assert foreign.is_alive


def test_a_child_that_waits_to_be_restarted_can_be_terminated_by_its_old_ref(
    still: ThreadRuntime, events: Recorder, clock: ManualClock
) -> None:
    """D02."""
    slots = start(still)
    ref = start_child(slots, child("a", backoff=(1, 30)))
    assert ref is not None
    still.cast(ref, Crash())
    events.wait_for("child.terminated", path="slots/a")

    terminate_child(slots, ref)
    clock.advance(60)

    assert which_children(slots) == []
    with pytest.raises(ChildRefused, match="not_found"):
        terminate_child(slots, ref)
    assert [info.path for info in still.tree()] == ["slots"]


def test_the_ref_of_an_incarnation_that_was_replaced_is_nobodys(runtime: ThreadRuntime, events: Recorder) -> None:
    """D02."""
    slots = start(runtime)
    ref = start_child(slots, child("a"))
    assert ref is not None
    runtime.cast(ref, Crash())
    events.wait_for("child.started", path="slots/a", restarts=1)

    with pytest.raises(ChildRefused, match="not_found"):
        terminate_child(slots, ref)

    assert count_children(slots).active == 1


@pytest.mark.parametrize("error", [ValueError(), SystemExit(), KeyboardInterrupt()])
def test_a_failing_init_is_the_askers_error_alone(runtime: ThreadRuntime, error: BaseException) -> None:
    """D03."""
    slots = start(runtime)

    with pytest.raises(StartError) as failed:
        start_child(slots, child("bad", kwargs={"outcome": error}))

    assert failed.value.reason is error
    assert count_children(slots) == ChildCounts(0, 0, 0, 0)
    assert [info.path for info in runtime.tree()] == ["slots"]


def test_a_child_that_ignores_is_not_kept(runtime: ThreadRuntime) -> None:
    slots = start(runtime)

    assert start_child(slots, child("lazy", kwargs={"outcome": IGNORE})) is None
    assert which_children(slots) == []
    assert [info.path for info in runtime.tree()] == ["slots"]


def test_a_restarted_child_that_now_ignores_is_removed(runtime: ThreadRuntime, events: Recorder) -> None:
    """D04."""
    slots, outcomes = start(runtime), [None, IGNORE]
    ref = start_child(slots, child("a", kwargs={"outcome": lambda: outcomes.pop(0)}))
    assert ref is not None

    runtime.cast(ref, Crash())
    events.wait_for("child.terminated", path="slots/a")

    assert which_children(slots) == []


def test_a_crashed_child_is_restarted_alone(runtime: ThreadRuntime, events: Recorder) -> None:
    slots = start(runtime)
    first, second = start_child(slots, child("a", name="a")), start_child(slots, child("b"))
    assert first is not None

    runtime.cast(first, Crash())
    events.wait_for("child.started", path="slots/a", restarts=1)

    assert runtime.call("a", Get()) == 0
    assert [info.ref for info in which_children(slots)] == [runtime.whereis("a"), second]


@pytest.mark.parametrize(
    ("restart", "end"),
    [(Restart.TRANSIENT, Depart("normal")), (Restart.TEMPORARY, Crash()), (Restart.TEMPORARY, Depart())],
)
def test_a_child_that_ends_for_good_is_forgotten(
    runtime: ThreadRuntime, events: Recorder, restart: Restart, end: object
) -> None:
    slots = start(runtime)
    ref = start_child(slots, child("a", restart=restart))
    assert ref is not None

    runtime.cast(ref, end)
    events.wait_for("child.terminated", path="slots/a")

    assert count_children(slots).specs == 0
    assert [info.path for info in runtime.tree()] == ["slots"]


def test_ids_may_repeat_and_paths_do_not(runtime: ThreadRuntime) -> None:
    slots = start(runtime)

    refs = [start_child(slots, child("a")) for _ in range(3)]

    assert [ref.path for ref in refs if ref] == ["slots/a", "slots/a~2", "slots/a~3"]
    assert [info.path for info in runtime.tree()] == ["slots", "slots/a", "slots/a~2", "slots/a~3"]


def test_one_restart_too_many_ends_the_supervisor(runtime: ThreadRuntime) -> None:
    slots = start(runtime, max_restarts=0)
    first, second = start_child(slots, child("a")), start_child(slots, child("b"))
    assert first is not None
    assert second is not None

    runtime.cast(first, Crash())

    assert runtime.wait(slots, 5) == "shutdown"
    assert second.exit_reason == "shutdown"


def test_a_failed_restart_is_tried_again_after_its_backoff(
    still: ThreadRuntime, events: Recorder, clock: ManualClock
) -> None:
    slots, outcomes = start(still, max_restarts=0), [None, ValueError(), None]
    ref = start_child(slots, child("a", backoff=(1, 30), kwargs={"outcome": lambda: outcomes.pop(0)}))
    assert ref is not None
    still.cast(ref, Crash())
    events.wait_for("child.terminated", path="slots/a")
    count_children(slots)

    clock.advance(1)
    events.wait_for("child.start_failed", path="slots/a")
    count_children(slots)
    clock.advance(2)

    events.wait_for("child.started", path="slots/a", restarts=2)


def test_all_children_are_ended_at_the_same_time(still: ThreadRuntime, clock: ManualClock) -> None:
    slots, blocks = start(still), [Block() for _ in range(3)]
    refs = [start_child(slots, child(f"x{n}", shutdown=5)) for n in range(3)]
    for ref, block in zip(refs, blocks, strict=True):
        assert ref is not None
        still.cast(ref, block)
        assert block.entered.wait(5)
    stopping = still.spawn(lambda: still.stop(slots, "shutdown", 3600), "stopper")
    assert eventually(lambda: all(len(ref.process.mailbox) for ref in refs if ref))

    pass_time(clock, 5, stopping)

    assert [ref.exit_reason for ref in refs if ref] == ["killed"] * 3
    for block in blocks:
        block.release.set()


def test_each_child_ends_by_its_own_rule(runtime: ThreadRuntime) -> None:
    """X03, X04."""
    slots, log = start(runtime), []
    brutal = start_child(slots, child("a", shutdown=Shutdown.BRUTAL_KILL, kwargs={"log": log, "tag": "a"}))
    start_child(slots, child("b", kwargs={"log": log, "tag": "b"}))

    runtime.stop(slots, "shutdown")

    assert brutal is not None
    assert brutal.exit_reason == "killed"
    assert ("terminate", "b", "shutdown") in log
    assert ("terminate", "a", "shutdown") not in log


def test_hundreds_of_children_come_and_go_in_linear_time(runtime: ThreadRuntime) -> None:
    """D05."""

    def cpu_of_each(count: int) -> float:
        slots, begun = start(runtime), time.process_time()
        for number in range(count):
            start_child(slots, child(f"x{number}", restart=Restart.TEMPORARY))
        assert count_children(slots).active == count
        runtime.stop(slots, "shutdown")
        assert runtime.tree() == []
        return (time.process_time() - begun) / count

    few = min(cpu_of_each(30) for _ in range(3))

    assert min(cpu_of_each(300) for _ in range(3)) < 3 * few


def test_children_that_crash_while_others_start_are_counted_right(runtime: ThreadRuntime, events: Recorder) -> None:
    """D06."""
    slots = start(runtime)

    def start_some(worker: int) -> None:
        for number in range(20):
            ref = start_child(slots, child(f"{worker}-{number}", restart=Restart.TEMPORARY))
            assert ref is not None
            if number % 2:
                runtime.cast(ref, Crash())

    threads = [threading.Thread(target=start_some, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events.wait_for("child.terminated", 40)

    assert count_children(slots) == ChildCounts(specs=40, active=40, supervisors=0, workers=40)
