"""Market schedules against the publication times of the providers, and against days looked up by hand."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from moomarkets.domain.calendar import TokyoCalendar
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.market_schedule import BusinessDaySchedule, MarketSchedule, TradingDaySchedule
from moomarkets.domain.schedule import Schedule
from tests.moomarkets.domain.cron_oracle import utc

TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")


def local(schedule: Schedule, after: str, n: int, zone: ZoneInfo) -> list[str]:
    return [f"{at.astimezone(zone):%m-%d %H:%M}" for at in schedule.preview(utc(after), n)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"after_close": "16:30"}, "11-20 16:30, 11-24 16:30, 11-25 16:30"),  # daily bars
        ({"after_close": "17:30"}, "11-20 17:30, 11-24 17:30, 11-25 17:30"),  # the list
        ({"after_close": "18:00"}, "11-20 18:00, 11-24 18:00, 11-25 18:00"),  # breakdown, financials at first
        ({"after_close": "24:30"}, "11-20 00:30, 11-21 00:30, 11-25 00:30"),  # financials at last
        ({"after_close": "27:00"}, "11-20 03:00, 11-21 03:00, 11-25 03:00"),  # derivatives
        ({"at": "12:00"}, "11-20 12:00, 11-24 12:00, 11-25 12:00"),  # morning bars
        ({"business_day_of_week": 4, "at": "16:30"}, "11-27 16:30, 12-03 16:30, 12-10 16:30"),  # investor types
        ({"business_day_of_week": 2, "at": "16:30"}, "11-25 16:30, 12-01 16:30, 12-08 16:30"),  # margin interest
    ],
)
def test_what_jquants_publishes_is_due_when_it_is_published(spec: dict[str, object], expected: str) -> None:
    schedule = Schedule.from_json({"market": "XTKS", **spec})

    # From Friday 00:00 in Tokyo; the Monday after is a holiday.
    assert ", ".join(local(schedule, "2026-11-19T15:00", 3, TOKYO)) == expected


def test_new_york_keeps_its_wall_time_over_the_change_of_the_clock() -> None:
    schedule = TradingDaySchedule("XNYS", "16:30")

    instants = schedule.preview(utc("2026-10-30T00:00"), 2)

    assert instants == [utc("2026-10-30T20:30"), utc("2026-11-02T21:30")]


def test_a_time_at_night_that_a_clock_change_leaves_out_or_repeats_is_due_once() -> None:
    # Nobody trades on the day before a Sunday; a calendar of one's own does.
    class EveryDay:
        def is_trading_day(self, day: date) -> bool:
            return True

    schedule = TradingDaySchedule("XNYS", "26:30", days=EveryDay())
    twice = TradingDaySchedule("XNYS", "25:30", days=EveryDay())

    assert local(schedule, "2026-03-07T12:00", 2, NEW_YORK) == ["03-08 03:00", "03-09 02:30"]
    assert twice.preview(utc("2026-10-31T12:00"), 2) == [utc("2026-11-01T05:30"), utc("2026-11-02T06:30")]


def test_an_instant_is_about_its_trading_day_also_on_the_day_after() -> None:
    at_night, by_day = TradingDaySchedule("XTKS", "27:00"), TradingDaySchedule("XTKS", "16:30")
    friday = utc("2026-11-19T15:00")

    assert by_day.date_of(by_day.next_after(friday)) == date(2026, 11, 20)
    assert at_night.date_of(at_night.next_after(friday + timedelta(hours=4))) == date(2026, 11, 20)
    assert at_night.next_after(friday + timedelta(hours=4)) == utc("2026-11-20T18:00")


def test_a_week_with_too_few_trading_days_has_no_instant() -> None:
    schedule = BusinessDaySchedule("XTKS", 3, "16:30")

    # Golden Week of 2026: Monday to Wednesday are holidays.
    assert local(schedule, "2026-04-30T15:00", 1, TOKYO) == ["05-13 16:30"]


def test_a_stored_calendar_comes_before_the_rules() -> None:
    stored = TokyoCalendar({date(2026, 11, 20): "0", date(2026, 11, 23): "1"})

    schedule = Schedule.from_json({"market": "XTKS", "after_close": "16:30"}, {"XTKS": stored})

    assert local(schedule, "2026-11-19T15:00", 2, TOKYO) == ["11-23 16:30", "11-24 16:30"]


def test_an_instant_that_has_just_been_due_is_not_due_again() -> None:
    schedule = TradingDaySchedule("XTKS", "27:00")
    instants = schedule.preview(utc("2026-01-01"), 300)

    steps = [schedule.next_after(instant) for instant in instants[:-1]]

    assert steps == instants[1:]
    assert schedule.due_between(instants[0], instants[-1], 1000) == instants[1:]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (TradingDaySchedule("XTKS", "16:30"), "at 16:30 on each trading day of XTKS, Asia/Tokyo"),
        (
            TradingDaySchedule("XTKS", "27:00"),
            "at 27:00 (03:00 of the next day) on each trading day of XTKS, Asia/Tokyo",
        ),
        (TradingDaySchedule("XNYS", "9:05", False), "at 09:05 on each trading day of XNYS, America/New_York"),
        (BusinessDaySchedule("XTKS", 4, "16:30"), "at 16:30 on the 4th trading day of each week of XTKS, Asia/Tokyo"),
    ],
)  # fmt: skip
def test_a_market_schedule_is_told_in_words_and_survives_its_map(schedule: MarketSchedule, words: str) -> None:
    assert schedule.describe() == words
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"market": "XTKS"}, "beside 'market' one of 'after_close'"),
        ({"market": "TSE", "at": "16:30"}, "market: .*did you mean XTKS"),
        ({"market": ["XTKS"], "at": "16:30"}, "market: expected one of"),
        ({"market": "XTKS", "after_close": "15:00"}, "after_close: expected a time from 15:30, .*use 'at'"),
        ({"market": "XNYS", "after_close": "15:59"}, "after_close: expected a time from 16:00"),
        ({"market": "XTKS", "after_close": "48:00"}, "after_close: expected a time of .* 00:00 to 47:59"),
        ({"market": "XTKS", "after_close": "16:60"}, "after_close"),
        ({"market": "XTKS", "after_close": 16}, "after_close"),
        ({"market": "XTKS", "at": "１６:30"}, "at: expected"),
        ({"market": "XTKS", "at": None}, "at: expected"),
        ({"market": "XTKS", "business_day_of_week": 6, "at": "16:30"}, "business_day_of_week: expected a whole number"),
        ({"market": "XTKS", "business_day_of_week": True, "at": "16:30"}, "business_day_of_week"),
        ({"market": "XTKS", "business_day_of_week": 4}, "at: expected"),
        ({"market": "XTKS", "after_closing": "16:30"}, "only the keys .*did you mean after_close"),
        ({"market": "XTKS", "after_close": "16:30", "at": "12:00"}, "only the keys market and after_close"),
        ({"market": "XTKS", "after_close": "16:30", "timezone": "UTC"}, "only the keys"),
        ({"crn": "0 0 * * *"}, "schedule: .*did you mean cron"),
        ({"timezon": "UTC"}, "did you mean timezone"),
    ],
)  # fmt: skip
def test_a_wrong_map_is_refused_naming_the_key_and_what_was_meant(spec: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Schedule.from_json(spec)


def test_finding_the_next_instant_is_quick_from_anywhere() -> None:
    schedule = BusinessDaySchedule("XNYS", 5, "16:30")

    due = schedule.next_after(datetime(2199, 1, 1, tzinfo=UTC))

    assert due.astimezone(NEW_YORK).weekday() == 4
