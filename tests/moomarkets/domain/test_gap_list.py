from __future__ import annotations

from datetime import UTC, date, datetime

from moomarkets.domain.coverage import ALL, Expected
from moomarkets.domain.gap_list import NOT_FETCHED, joined, ranges_of

AT = datetime(2026, 11, 20, tzinfo=UTC)


def gap(day: int, key: str = ALL) -> Expected:
    return Expected(key, date(2026, 11, day), date(2026, 11, day), AT)


def is_weekday(day: date) -> bool:
    return day.weekday() < 5


def test_days_are_joined_over_a_weekend_and_parted_by_a_day_that_is_here() -> None:
    found = joined(dict.fromkeys([gap(19), gap(20), gap(23), gap(25)], NOT_FETCHED), is_weekday)

    assert [(one.from_on.day, one.to_on.day, one.days) for one in found] == [(19, 23, 3), (25, 25, 1)]


def test_days_are_parted_by_their_reasons_and_by_their_codes() -> None:
    reasons = {gap(19): NOT_FETCHED, gap(20): "failed: network", gap(19, "72030"): NOT_FETCHED}

    found = joined(reasons, is_weekday)

    assert [(one.key, one.from_on.day, one.why) for one in found] == [
        ("72030", 19, NOT_FETCHED),
        (ALL, 19, NOT_FETCHED),
        (ALL, 20, "failed: network"),
    ]


def test_ranges_hold_no_other_day_with_data() -> None:
    days = [date(2026, 11, day) for day in (25, 20, 23)]

    assert [(first.day, last.day) for first, last in ranges_of(days, is_weekday)] == [(20, 23), (25, 25)]
