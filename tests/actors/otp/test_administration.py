"""Children that are added, ended, restarted and deleted by hand."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from functools import partial

import pytest

from actors.otp import sys
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
from actors.otp.child import Restart
from actors.otp.errors import ChildProblem, ChildRefused, NoProc, StartError
from actors.otp.nursery import ChildCounts
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.servers import Add, Counter, Get
from tests.actors.otp.trees import child, refs, scripted, start, subtree


def test_a_running_child_cannot_be_started_again(runtime: ThreadRuntime) -> None:
    """A01."""
    root = start(runtime, child("a"))

    with pytest.raises(ChildRefused) as refused:
        start_child(root, child("a"))

    assert refused.value.problem is ChildProblem.ALREADY_STARTED
    assert refused.value.ref is refs(root)["a"]


@pytest.mark.parametrize("restart", [Restart.PERMANENT, Restart.TRANSIENT])
def test_a_terminated_child_keeps_its_spec_and_is_not_restarted(runtime: ThreadRuntime, restart: Restart) -> None:
    """A02, A03."""
    root = start(runtime, child("a", restart=restart))

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
    terminate_child(root, "a")
    delete_child(root, "a")
    with pytest.raises(ChildRefused, match="not_found"):
        restart_child(root, "a")


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
    verbs = (restart_child, delete_child, get_childspec, cycle_child)
    asked = [partial(verb, child_id="a") for verb in verbs]
    asked += [partial(terminate_child, child="a"), partial(start_child, spec=child("a"))]

    for dest in (root, runtime.named("nobody")):
        for ask in (*asked, which_children, count_children):
            with pytest.raises(NoProc):
                ask(dest, timeout_s=3600)


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


def test_a_hundred_temporary_children_do_not_leave_a_hundred_megabytes(runtime: ThreadRuntime) -> None:
    """A12."""
    root = start(runtime)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(100):
            start_child(
                root, child(f"x{number}", args=(0, None, bytes(2**20)), restart=Restart.TEMPORARY, start=Careless)
            )
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count_children(root).active == 100
    assert kept < 10 * 2**20


class Careless(Counter):
    """Does not keep what it was started with."""

    def init(self, *args: object, **kwargs: object) -> object:
        return super().init()
