from __future__ import annotations

from dataclasses import replace

import pytest

from moomarkets.domain.dependencies import Admit, Block, Skip, Upstream, WaitingRun, decide, refuse_cycle
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import Match, OnFailure, RunStatus

READY = WaitingRun(1, "bars", False, "jquants", True, False)


def edge(group: str, status: RunStatus | None, on_failure: OnFailure = OnFailure.SKIP) -> Upstream:
    return Upstream(group, on_failure=on_failure, run_id=None if status is None else 7, status=status)


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
        (replace(READY, source_is_paused=True), "source jquants is paused"),
        (replace(READY, held_by="top"), "paused with the group top above it"),
        (replace(READY, ahead=4), "its run 4 comes first"),
        (replace(READY, ahead=4, ahead_is_running=True), "its run 4 is still under way"),
        (replace(READY, is_scheduler_enabled=False), "the whole is paused"),
        (replace(READY, upstream=[edge("list", None)]), "group list: its newest run is still to come"),
        (
            replace(READY, upstream=[Upstream("list", Match.SAME_DATE)]),
            "group list: its run of the same date is still to come",
        ),
        (
            replace(READY, upstream=[edge("a", RunStatus.COMPLETED), edge("b", RunStatus.RUNNING)]),
            "group b: its run 7 is running",
        ),
        (replace(READY, upstream=[edge("list", RunStatus.PENDING)]), "group list: its run 7 is pending"),
        (
            replace(READY, upstream=[edge("list", RunStatus.FAILED, OnFailure.BLOCK)]),
            "group list: its run 7 is failed",
        ),
    ],
)
def test_a_run_that_has_to_wait_says_for_what(run: WaitingRun, reason: str) -> None:
    (decision,) = decide([run])

    assert isinstance(decision, Block)
    assert decision.blocked_by.startswith(reason)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (RunStatus.FAILED, "dependency: group list's run 7 failed"),
        (RunStatus.CANCELLED, "dependency: group list's run 7 was cancelled"),
        (RunStatus.SKIPPED, "dependency: group list's run 7 was skipped"),
    ],
)
def test_a_run_is_skipped_when_one_that_it_depends_on_did_not_complete(status: RunStatus, reason: str) -> None:
    waiting = replace(READY, upstream=[edge("still", RunStatus.RUNNING), edge("list", status)])

    assert decide([waiting]) == [Skip(1, reason)]


def test_a_run_starts_all_the_same_where_its_edge_says_so() -> None:
    failed = edge("list", RunStatus.FAILED, OnFailure.RUN)

    assert decide([replace(READY, upstream=[failed])]) == [Admit(1)]


def test_a_paused_run_is_not_skipped_before_it_is_its_turn() -> None:
    failed = edge("list", RunStatus.FAILED)

    assert decide([replace(READY, is_paused=True, upstream=[failed])]) == [Block(1, "paused")]


def test_a_run_is_admitted_once_all_that_it_depends_on_is_complete() -> None:
    done = [edge("list", RunStatus.COMPLETED), edge("calendar", RunStatus.COMPLETED)]

    assert decide([replace(READY, upstream=done, blocked_by="group list: its run 7 is running")]) == [Admit(1)]


def test_a_reason_that_is_known_already_is_not_given_again() -> None:
    assert decide([replace(READY, is_paused=True, blocked_by="paused")]) == []
