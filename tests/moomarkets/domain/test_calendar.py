from __future__ import annotations

from datetime import date, timedelta

import pytest

from moomarkets.domain.calendar import TokyoCalendar

RULES = TokyoCalendar({})
# Weekdays of 2026 on which the exchange is closed, from its own list of holidays.
CLOSED_2026 = [
    "01-01", "01-02", "01-12", "02-11", "02-23", "03-20", "04-29", "05-04", "05-05", "05-06", "07-20", "08-11",
    "09-21", "09-22", "09-23", "10-12", "11-03", "11-23", "12-31",
]  # fmt: skip


def weekdays(year: int) -> list[date]:
    days = [date(year, 1, 1) + timedelta(days=offset) for offset in range(365)]
    return [day for day in days if day.weekday() < 5]


def test_the_rules_know_every_holiday_of_2026() -> None:
    closed = [day for day in weekdays(2026) if not RULES.is_trading_day(day)]

    assert [f"{day:%m-%d}" for day in closed] == CLOSED_2026
    assert len(RULES.trading_days(date(2026, 1, 1), date(2026, 12, 31))) == 242


def test_the_exchange_never_trades_at_weekends() -> None:
    assert not RULES.is_trading_day(date(2026, 11, 21))
    assert not RULES.is_trading_day(date(2026, 11, 22))


def test_the_year_ends_on_30_december_and_begins_on_4_january() -> None:
    assert RULES.trading_days(date(2026, 12, 28), date(2027, 1, 6)) == [
        date(2026, 12, 28), date(2026, 12, 29), date(2026, 12, 30), date(2027, 1, 4), date(2027, 1, 5), date(2027, 1, 6)
    ]  # fmt: skip


@pytest.mark.parametrize(("division", "trades"), [("0", False), ("1", True), ("2", True), ("3", False)])
def test_the_stored_calendar_comes_before_the_rules(division: str, trades: bool) -> None:
    weekday, sunday = date(2026, 11, 20), date(2026, 11, 22)
    stored = TokyoCalendar({weekday: division, sunday: division})

    assert stored.is_trading_day(weekday) is trades
    assert stored.is_trading_day(sunday) is trades


def test_dates_beyond_the_stored_calendar_follow_the_rules() -> None:
    stored = TokyoCalendar({date(2026, 11, 20): "0"})

    assert stored.trading_days(date(2026, 11, 19), date(2026, 11, 24)) == [date(2026, 11, 19), date(2026, 11, 24)]


def test_the_newest_trading_days_come_oldest_first_and_end_with_the_last() -> None:
    assert RULES.newest(3, date(2026, 11, 24)) == [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 24)]
    assert RULES.newest(1, date(2026, 11, 23)) == [date(2026, 11, 20)]


def test_a_range_that_ends_before_it_begins_holds_no_day() -> None:
    assert RULES.trading_days(date(2026, 11, 20), date(2026, 11, 19)) == []
