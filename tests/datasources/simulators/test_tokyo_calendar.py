"""The simulated exchange's trading days."""

from __future__ import annotations

from datetime import date

import pytest

from datasources.simulators.tokyo_calendar import holiday_division, trading_day_from, trading_days


@pytest.mark.parametrize(
    ("day", "division"),
    [
        (date(2026, 11, 20), "1"),
        (date(2026, 11, 22), "0"),
        (date(2026, 11, 23), "3"),
        (date(2021, 11, 23), "0"),
        (date(2026, 12, 31), "0"),
        (date(2027, 1, 1), "0"),
        (date(2027, 1, 4), "1"),
        (date(2008, 1, 4), "2"),
        (date(2008, 12, 29), "1"),
        (date(2008, 12, 30), "2"),
        (date(2009, 1, 5), "2"),
        (date(2009, 12, 30), "1"),
    ],
)
def test_a_day_has_its_division(day: date, division: str) -> None:
    assert holiday_division(day) == division


def test_a_year_has_the_known_number_of_trading_days() -> None:
    assert len(trading_days(date(2024, 1, 1), date(2024, 12, 31))) == 245
    assert len(trading_days(date(2025, 1, 1), date(2025, 12, 31))) == 243


def test_the_next_trading_day_is_found_over_the_turn_of_the_year() -> None:
    assert trading_day_from(date(2026, 12, 31)) == date(2027, 1, 4)
