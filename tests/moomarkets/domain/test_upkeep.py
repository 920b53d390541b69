from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from datasources.jquants.endpoints import JQUANTS
from datasources.yahoo import YAHOO_BARS_ENDPOINT
from moomarkets.domain.calendar import TOKYO, TokyoCalendar, WeekdaysOnly
from moomarkets.domain.upkeep import Publication, Upkeep

RULES = TokyoCalendar({})
FRIDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 24)
PUBLISHED = datetime(2026, 11, 20, 8, tzinfo=UTC)


def upkeep(name: str) -> Upkeep:
    found = JQUANTS.endpoint(name).upkeep
    assert found is not None
    return found


def tokyo(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, second), TOKYO)


def test_daily_bars_count_as_published_at_17_in_tokyo() -> None:
    assert upkeep("daily_bars").publication.of(FRIDAY) == PUBLISHED
    assert upkeep("daily_bars").publication.of(FRIDAY).tzinfo is UTC


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
    assert upkeep("daily_bars").publication.newest(now.astimezone(UTC), RULES) == newest


def test_the_list_is_out_a_quarter_to_18_in_tokyo() -> None:
    assert upkeep("listed_issues").publication.newest(tokyo(FRIDAY, 17, 44), RULES) == date(2026, 11, 19)
    assert upkeep("listed_issues").publication.newest(tokyo(FRIDAY, 17, 45), RULES) == FRIDAY


def test_new_yorks_close_follows_its_summer_time() -> None:
    assert YAHOO_BARS_ENDPOINT.upkeep.publication.of(date(2026, 7, 1)) == datetime(2026, 7, 1, 20, 30, tzinfo=UTC)
    assert YAHOO_BARS_ENDPOINT.upkeep.publication.of(date(2026, 12, 1)) == datetime(2026, 12, 1, 21, 30, tzinfo=UTC)


def test_without_a_calendar_every_weekday_may_have_data() -> None:
    saturday_in_tokyo = datetime(2026, 11, 21, 1, tzinfo=UTC)

    assert YAHOO_BARS_ENDPOINT.upkeep.publication.newest(saturday_in_tokyo, WeekdaysOnly()) == FRIDAY


def test_data_that_come_out_on_the_next_day_are_newest_only_then() -> None:
    morning_after = Publication(TOKYO, time(9), timedelta(0), days_later=1)

    assert morning_after.newest(tokyo(FRIDAY, 8, 59), RULES) == date(2026, 11, 18)
    assert morning_after.newest(tokyo(FRIDAY, 9), RULES) == date(2026, 11, 19)


def test_a_day_with_a_final_publication_is_published_again() -> None:
    summaries = upkeep("financial_summaries")

    assert summaries.published_at(FRIDAY, tokyo(FRIDAY, 19)) == tokyo(FRIDAY, 18, 30)
    assert summaries.published_at(FRIDAY, tokyo(FRIDAY, 23, 59)) == tokyo(FRIDAY, 18, 30)
    assert summaries.published_at(FRIDAY, tokyo(date(2026, 11, 21), 1)) == tokyo(date(2026, 11, 21), 1)


def test_weekly_figures_are_those_of_the_last_trading_day_of_the_week() -> None:
    margin = upkeep("margin_interest")

    days = RULES.trading_days(date(2026, 4, 27), date(2026, 5, 15))
    # Golden week: Friday the 1st was the last day of its week, and the next week had Thursday and Friday only.
    assert [day for day in days if margin.has_data(day, RULES)] == [date(2026, 5, day) for day in (1, 8, 15)]
    assert margin.has_data(date(2026, 9, 28), RULES)
    assert not margin.has_data(date(2026, 10, 3), RULES)
