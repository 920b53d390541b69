from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from moomarkets.domain.calendar import TOKYO, TokyoCalendar
from moomarkets.domain.coverage import (
    ALL,
    JQUANTS_DAILY_BARS,
    JQUANTS_LISTED_ISSUES,
    YAHOO_DAILY_BARS,
    Covered,
    Expected,
    Publication,
    WeekdaysOnly,
    missing,
)

RULES = TokyoCalendar({})
FRIDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 24)
PUBLISHED = datetime(2026, 11, 20, 8, tzinfo=UTC)


def tokyo(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, second), TOKYO)


def test_daily_bars_count_as_published_at_17_in_tokyo() -> None:
    assert JQUANTS_DAILY_BARS.of(FRIDAY) == PUBLISHED
    assert JQUANTS_DAILY_BARS.of(FRIDAY).tzinfo is UTC


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (tokyo(FRIDAY, 16, 59, 59), date(2026, 11, 19)),
        (tokyo(FRIDAY, 17), FRIDAY),
        # Monday the 23rd is a holiday.
        (tokyo(date(2026, 11, 23), 23), FRIDAY),
        (tokyo(TUESDAY, 9), FRIDAY),
        (tokyo(TUESDAY, 17), TUESDAY),
        (tokyo(date(2027, 1, 4), 16), date(2026, 12, 30)),
    ],
)
def test_the_newest_published_trading_day_skips_what_is_closed_or_not_out_yet(now: datetime, newest: date) -> None:
    assert JQUANTS_DAILY_BARS.newest(now.astimezone(UTC), RULES) == newest


def test_the_list_is_out_a_quarter_to_18_in_tokyo() -> None:
    assert JQUANTS_LISTED_ISSUES.newest(tokyo(FRIDAY, 17, 44), RULES) == date(2026, 11, 19)
    assert JQUANTS_LISTED_ISSUES.newest(tokyo(FRIDAY, 17, 45), RULES) == FRIDAY


def test_new_yorks_close_follows_its_summer_time() -> None:
    assert YAHOO_DAILY_BARS.of(date(2026, 7, 1)) == datetime(2026, 7, 1, 20, 30, tzinfo=UTC)
    assert YAHOO_DAILY_BARS.of(date(2026, 12, 1)) == datetime(2026, 12, 1, 21, 30, tzinfo=UTC)


def test_without_a_calendar_every_weekday_may_have_data() -> None:
    saturday_in_tokyo = datetime(2026, 11, 21, 1, tzinfo=UTC)

    assert YAHOO_DAILY_BARS.newest(saturday_in_tokyo, WeekdaysOnly()) == FRIDAY


def test_data_that_come_out_on_the_next_day_are_newest_only_then() -> None:
    morning_after = Publication(TOKYO, time(9), timedelta(0), days_later=1)

    assert morning_after.newest(tokyo(FRIDAY, 8, 59), RULES) == date(2026, 11, 18)
    assert morning_after.newest(tokyo(FRIDAY, 9), RULES) == date(2026, 11, 19)


def want(key: str = ALL, first: date = FRIDAY, last: date = FRIDAY) -> Expected:
    return Expected(key, first, last, PUBLISHED)


def have(key: str = ALL, first: date = FRIDAY, last: date = FRIDAY, at: datetime = PUBLISHED) -> Covered:
    return Covered(key, first, last, at)


def test_a_partition_is_missing_until_it_was_fetched_after_its_publication() -> None:
    assert missing([want()], []) == [want()]
    assert missing([want()], [have(at=PUBLISHED - timedelta(seconds=1))]) == [want()]
    assert missing([want()], [have()]) == []


def test_a_wider_fetch_covers_a_narrower_want_and_not_the_other_way_round() -> None:
    wide = (date(2026, 11, 2), TUESDAY)

    assert missing([want()], [have(ALL, *wide)]) == []
    assert missing([want(ALL, *wide)], [have()]) == [want(ALL, *wide)]


def test_another_key_covers_nothing() -> None:
    assert missing([want("AAPL"), want("MSFT")], [have("MSFT")]) == [want("AAPL")]


def test_what_is_missing_comes_in_the_order_in_which_it_was_wanted() -> None:
    days = [date(2026, 11, day) for day in (20, 19, 18, 17)]

    gaps = missing([want(ALL, day, day) for day in days], [have(ALL, days[1], days[1])])

    assert [gap.from_on for gap in gaps] == [days[0], days[2], days[3]]
