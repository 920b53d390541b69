"""What a provider's refusals teach, as values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from moomarkets.domain.learnt import WHOLE, Learnt, Readable

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIGHT = Readable(date(2021, 11, 20), None)
FREE = Readable(date(2024, 8, 28), date(2026, 8, 28))


@pytest.mark.parametrize(
    ("first", "last", "meets"),
    [("2015-01-05", "2015-01-05", False), ("2015-01-05", "2025-01-06", True), ("2026-11-20", "2026-11-20", False)],
)
def test_days_meet_a_window_or_do_not(first: str, last: str, meets: bool) -> None:
    assert FREE.meets(date.fromisoformat(first), date.fromisoformat(last)) is meets


def test_a_range_is_cut_to_the_window() -> None:
    assert FREE.cut(date(2015, 1, 5), date(2026, 11, 20)) == (FREE.first_on, FREE.last_on)


def test_a_window_rolls_on_with_the_days() -> None:
    learnt = Learnt({WHOLE: (FREE, NOW)})

    assert learnt.window_at(NOW + timedelta(days=2)) == Readable(date(2024, 8, 30), date(2026, 8, 30))


def test_an_endpoint_with_a_window_of_its_own_keeps_to_that() -> None:
    minutes = Readable(date(2024, 11, 20), None)
    learnt = Learnt({WHOLE: (LIGHT, NOW), "minute_bars": (minutes, NOW)})

    assert learnt.window_at(NOW, "minute_bars") == minutes
    assert learnt.window_at(NOW, "daily_bars") == LIGHT
    assert Learnt().window_at(NOW) is None


@pytest.mark.parametrize(
    ("first", "last", "is_about"),
    [
        (date(2021, 11, 18), None, True),
        (date(2016, 11, 20), None, False),
        (date(2021, 11, 20), date(2026, 8, 28), False),
    ],
)
def test_windows_a_few_days_apart_are_the_same(first: date, last: date | None, is_about: bool) -> None:
    assert LIGHT.is_about(first, last) is is_about
