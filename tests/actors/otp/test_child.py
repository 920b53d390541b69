"""Child specs and supervisor specs are refused or complete."""

from __future__ import annotations

from typing import Any

import pytest

from actors.otp.child import Backoff, ChildSpec, ChildType, Restart, Shutdown
from actors.otp.supervisor import Strategy, Supervisor, SupervisorSpec
from moomarkets.domain.errors import InvalidInput
from tests.actors.otp.servers import Counter


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
    ("fields", "named"),
    [
        ({"id": ""}, "id"),
        ({"id": "a/b"}, "id"),
        ({"start": None}, "start"),
        ({"start": dict}, "start"),
        ({"restart": "prmanent"}, "prmanent"),
        ({"shutdown": -10}, "-10"),
        ({"shutdown": "soon"}, "soon"),
        ({"type": "wrker"}, "wrker"),
        ({"args": [1]}, "args"),
        ({"name": ""}, "name"),
        ({"backoff": (5, 1)}, "backoff"),
        ({"backoff": 3}, "backoff"),
        ({"start_timeout_s": 0}, "start_timeout_s"),
    ],
)
def test_a_wrong_field_is_refused_by_name_and_value(fields: dict[str, Any], named: str) -> None:
    """S08."""
    with pytest.raises(InvalidInput, match=named):
        ChildSpec(**{"id": "a", "start": Counter, **fields})


def test_an_unknown_field_is_a_type_error() -> None:
    """S09."""
    with pytest.raises(TypeError, match="restrat"):
        ChildSpec("a", Counter, restrat="permanent")  # type: ignore[call-arg]


def test_two_specs_with_one_id_are_refused() -> None:
    """S10."""
    with pytest.raises(InvalidInput, match="a"):
        SupervisorSpec(children=(ChildSpec("a", Counter), ChildSpec("a", Counter)))


@pytest.mark.parametrize(
    "fields",
    [
        {"strategy": "none_for_one"},
        {"max_restarts": -1},
        {"max_restarts": 1.5},
        {"max_seconds": 0},
        {"children": ("a",)},
    ],
)
def test_a_wrong_supervisor_flag_is_refused(fields: dict[str, Any]) -> None:
    """S11."""
    with pytest.raises(InvalidInput):
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
