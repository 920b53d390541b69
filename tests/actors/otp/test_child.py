"""Child specs and supervisor specs are refused or complete."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pykka import ThreadingActor

from actors.otp.administration import start_child
from actors.otp.child import Backoff, ChildSpec, ChildType, Restart, Shutdown
from actors.otp.errors import StartError
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import Strategy, SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from tests.actors.otp.servers import Counter
from tests.actors.otp.trees import child, refs, start


def test_a_spec_of_id_and_class_is_a_permanent_worker_with_five_seconds_to_stop() -> None:
    """S07."""
    spec = ChildSpec("a", Counter)

    assert (spec.restart, spec.shutdown, spec.type) == (Restart.PERMANENT, 5.0, ChildType.WORKER)
    assert spec.start_timeout_s == 30.0


def test_a_supervisor_has_unlimited_time_to_start_and_to_stop() -> None:
    """S07."""
    spec = ChildSpec("a", Supervisor, type=ChildType.SUPERVISOR)

    assert (spec.shutdown, spec.start_timeout_s) == (Shutdown.INFINITY, None)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"id": ""}, "child id: expected a name without a slash, got ''"),
        ({"id": "a/b"}, "child id: .*, got 'a/b'"),
        ({"id": 7}, "child id: .*, got 7"),
        ({"start": None}, "child a start: expected a server class, got None"),
        ({"start": dict}, "child a start: .*, got <class 'dict'>"),
        ({"start": ThreadingActor}, "child a start: .*ThreadingActor"),
        ({"start": lambda: None}, "child a start: .*function"),
        ({"args": [1]}, "child a args: expected a tuple, got 'list'"),
        ({"kwargs": [1]}, "child a kwargs: expected a mapping, got 'list'"),
        ({"kwargs": {1: 2}}, "child a kwargs: expected names as keys, got 1"),
        ({"restart": "prmanent"}, r"child a restart: expected permanent \| transient \| temporary, got 'prmanent'"),
        ({"restart": True}, "child a restart: .*, got True"),
        ({"restart": None}, "child a restart: .*, got None"),
        ({"shutdown": -10}, "child a shutdown: expected 0 or more seconds, got -10"),
        ({"shutdown": "soon"}, r"child a shutdown: expected infinity \| brutal_kill, got 'soon'"),
        ({"shutdown": math.inf}, "child a shutdown: .*, got inf"),
        ({"shutdown": math.nan}, "child a shutdown: .*, got nan"),
        ({"shutdown": 10**400}, "child a shutdown: .*, got 1000"),
        ({"shutdown": True}, "child a shutdown: .*, got True"),
        ({"type": "wrker"}, r"child a type: expected worker \| supervisor, got 'wrker'"),
        ({"name": ""}, "child a name: expected a name or None, got ''"),
        ({"name": 7}, "child a name: .*, got 7"),
        ({"backoff": (5, 1)}, r"child a backoff most_s: expected at least first_s \(5\) seconds, got 1"),
        ({"backoff": (0, 1)}, "child a backoff first_s: expected more than 0 seconds, got 0"),
        ({"backoff": (1, 2, 3)}, r"child a backoff: expected \(first, most\) seconds, got \(1, 2, 3\)"),
        ({"backoff": 3}, "child a backoff: .*, got 3"),
        ({"start_timeout_s": 0}, "child a start_timeout_s: expected more than 0 seconds, got 0"),
        ({"start_timeout_s": "30"}, "child a start_timeout_s: .*, got '30'"),
        ({"significant": 1}, "child a significant: expected True or False, got 1"),
    ],
)
def test_a_wrong_field_is_refused_by_name_and_value(fields: dict[str, Any], refusal: str) -> None:
    """S08."""
    with pytest.raises(InvalidInput, match=f"^{refusal}"):
        ChildSpec(**{"id": "a", "start": Counter, **fields})


@pytest.mark.parametrize("fields", [{"id": ""}, {"restart": "prmanent"}, {"shutdown": -10}, {"type": "wrker"}])
def test_no_child_has_started_when_a_spec_is_refused(runtime: ThreadRuntime, fields: dict[str, Any]) -> None:
    """S08."""
    log: list[object] = []
    root = start(runtime)

    with pytest.raises(InvalidInput):
        runtime.start(Supervisor, SupervisorSpec(children=(child("a", args=(0, log)), child("b", **fields))))
    with pytest.raises(InvalidInput):
        start_child(root, child("b", **fields))
    with pytest.raises(InvalidInput, match="start_child: expected a child spec, got 'str'"):
        start_child(root, "b")  # type: ignore[arg-type]

    assert log == []
    assert refs(root) == {}


def test_two_specs_with_one_id_are_refused_before_anything_starts(runtime: ThreadRuntime) -> None:
    """S10."""
    log: list[object] = []

    class Twins(Supervisor):
        def init(self) -> SupervisorSpec:
            return SupervisorSpec(children=(child("a", args=(0, log)), child("a", args=(0, log))))

    with pytest.raises(StartError, match="children: expected ids that differ, got 'a'"):
        runtime.start(Twins)

    assert log == []
    assert runtime.tree() == []


def test_two_specs_with_one_name_are_refused() -> None:
    with pytest.raises(InvalidInput, match="children: expected names that differ, got 'clerk'"):
        SupervisorSpec(children=(child("a", name="clerk"), child("b", name="clerk")))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"strategy": "none_for_one"}, "strategy: expected one_for_one .*, got 'none_for_one'"),
        ({"strategy": None}, "strategy: .*, got None"),
        ({"max_restarts": -1}, "max_restarts: expected a whole number, 0 or more, got -1"),
        ({"max_restarts": 1.5}, "max_restarts: .*, got 1.5"),
        ({"max_restarts": True}, "max_restarts: .*, got True"),
        ({"max_seconds": 0}, "max_seconds: expected more than 0 seconds, got 0"),
        ({"max_seconds": -1}, "max_seconds: .*, got -1"),
        ({"max_seconds": math.inf}, "max_seconds: .*, got inf"),
        ({"max_seconds": math.nan}, "max_seconds: .*, got nan"),
        ({"max_seconds": True}, "max_seconds: .*, got True"),
        ({"max_seconds": "5"}, "max_seconds: .*, got '5'"),
        ({"children": ("a",)}, "children: expected child specs, got 'str'"),
        ({"children": 5}, "children: expected a tuple of child specs, got 'int'"),
        ({"children": {}}, "children: .*, got 'dict'"),
        ({"children": ChildSpec("a", Counter)}, "children: .*, got 'ChildSpec'"),
    ],
)
def test_a_wrong_supervisor_flag_is_refused(fields: dict[str, Any], refusal: str) -> None:
    """S11."""
    with pytest.raises(InvalidInput, match=f"^{refusal}"):
        SupervisorSpec(**fields)


def test_words_are_taken_for_enums() -> None:
    spec = ChildSpec("a", Counter, restart="transient", shutdown="brutal_kill")  # type: ignore[arg-type]

    assert (spec.restart, spec.shutdown) == (Restart.TRANSIENT, Shutdown.BRUTAL_KILL)
    assert SupervisorSpec("one_for_all").strategy is Strategy.ONE_FOR_ALL


def test_a_class_makes_its_own_spec_which_overrides_complete() -> None:
    spec = Counter.child_spec(id="clerk", args=(1,))

    assert (spec.id, spec.start, spec.args) == ("clerk", Counter, (1,))
    assert Supervisor.child_spec().type is ChildType.SUPERVISOR


def test_a_backoff_doubles_up_to_its_limit() -> None:
    backoff = Backoff(0.5, 3)

    assert [backoff.delay_s(failures) for failures in (1, 2, 3, 4, 5000)] == [0.5, 1, 2, 3, 3]
