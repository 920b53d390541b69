from __future__ import annotations

from datetime import date, timedelta

import pytest

from moomarkets.domain.calendar import TokyoCalendar, TradingDays
from moomarkets.domain.new_york_calendar import NewYorkCalendar
from tests.moomarkets.domain.exchange_days import NEW_YORK_CLOSED, NEW_YORK_EARLY, TOKYO_CLOSED

NEW_YORK = NewYorkCalendar()


def weekdays(year: int) -> list[date]:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    return [day for day in days if day.year == year and day.weekday() < 5]


def closed(calendar: TradingDays, year: int) -> str:
    return " ".join(f"{day:%m%d}" for day in weekdays(year) if not calendar.is_trading_day(day))


def test_new_york_is_closed_on_the_days_that_an_independent_calendar_names() -> None:
    assert {year: closed(NEW_YORK, year) for year in NEW_YORK_CLOSED} == NEW_YORK_CLOSED


def test_tokyo_is_closed_on_the_days_that_an_independent_calendar_names() -> None:
    rules = TokyoCalendar({})

    assert {year: closed(rules, year) for year in TOKYO_CLOSED} == TOKYO_CLOSED


def test_new_york_closes_early_on_the_days_that_an_independent_calendar_names() -> None:
    early = {
        year: " ".join(f"{day:%m%d}" for day in weekdays(year) if NEW_YORK.is_half_day(day)) for year in NEW_YORK_EARLY
    }

    assert early == NEW_YORK_EARLY


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(2026, 11, 22), date(2027, 12, 24), date(2028, 4, 14)])
def test_new_york_does_not_trade_at_weekends_nor_on_the_holidays_to_come(day: date) -> None:
    assert not NEW_YORK.is_trading_day(day)


def test_a_new_year_on_a_saturday_is_not_made_up_for() -> None:
    assert NEW_YORK.is_trading_day(date(2027, 12, 31))
