"""Budgets in words and in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moomarkets.domain.budget import SourceBudget, WindowBudget, done_at, seconds_for

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def minute(free: int, next_in_s: float | None, count: int = 5) -> WindowBudget:
    next_at = None if next_in_s is None else NOON + timedelta(seconds=next_in_s)
    return WindowBudget(None, count, 60.0, count, count - free, next_at)


def test_a_window_says_what_is_left_and_when_more_comes() -> None:
    assert minute(3, 31).words() == "3 of 5 requests of this minute left; next at 12:00:31"
    assert minute(5, None).words() == "5 of 5 requests of this minute left"
    assert WindowBudget("bulk", 2, 90.0, 2, 3).words() == "bulk: 0 of 2 requests of any 90 s left"


@pytest.mark.parametrize(
    ("requests", "windows", "expected_s"),
    [
        (0, (minute(3, 31),), 0),
        (3, (minute(3, 31),), 0),
        (4, (minute(3, 31),), 31),
        (9, (minute(3, 31),), 91),
        (7, (minute(7, None, count=10), minute(1, 20)), 80),
        (1000, (), 0),
    ],
)
def test_the_time_that_requests_need_is_that_of_the_slowest_window(
    requests: int, windows: tuple[WindowBudget, ...], expected_s: float
) -> None:
    assert seconds_for(requests, windows, NOON) == expected_s


def test_nothing_is_done_before_the_silence_is_over() -> None:
    silent_until = NOON + timedelta(hours=1)

    assert done_at(NOON, 1, (minute(5, None),), silent_until) == silent_until


def test_a_budget_says_all_that_holds_its_jobs_back() -> None:
    budget = SourceBudget(
        "jquants",
        NOON,
        (minute(0, 31),),
        is_paused=True,
        silent_until=NOON + timedelta(minutes=2),
        refusals=2,
        share=0.8,
        waiting={5: 4, 9: 10},
        running=2,
        done_at=NOON + timedelta(minutes=4),
    )

    assert list(budget.lines()) == [
        "paused: nothing is asked of it until it is resumed",
        "silent until 12:02:00: it said 429, 2 times in a row; then one request goes first",
        "0 of 5 requests of this minute left; next at 12:00:31",
        "only 80 % of the limits are used: it refused us within them; each quiet day gives back 10 %",
        "14 jobs wait (10 of priority 9, 4 of priority 5), 2 under way, done about 12:04",
    ]


def test_a_quiet_budget_says_little() -> None:
    assert list(SourceBudget("yahoo", NOON, (minute(5, None),)).lines())[-1] == "no jobs wait"
