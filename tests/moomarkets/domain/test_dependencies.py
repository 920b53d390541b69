from __future__ import annotations

from dataclasses import replace

import pytest

from moomarkets.domain.dependencies import Admit, Block, WaitingRun, decide, refuse_cycle
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import RunStatus

READY = WaitingRun(1, "bars", False, "jquants", True, False, {})


@pytest.mark.parametrize("edges", [{}, {"a": []}, {"a": ["b"]}, {"a": ["b", "c"], "b": ["d"], "c": ["d", "b"]}])
def test_groups_without_a_circle_are_accepted(edges: dict[str, list[str]]) -> None:
    refuse_cycle(edges)


@pytest.mark.parametrize(
    ("edges", "path"),
    [
        ({"a": ["a"]}, "a -> a"),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "a -> b -> c -> a"),
        ({"x": ["a"], "a": ["b"], "b": ["a"]}, "a -> b -> a"),
        ({"a": ["d", "b"], "b": ["d", "a"], "d": []}, "a -> b -> a"),
    ],
)
def test_a_circle_is_refused_with_its_path(edges: dict[str, list[str]], path: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        refuse_cycle(edges)

    assert raised.value.got == path


def test_a_chain_of_10000_groups_needs_no_recursion_and_little_time() -> None:
    chain = {f"group {number}": [f"group {number + 1}"] for number in range(10_000)}

    refuse_cycle(chain)
    with pytest.raises(InvalidInput) as raised:
        refuse_cycle({**chain, "group 10000": ["group 0"]})

    assert str(raised.value.got).count(" -> ") == 10_001


def test_a_run_that_nothing_blocks_is_admitted() -> None:
    assert decide([READY]) == [Admit(1)]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (replace(READY, is_paused=True), "paused"),
        (replace(READY, source_is_enabled=False), "source jquants is disabled"),
        (replace(READY, credential_is_missing=True), "credentials: jquants has none"),
        (replace(READY, upstream={"list": None}), "group list: its newest run is still to come"),
        (replace(READY, upstream={"list": RunStatus.FAILED}), "group list: its newest run is failed"),
        (replace(READY, upstream={"list": RunStatus.CANCELLED}), "group list: its newest run is cancelled"),
        (
            replace(READY, upstream={"a": RunStatus.COMPLETED, "b": RunStatus.RUNNING}),
            "group b: its newest run is running",
        ),
    ],
)
def test_a_run_that_has_to_wait_says_for_what(run: WaitingRun, reason: str) -> None:
    (decision,) = decide([run])

    assert isinstance(decision, Block)
    assert decision.blocked_by.startswith(reason)


def test_a_run_is_admitted_once_all_that_it_depends_on_is_complete() -> None:
    done = {"list": RunStatus.COMPLETED, "calendar": RunStatus.COMPLETED}

    assert decide([replace(READY, upstream=done, blocked_by="group list: its newest run is running")]) == [Admit(1)]


def test_a_reason_that_is_known_already_is_not_given_again() -> None:
    assert decide([replace(READY, is_paused=True, blocked_by="paused")]) == []
