"""Five years of clock changes, entry by entry, against a walk over every half hour of them.

All wall times below, and all changes of these clocks, stand on half hours.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from moomarkets.domain.schedule import CronSchedule
from tests.moomarkets.domain.cron_oracle import Entry, due, utc

START, END = utc("2024-01-01"), utc("2028-12-31")
HALF_HOUR, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
ZONES = ["America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Sydney", "Australia/Lord_Howe"]
CHANGING = [zone for zone in ZONES if zone != "Asia/Tokyo"]
ANY_DAY = (("*", frozenset(range(1, 32))), ("*", frozenset(range(1, 13))), ("*", frozenset(range(7))))
MINUTES = {"0": {0}, "30": {30}, "0,30": {0, 30}, "*/30": {0, 30}}
HOURS = {
    "*": set(range(24)), "0": {0}, "1": {1}, "2": {2}, "3": {3}, "16": {16}, "0-4": {0, 1, 2, 3, 4},
    "*/6": {0, 6, 12, 18},
}  # fmt: skip
TABLE = [
    ("0", "0"), ("30", "1"), ("0", "2"), ("30", "2"), ("0", "3"), ("0,30", "0-4"),
    ("0", "*"), ("*/30", "1"), ("*/30", "2"), ("0", "*/6"),
]  # fmt: skip


def entry(minute: str, hour: str) -> Entry:
    return Entry(((minute, frozenset(MINUTES[minute])), (hour, frozenset(HOURS[hour])), *ANY_DAY))


@cache
def fired(text: str, zone: str) -> list[datetime]:
    return CronSchedule(text, zone).due_between(START - HALF_HOUR, END, 200_000)


@pytest.mark.parametrize("zone", ZONES)
def test_five_years_equal_a_walk_over_every_half_hour(zone: str) -> None:
    for minute, hour in TABLE:
        wanted = entry(minute, hour)

        assert fired(wanted.text, zone) == due(wanted, zone, START, END, HALF_HOUR), wanted.text


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", ["0 0 * * *", "30 1 * * *", "0 2 * * *", "30 2 * * *", "0 3 * * *", "30 16 * * *"])
def test_a_fixed_hour_fires_once_per_local_date(zone: str, at: str) -> None:
    dates = Counter(instant.astimezone(ZoneInfo(zone)).date() for instant in fired(at, zone))

    assert set(dates.values()) == {1}
    # The stretch begins and ends within a local date.
    assert len(dates) >= (max(dates) - min(dates)).days + 1 >= (END - START).days - 1


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Asia/Tokyo", "Australia/Sydney"])
def test_an_hourly_entry_fires_at_every_hour_of_absolute_time(zone: str) -> None:
    instants = fired("0 * * * *", zone)

    assert {second - first for first, second in pairwise(instants)} == {HOUR}
    assert len(instants) == (END - START) // HOUR + 1


@pytest.mark.parametrize("zone", CHANGING)
def test_the_five_years_hold_ten_changes_of_each_clock(zone: str) -> None:
    noons = [START + DAY * number for number in range((END - START) // DAY)]

    offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]

    assert sum(first != second for first, second in pairwise(offsets)) == 10


def test_a_date_that_a_place_left_out_has_its_instant_at_its_end() -> None:
    daily = CronSchedule("0 12 * * *", "Pacific/Apia")

    instants = list(islice(daily.instants_after(datetime(2011, 12, 29, 12, tzinfo=UTC)), 3))

    # Samoa had no 30 December in 2011: its noon falls on the first moment of the 31st.
    assert instants == [utc("2011-12-29T22:00"), utc("2011-12-30T10:00"), utc("2011-12-30T22:00")]
