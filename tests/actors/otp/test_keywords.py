"""Words about keywords that a spec does not know or misses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.otp.child import Backoff, ChildSpec
from actors.otp.dynamic_supervisor import DynamicSpec
from actors.otp.supervisor_spec import SupervisorSpec
from tests.actors.otp.servers import Counter

CHILD_FIELDS = "id, start, args, kwargs, restart, shutdown, type, name, backoff, start_timeout_s, significant"


def test_a_misspelt_key_is_named_with_its_value_what_exists_and_what_was_meant() -> None:
    """S09."""
    with pytest.raises(TypeError) as refused:
        ChildSpec("a", Counter, shutdwon=5000)  # type: ignore[call-arg]

    assert str(refused.value) == (
        f"child spec: expected one of {CHILD_FIELDS}, got 'shutdwon' = 5000 (did you mean 'shutdown'?)"
    )


def test_a_key_like_no_other_gets_no_guess() -> None:
    """S09."""
    with pytest.raises(TypeError, match=r"got 'zzz' = None$"):
        ChildSpec("a", Counter, zzz=None)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Counter.child_spec(restrat="permanent"), "child spec: .* 'restrat' = permanent .*'restart'"),
        (lambda: SupervisorSpec(childern=()), "supervisor spec: .* 'childern' = .*'children'"),  # type: ignore[call-arg]
        (lambda: SupervisorSpec(max_restart=3), "supervisor spec: .* 'max_restart' = 3 .*'max_restarts'"),  # type: ignore[call-arg]
        (lambda: DynamicSpec(max_childs=3), "dynamic spec: .* 'max_childs' = 3 .*'max_children'"),  # type: ignore[call-arg]
        (lambda: Backoff(first_s=1, most=3), "backoff: expected one of first_s, most_s, got 'most' = 3"),  # type: ignore[call-arg]
    ],
)
def test_every_spec_refuses_keys_that_it_does_not_know(make: Callable[[], object], text: str) -> None:
    """S09."""
    with pytest.raises(TypeError, match=text):
        make()


@pytest.mark.parametrize(
    "fields", [{"api_key": "hunter2"}, {"kwarg": {"password": "hunter2"}}, {"arg": ("a secret hunter2",)}]
)
def test_a_refusal_shows_no_secret(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError) as refused:
        ChildSpec("a", Counter, **fields)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("fields", "missing"), [({"start": Counter}, "id"), ({"id": "a"}, "start")])
def test_a_spec_without_id_or_start_is_refused(fields: dict[str, Any], missing: str) -> None:
    """S08."""
    with pytest.raises(TypeError, match=f"child spec: expected '{missing}', got none"):
        ChildSpec(**fields)


def test_fields_by_place_are_taken_as_before() -> None:
    assert ChildSpec("a", Counter, (1,), {"tag": "x"}).kwargs == {"tag": "x"}
    with pytest.raises(TypeError, match="multiple values"):
        ChildSpec("a", Counter, id="b")  # type: ignore[misc]
