from __future__ import annotations

import math

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.limits import SilenceRule, Window


@pytest.mark.parametrize("count", [0, -1, 1_000_001, 1.5, True, "5"])
def test_a_window_of_an_impossible_count_is_refused(count: int) -> None:
    with pytest.raises(InvalidInput, match="window count: expected a whole number from 1 to 1,000,000, got"):
        Window(count, 60)


@pytest.mark.parametrize("seconds", [0, 0.09, 31 * 86400 + 1, math.nan, math.inf, -60])
def test_a_window_of_an_impossible_length_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidInput, match="window seconds"):
        Window(5, seconds)


def test_the_widest_and_narrowest_windows_are_allowed() -> None:
    assert Window(1_000_000, 31 * 86400).count == 1_000_000
    assert Window(1, 0.1).seconds == 0.1


@pytest.mark.parametrize(("asked_s", "silence_s"), [(30, 30), (0, 1), (-5, 1), (601, 600), (1e30, 600)])
def test_a_providers_wish_is_followed_within_reason(asked_s: float, silence_s: float) -> None:
    assert SilenceRule().next_s(3, asked_s) == silence_s


@pytest.mark.parametrize("asked_s", [None, math.nan, math.inf, -math.inf])
def test_an_absurd_or_absent_wish_leaves_it_to_the_sources_own_rule(asked_s: float | None) -> None:
    assert [SilenceRule().next_s(times, asked_s) for times in (1, 2, 3, 9)] == [60, 120, 330, 330]
