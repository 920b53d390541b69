from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT, EARNINGS_CALENDAR_ENDPOINT, TOPIX_BARS_ENDPOINT
from moomarkets.domain.calendar import TokyoCalendar
from moomarkets.domain.coverage import ALL, Expected
from moomarkets.domain.fill_plan import Terms, offers
from moomarkets.domain.source import Endpoint
from moomarkets.domain.ways import Offer, Way

PUBLISHED, TODAY = datetime(2026, 1, 1, tzinfo=UTC), date(2026, 11, 20)
CALENDAR = TokyoCalendar({})


def terms(endpoint: Endpoint = DAILY_BARS_ENDPOINT, **given: object) -> Terms:
    assert endpoint.upkeep is not None
    plain = Terms(endpoint.upkeep, endpoint.volume, CALENDAR, TODAY, date.min, file_obstacle="")
    return replace(plain, **given)  # type: ignore[arg-type]


def gaps(first: date, last: date, key: str = ALL) -> list[Expected]:
    return [Expected(key, day, day, PUBLISHED) for day in CALENDAR.trading_days(first, last)]


def by_way(given: list[Expected], asked: Terms) -> dict[Way, Offer]:
    return {offer.way: offer for offer in offers(given, asked)}


def test_by_date_costs_a_request_for_each_day_and_each_further_page() -> None:
    september = gaps(date(2026, 9, 1), date(2026, 9, 30))

    plain = by_way(september, terms())[Way.DATE]
    paged = by_way(september, terms(volume=replace(DAILY_BARS_ENDPOINT.volume, page_bytes=500_000)))[Way.DATE]

    assert (plain.requests, paged.requests, len(paged.steps)) == (19, 57, 19)


def test_by_code_costs_a_request_for_each_code_from_its_first_gap_to_its_last() -> None:
    given = gaps(date(2026, 9, 1), date(2026, 9, 30), "72030") + gaps(date(2026, 9, 3), date(2026, 9, 4), "67580")

    found = by_way(given, terms(codes=("72030", "67580")))[Way.CODE]

    assert [(step.key, step.from_on.day, step.to_on.day) for step in found.steps] == [("72030", 1, 30), ("67580", 3, 4)]
    assert by_way(given, terms())[Way.CODE].obstacle == "no codes are named"


def test_months_that_are_over_come_as_files_and_single_days_by_date_where_a_file_saves_nothing() -> None:
    given = gaps(date(2026, 9, 1), date(2026, 9, 30)) + gaps(date(2026, 10, 1), date(2026, 10, 2))
    given += gaps(date(2026, 11, 17), date(2026, 11, 20))

    found = by_way(given, terms())[Way.BULK]

    files = [step for step in found.steps if step.way is Way.BULK]
    assert [(step.period, len(step.days), step.requests) for step in files] == [("2026-09", 19, 2)]
    assert found.requests == 2 + 2 + 4


def test_a_month_of_which_the_start_is_out_of_reach_is_asked_for_day_by_day() -> None:
    given = gaps(date(2026, 9, 10), date(2026, 9, 30))

    found = by_way(given, terms(first_on=date(2026, 9, 10)))[Way.BULK]

    assert {step.way for step in found.steps} == {Way.DATE}


def test_a_month_that_has_just_ended_is_not_one_file_yet() -> None:
    given = gaps(date(2026, 10, 1), date(2026, 10, 30))

    early = by_way(given, terms(today=date(2026, 11, 6)))[Way.BULK]
    late = by_way(given, terms(today=date(2026, 11, 7)))[Way.BULK]

    assert ({step.way for step in early.steps}, {step.way for step in late.steps}) == ({Way.DATE}, {Way.BULK})


def test_what_will_soon_be_out_of_reach_comes_first_and_then_the_newest() -> None:
    days = gaps(date(2026, 11, 2), date(2026, 11, 18))

    found = by_way(days, terms(first_on=date(2026, 10, 29)))[Way.DATE]

    assert [step.from_on.day for step in found.steps] == [2, 4, 18, 17, 16, 13, 12, 11, 10, 9, 6, 5]


def test_a_range_is_one_request_and_the_newest_state_is_one_too() -> None:
    days = gaps(date(2026, 9, 1), date(2026, 9, 30))

    (ranged,) = by_way(days, terms(TOPIX_BARS_ENDPOINT))[Way.RANGE].steps
    (newest,) = by_way(days, terms(EARNINGS_CALENDAR_ENDPOINT))[Way.NEWEST].steps

    assert (ranged.from_on, ranged.to_on, len(ranged.days)) == (date(2026, 9, 1), date(2026, 9, 30), 19)
    assert newest.days == (date(2026, 9, 30),)


def test_twenty_years_of_the_market_cost_a_fraction_as_files() -> None:
    days = [date(2007, 1, 1) + timedelta(days=number) for number in range(7000)]
    given = [Expected(ALL, day, day, PUBLISHED) for day in days if day.weekday() < 5]

    stored = TokyoCalendar({day: "1" if day.weekday() < 5 else "0" for day in days})

    found = by_way(given, terms(calendar=stored))

    assert found[Way.BULK].requests < found[Way.DATE].requests / 8
