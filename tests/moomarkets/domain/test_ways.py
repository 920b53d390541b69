from __future__ import annotations

from datetime import date

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.limits import Window
from moomarkets.domain.ways import Offer, Past, Step, Volume, Way, pick, seconds_for

DAY = date(2026, 11, 20)


def offer(way: Way, requests: float, size: float = 0, obstacle: str = "") -> Offer:
    return Offer(way, (Step(way, "ALL", DAY, DAY, (DAY,), requests, size),), obstacle)


def test_the_way_with_the_fewest_requests_is_taken_and_of_equals_that_with_the_fewest_bytes() -> None:
    by_date, by_code, by_file = offer(Way.DATE, 5), offer(Way.CODE, 3, 900), offer(Way.BULK, 3, 100)

    assert pick([by_date, by_code, by_file]) is by_file
    assert pick([by_date, by_code]) is by_code


def test_a_way_that_cannot_be_taken_is_not_and_asking_for_it_says_why() -> None:
    offers = [offer(Way.DATE, 5), offer(Way.BULK, 1, obstacle="the plan free has no files")]

    assert pick(offers).way is Way.DATE
    with pytest.raises(InvalidInput, match=r"way: expected one of auto, date here, got 'bulk \(the plan free"):
        pick(offers, "bulk")


def test_a_way_that_is_asked_for_is_taken_though_it_costs_more() -> None:
    assert pick([offer(Way.DATE, 5), offer(Way.CODE, 3)], "date").way is Way.DATE


def test_a_budget_takes_the_first_steps_that_it_pays_for() -> None:
    steps = tuple(Step(Way.DATE, "ALL", DAY, DAY, (DAY,), 2, 10) for _ in range(5))

    assert len(Offer(Way.DATE, steps).within(5).steps) == 2
    assert len(Offer(Way.DATE, steps).within(None).steps) == 5


def test_pages_count_as_requests_as_the_bytes_tell_until_past_fetches_have_shown_how_many_there_are() -> None:
    guessed = Volume(rows_per_day=10_000, row_bytes=1_200)

    learnt = guessed.learnt(Past(days=4, rows=8_000, bytes=4_000_000, pages=5))

    assert guessed.pages(days=2) == 6
    assert (learnt.pages(days=8), learnt.day_bytes) == (10.0, 1_000_000)
    assert guessed.learnt(Past()) == guessed


@pytest.mark.parametrize(
    ("requests", "windows", "used", "seconds"),
    [
        (0, [Window(5, 60)], [], 0),
        (5, [Window(5, 60)], [], 0),
        (6, [Window(5, 60)], [], 60),
        (19, [Window(5, 60)], [], 180),
        (1221, [Window(60, 60)], [], 1200),
        (200, [Window(500, 60), Window(60, 60)], [], 180),
        (1, [Window(5, 60)], [10, 20, 30, 40, 50], 10),
        (2, [Window(5, 60), Window(2, 3600)], [100], 3500),
    ],
)
def test_time_is_what_the_windows_cost_with_what_is_used_of_them(
    requests: int, windows: list[Window], used: list[float], seconds: float
) -> None:
    assert seconds_for(requests, windows, used) == seconds
