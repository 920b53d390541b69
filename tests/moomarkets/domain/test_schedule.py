from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.schedule import CronSchedule, IntervalSchedule, Schedule
from tests.moomarkets.domain.cron_oracle import utc


def test_the_next_instant_is_later_than_the_one_asked_about() -> None:
    schedule = CronSchedule("0 17 * * 1-5", "Asia/Tokyo")

    assert schedule.next_after(utc("2026-11-20T07:59")) == utc("2026-11-20T08:00")
    assert schedule.next_after(utc("2026-11-20T08:00")) == utc("2026-11-23T08:00")


def test_an_instant_may_come_in_any_zone_and_the_answer_is_utc() -> None:
    tokyo = timezone(timedelta(hours=9))

    due = CronSchedule("0 17 * * *", "Asia/Tokyo").next_after(datetime(2026, 11, 20, 16, 59, tzinfo=tokyo))

    assert due == utc("2026-11-20T08:00")
    assert due.tzinfo is UTC


def test_due_between_leaves_out_the_last_one_and_takes_in_now() -> None:
    schedule = CronSchedule("0 * * * *")

    due = schedule.due_between(utc("2026-11-20T01:00"), utc("2026-11-20T03:00"), 10)

    assert due == [utc("2026-11-20T02:00"), utc("2026-11-20T03:00")]


def test_due_between_keeps_the_oldest_when_there_are_more_than_the_limit() -> None:
    schedule = IntervalSchedule(1)

    due = schedule.due_between(utc("2020-01-01"), utc("2026-01-01"), 2)

    assert due == [utc("2020-01-01") + timedelta(seconds=1), utc("2020-01-01") + timedelta(seconds=2)]


def test_nothing_is_due_when_the_clock_went_back() -> None:
    assert CronSchedule("* * * * *").due_between(utc("2026-11-20T03:00"), utc("2026-11-20T01:00"), 5) == []


def test_a_preview_lists_the_next_ones() -> None:
    schedule = CronSchedule("@monthly", "UTC")

    assert schedule.preview(utc("2026-11-20"), 2) == [utc("2026-12-01"), utc("2027-01-01")]


@pytest.mark.parametrize("n", [0, 501, True, 2.0, "3"])
def test_a_preview_of_a_senseless_number_is_refused(n: object) -> None:
    with pytest.raises(InvalidInput, match="n: expected a whole number"):
        CronSchedule("@daily").preview(utc("2026-11-20"), n)  # type: ignore[arg-type]


@given(
    every_s=st.one_of(st.integers(1, 366 * 86400), st.floats(1, 366 * 86400)),
    anchor=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
    after=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),
)
def test_an_interval_stands_on_its_anchor_for_ever(every_s: float, anchor: datetime, after: datetime) -> None:
    schedule = IntervalSchedule(every_s, anchor.replace(tzinfo=UTC))
    every, start = timedelta(seconds=every_s), after.replace(tzinfo=UTC)

    due = schedule.next_after(start)

    assert start < due <= start + every
    assert (due - schedule.anchor) % every == timedelta()


def test_an_interval_does_not_care_about_clock_changes() -> None:
    day = IntervalSchedule(86400, datetime(2026, 10, 31, 0, 0, tzinfo=timezone(timedelta(hours=-4))))

    assert day.next_after(utc("2026-11-01T12:00")) == utc("2026-11-02T04:00")


@pytest.mark.parametrize(
    "schedule",
    [
        CronSchedule("0 17 * * 1-5", "Asia/Tokyo"),
        CronSchedule("@hourly"),
        IntervalSchedule(3600, utc("2026-01-01T00:05")),
        IntervalSchedule(1.5),
    ],
)
def test_a_schedule_survives_its_map_and_its_pickle(schedule: Schedule) -> None:
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert pickle.loads(pickle.dumps(schedule)).preview(utc("2026-11-20"), 3) == schedule.preview(utc("2026-11-20"), 3)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"cron": "61 * * * *"}, "cron minute: expected numbers 0-59"),
        ({"cron": "0 0 30 2 *"}, "never fires"),
        ({"cron": "@daily", "timezone": "Asia/Tokio"}, "timezone: .*did you mean Asia/Tokyo"),
        ({"cron": "@daily", "timezone": "asia/tokyo"}, "did you mean Asia/Tokyo"),
        ({"cron": "@daily", "timezone": "new york"}, "did you mean America/New_York"),
        ({"cron": "@daily", "timezone": "JST"}, "did you mean Asia/Tokyo"),
        ({"cron": "@daily", "timezone": None}, "timezone: expected"),
        ({"cron": "@daily", "every_s": 5}, "only the keys cron and timezone, got 'every_s'"),
        ({"cron": "@daily", "tz": "UTC"}, "only the keys"),
        ({"every_s": 0.5}, "every_s: expected 1 s to 366 days"),
        ({"every_s": 366 * 86400 + 1}, "every_s"),
        ({"every_s": True}, "every_s: expected seconds"),
        ({"every_s": "60"}, "every_s: expected seconds"),
        ({"every_s": float("nan")}, "every_s: expected seconds"),
        ({"every_s": 60, "anchor": "tomorrow"}, "anchor: expected an ISO 8601"),
        ({"every_s": 60, "anchor": "2026-01-01T00:00:00"}, "anchor: .*offset"),
        ({"every_s": 60, "anchor": 5}, "anchor"),
        ({}, "schedule: expected a map"),
        ("0 0 * * *", "schedule: expected a map"),
        (None, "schedule: expected a map"),
    ],
)
def test_a_wrong_map_is_refused_naming_the_field(value: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Schedule.from_json(value)


KEYS = ["cron", "timezone", "every_s", "anchor", "market", "after_close", "at", "business_day_of_week", "tz"]
PLAUSIBLE = ["* * * * *", "0 25 * * *", "UTC", "Asia/Tokyo", "XTKS", "XNYS", "16:30", "99:99", "2026-01-01T00:00:00Z"]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(PLAUSIBLE)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


@settings(max_examples=500, deadline=None, derandomize=True)
@given(value=JSON | st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3))
def test_any_json_is_a_schedule_that_can_be_walked_or_is_refused(value: object) -> None:
    try:
        schedule = Schedule.from_json(value)
    except InvalidInput:
        return

    assert schedule.next_after(utc("2026-11-20")) > utc("2026-11-20")
    assert Schedule.from_json(schedule.to_json()) == schedule


@pytest.mark.parametrize("name", ["localtime", "Factory", "posix/UTC", "right/UTC", "posixrules", "../UTC", "", "EST6"])
def test_names_that_are_no_place_are_refused_as_time_zones(name: str) -> None:
    with pytest.raises(InvalidInput, match="timezone"):
        CronSchedule("@daily", name)


@pytest.mark.parametrize("instant", [datetime(2026, 1, 1), utc("1969-12-31"), utc("2200-01-01"), "2026-01-01", None])
def test_an_instant_without_offset_or_out_of_range_is_refused(instant: object) -> None:
    with pytest.raises(InvalidInput, match="instant"):
        CronSchedule("@daily").next_after(instant)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (CronSchedule("0 17 * * 1-5", "Asia/Tokyo"), "at 17:00 on Monday to Friday, Asia/Tokyo"),
        (CronSchedule("0 6,18 * * *"), "at 06:00 and 18:00, UTC"),
        (CronSchedule("* * * * *"), "every minute, UTC"),
        (CronSchedule("@hourly"), "every hour, UTC"),
        (CronSchedule("0 */6 * * *"), "every 6 hours, UTC"),
        (
            CronSchedule("*/15 9-14 * * mon-fri"),
            "every 15 minutes of the hours 9 to 14 on Monday to Friday, UTC",
        ),
        (CronSchedule("5 * * * 6,7"), "at minute 5 on Saturday and Sunday, UTC"),
        (CronSchedule("0 0 1 1,7 1"), "at 00:00 on day 1 of the month or on Monday in January and July, UTC"),
        (CronSchedule("*/7 * * * *"), "at minute 0, 7, 14, 21, 28, 35, 42, 49 and 56, UTC"),
        (IntervalSchedule(86400), "every day"),
        (IntervalSchedule(7200), "every 2 hours"),
        (IntervalSchedule(90), "every 90 seconds"),
    ],
)
def test_a_schedule_is_told_in_words(schedule: Schedule, words: str) -> None:
    assert schedule.describe() == words
