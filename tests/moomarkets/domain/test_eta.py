"""The estimate of a run's end: as fast as lately, never earlier than its last retry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moomarkets.domain.eta import RECENT, RunProgress, remaining_s


def test_nothing_left_takes_no_time_and_without_an_end_nothing_is_known() -> None:
    assert remaining_s(0, [], 10) == 0
    assert remaining_s(5, [], 10) is None


def test_the_rate_of_a_young_run_counts_from_its_plan() -> None:
    assert remaining_s(left=10, ended_s_ago=[1, 2, 3, 4], planned_s_ago=8) == 20


def test_the_rate_of_a_long_run_is_that_of_its_newest_ends() -> None:
    quick_lately = [number * 0.1 for number in range(1, RECENT + 1)]

    assert remaining_s(50, [5000, *quick_lately, 6000], planned_s_ago=9000) == pytest.approx(5)


def test_a_run_that_stands_still_takes_ever_longer() -> None:
    estimates = [remaining_s(10, [1 + still_s, 2 + still_s], 3 + still_s) for still_s in (0, 60, 600)]

    assert estimates == [15, 315, 3015]


def test_a_run_lasts_at_least_until_its_last_retry_is_due() -> None:
    assert remaining_s(1, [1], planned_s_ago=2, last_due_in_s=300) == 300


def test_the_end_is_told_as_an_instant() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    progress = RunProgress(1, "bars", "running", None, 10, 6, 1, 1, 2, eta_s=90, at=at)

    assert progress.done == 8
    assert progress.eta_at == datetime(2026, 11, 20, 0, 1, 30, tzinfo=UTC)
