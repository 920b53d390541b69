"""An orderly restart on request: who is replaced, what it costs, and what happens when the start fails."""

from __future__ import annotations

import pytest

from actors.otp import sys
from actors.otp.administration import cycle_child, terminate_child
from actors.otp.child import Restart
from actors.otp.errors import ChildProblem, ChildRefused
from actors.otp.process import ProcessState
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Get
from tests.actors.otp.trees import child, crash, refs, restarted, scripted, start


@pytest.mark.parametrize(
    ("strategy", "replaced"), [("one_for_one", "b"), ("one_for_all", "abc"), ("rest_for_one", "bc")]
)
def test_whoever_would_fall_with_a_child_is_restarted_with_it(
    runtime: ThreadRuntime, strategy: str, replaced: str
) -> None:
    """T01."""
    root = start(runtime, child("a"), child("b"), child("c"), strategy=strategy)
    before = refs(root)

    paths = cycle_child(root, "b")

    after = refs(root)
    assert paths == [f"root/{child_id}" for child_id in replaced]
    assert {child_id for child_id in after if after[child_id] is not before[child_id]} == set(replaced)
    assert all(before[child_id].exit_reason == "shutdown" for child_id in replaced)  # type: ignore[union-attr]


def test_a_restart_on_request_costs_no_budget(runtime: ThreadRuntime, events: Recorder) -> None:
    """I05."""
    root = start(runtime, child("a"), max_restarts=1, max_seconds=3600)
    for _ in range(3):
        cycle_child(root, "a")

    assert sys.get_state(root)["restarts_spent"] == 0
    crash(runtime, refs(root)["a"])
    restarted(events, "root/a", restarts=4)
    assert sys.get_state(root)["restarts_spent"] == 1


def test_a_start_that_fails_on_request_is_tried_again_as_after_a_crash(
    runtime: ThreadRuntime, events: Recorder
) -> None:
    root = start(runtime, child("a", kwargs={"outcome": scripted(None, ValueError(), None)}), child("b"))

    cycle_child(root, "a")

    restarted(events, "root/a", restarts=2)
    assert runtime.call(refs(root)["a"], Get()) == 0  # type: ignore[arg-type]


def test_a_child_that_is_down_is_started_and_one_that_is_not_kept_or_unknown_refused(runtime: ThreadRuntime) -> None:
    root = start(runtime, child("a"), child("passing", restart=Restart.TEMPORARY))
    terminate_child(root, "a")

    cycle_child(root, "a")

    assert runtime.tree()[1].state is ProcessState.IDLE
    for child_id, problem in {"passing": ChildProblem.TEMPORARY, "nobody": ChildProblem.NOT_FOUND}.items():
        with pytest.raises(ChildRefused) as refused:
            cycle_child(root, child_id)
        assert refused.value.problem is problem
