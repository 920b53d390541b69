from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moomarkets.domain.errors import InvalidInput, Reason
from moomarkets.domain.retry import GiveUp, Retry, RetryPolicy, after_failure

POLICY = RetryPolicy(max_retries=3, delay_s=1, factor=2)


class Longest:
    """Jitter that always draws the upper end."""

    def uniform(self, a: float, b: float, /) -> float:
        return b


def test_the_ceiling_doubles_from_the_first_delay() -> None:
    assert [POLICY.ceiling_s(attempt) for attempt in (1, 2, 3)] == [1, 2, 4]


def test_the_ceiling_stops_at_the_cap_and_never_below_the_first_delay() -> None:
    assert RetryPolicy(delay_s=300, cap_s=400).ceiling_s(5) == 400
    assert RetryPolicy(delay_s=300, cap_s=10).ceiling_s(5) == 300


@given(st.integers(1, 100_000), st.floats(0, 7 * 86400), st.floats(1, 10))
def test_a_wait_is_never_negative_nor_over_the_cap(attempt: int, delay_s: float, factor: float) -> None:
    policy = RetryPolicy(delay_s=delay_s, factor=factor, cap_s=3600)

    assert 0 <= policy.wait_s(attempt, random.Random(attempt)) <= max(3600, delay_s)


def test_waits_are_spread_over_the_whole_range() -> None:
    draw = random.Random(7)

    waits = [RetryPolicy(delay_s=100).wait_s(1, draw) for _ in range(400)]

    assert min(waits) < 5
    assert max(waits) > 95
    assert 40 < sum(waits) / 400 < 60


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.NETWORK, Reason.UPSTREAM, Reason.CRASHED, Reason.TIMED_OUT])
def test_a_retryable_failure_is_tried_again_until_the_retries_are_used_up(reason: Reason) -> None:
    outcomes = [after_failure(reason, attempts, POLICY, Longest()) for attempts in (1, 2, 3, 4)]

    assert outcomes == [Retry(1, True), Retry(2, True), Retry(4, True), GiveUp(reason)]


def test_no_retries_means_one_attempt() -> None:
    assert after_failure(Reason.TIMEOUT, 1, RetryPolicy(max_retries=0), Longest()) == GiveUp(Reason.TIMEOUT)


@pytest.mark.parametrize(
    "reason",
    [Reason.AUTH, Reason.INVALID, Reason.PLAN_RESTRICTED, Reason.SCHEMA, Reason.TOO_LARGE, Reason.CANCELLED],
)
def test_a_non_retryable_failure_gives_up_at_once(reason: Reason) -> None:
    assert after_failure(reason, 1, POLICY, Longest()) == GiveUp(reason)


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(None, 1), (30, 30), (0, 1), (-5, 1), (1e9, 600), (float("nan"), 1), (float("inf"), 1)],
)
def test_a_429_is_never_charged_however_many_there_were(asked_s: float | None, wait_s: float) -> None:
    outcome = after_failure(Reason.RATE_LIMITED, 1000, POLICY, Longest(), retry_after_s=asked_s)

    assert outcome == Retry(wait_s, is_charged=False)


def test_an_orderly_stop_is_not_charged_and_waits_for_nothing() -> None:
    assert after_failure(Reason.INTERRUPTED, 1000, POLICY, Longest()) == Retry(0, is_charged=False)


def test_deaths_of_the_process_have_a_budget_of_their_own_with_waits_between() -> None:
    outcomes = [
        after_failure(Reason.INTERRUPTED, 1, POLICY, Longest(), deaths=deaths, crash_limit=4) for deaths in (1, 2, 3, 4)
    ]

    assert outcomes == [Retry(0, False), Retry(1, False), Retry(2, False), GiveUp(Reason.CRASHED)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_retries": -1},
        {"max_retries": 1001},
        {"max_retries": True},
        {"max_retries": 2.0},
        {"delay_s": -1},
        {"delay_s": 7 * 86400 + 1},
        {"delay_s": float("nan")},
        {"delay_s": "5"},
        {"factor": 0.5},
        {"cap_s": float("inf")},
    ],
)
def test_a_senseless_policy_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        RetryPolicy(**wrong)  # type: ignore[arg-type]
