from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moomarkets.domain.cron_grammar import parse_cron
from moomarkets.domain.cron_walk import instants_after
from tests.moomarkets.domain.cron_oracle import Entry, due, utc

CHANGES = [
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Europe/London", "2026-03-29"),
    ("Europe/London", "2026-10-25"),
    ("Europe/Dublin", "2026-10-25"),
    ("Asia/Tokyo", "2026-11-01"),
    ("Asia/Kathmandu", "2026-11-01"),
    ("Australia/Sydney", "2026-04-04"),
    ("Australia/Sydney", "2026-10-03"),
    ("Australia/Lord_Howe", "2026-04-04"),
    ("Australia/Lord_Howe", "2026-10-03"),
    ("Pacific/Chatham", "2026-04-04"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Asia/Beirut", "2026-03-28"),
    ("America/Havana", "2026-11-01"),
    ("America/Santiago", "2026-09-05"),
    ("Africa/Cairo", "2026-10-29"),
]
# Long enough before a change for every wall time around it, and two days behind it.
REACH = timedelta(days=2)


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *, is_often_any: bool) -> tuple[str, frozenset[int]]:
    kind = draw(st.sampled_from(["*"] * (6 if is_often_any else 1) + ["step", "number", "range", "list"]))
    if kind == "*":
        return "*", frozenset(range(low, high + 1))
    if kind == "step":
        step = draw(st.integers(1, high))
        return f"*/{step}", frozenset(range(low, high + 1, step))
    first, last = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
    if kind == "number":
        return str(first), frozenset({first})
    if kind == "list":
        return f"{last},{first}", frozenset({first, last})
    step = draw(st.integers(1, 5))
    return f"{first}-{last}/{step}", frozenset(range(first, last + 1, step))


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    minute = draw(fields(0, 59, is_often_any=False))
    hour = draw(st.one_of(fields(0, 3, is_often_any=False), fields(0, 23, is_often_any=False)))
    if hour[0].startswith("*"):
        hour = draw(fields(0, 23, is_often_any=True))
    day = draw(fields(1, 28, is_often_any=True))
    if day[0].startswith("*"):
        day = (day[0], frozenset(range(1, 32, int(day[0][2:] or 1))))
    return Entry((minute, hour, day, ("*", frozenset(range(1, 13))), draw(fields(0, 6, is_often_any=True))))


def found(entry: Entry, zone: str, after: datetime, end: datetime) -> list[datetime]:
    instants: list[datetime] = []
    for instant in instants_after(parse_cron(entry.text), ZoneInfo(zone), after):
        if instant > end:
            break
        instants.append(instant)
    return instants


@settings(max_examples=150, deadline=None, derandomize=True)
@given(entry=entries(), change=st.sampled_from(CHANGES), minute=st.integers(0, 2 * 1440))
def test_every_due_instant_around_a_change_is_that_of_a_walk_over_all_minutes(
    entry: Entry, change: tuple[str, str], minute: int
) -> None:
    zone, on = change
    start, end = utc(on) - 2 * REACH, utc(on) + REACH
    after = start + REACH + timedelta(minutes=minute)

    instants = found(entry, zone, after, end)

    assert instants == [instant for instant in due(entry, zone, start, end) if instant > after]


def number(*values: int) -> tuple[str, frozenset[int]]:
    return ",".join(map(str, values)), frozenset(values)


ANY_DAY = (("*", frozenset(range(1, 32))), ("*", frozenset(range(1, 13))), ("*", frozenset(range(7))))


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_a_whole_year_equals_a_walk_over_all_its_minutes(zone: str) -> None:
    start, end = utc("2026-01-01"), utc("2026-12-31")
    twice_hourly = Entry((("*/30", frozenset({0, 30})), ("*", frozenset(range(24))), *ANY_DAY))
    at_night = Entry((number(30), number(1, 2), *ANY_DAY))

    for entry in (at_night, twice_hourly):
        instants = found(entry, zone, start - timedelta(minutes=1), end)

        assert instants == due(entry, zone, start, end)


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("30 1 * * *", "America/New_York", "2026-11-01T00:00", "2026-11-01T05:30 2026-11-02T06:30"),
        ("30 2 * * *", "America/New_York", "2026-03-08T00:00", "2026-03-08T07:00 2026-03-09T06:30"),
        ("*/30 1 * * *", "America/New_York", "2026-11-01T05:10", "2026-11-01T05:30 2026-11-01T06:00"),
        ("*/30 2 * * *", "America/New_York", "2026-03-08T00:00", "2026-03-09T06:00 2026-03-09T06:30"),
        ("0,30 2,3 * * *", "America/New_York", "2026-03-08T00:00", "2026-03-08T07:00 2026-03-08T07:30"),
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00", "2011-12-30T10:00 2012-12-29T22:00"),
        ("*/15 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00", "2012-12-29T22:00 2012-12-29T22:15"),
        ("0 0 29 2 *", "Asia/Tokyo", "2096-03-01T00:00", "2104-02-28T15:00 2108-02-28T15:00"),
        ("0 0 30 2 1", "UTC", "2026-01-01T00:00", "2026-02-02T00:00 2026-02-09T00:00"),
    ],
)
def test_the_rule_at_changes_of_the_clock(text: str, zone: str, after: str, expected: str) -> None:
    instants = instants_after(parse_cron(text), ZoneInfo(zone), utc(after))

    assert list(islice(instants, 2)) == [utc(instant) for instant in expected.split()]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    entry=entries(),
    zone=st.sampled_from(["Asia/Tokyo", "Africa/Monrovia", "America/St_Johns", "Pacific/Apia", "Africa/El_Aaiun"]),
    after=st.datetimes(datetime(1970, 1, 3), datetime(2037, 12, 1)),
)
def test_instants_only_grow_and_the_walk_may_begin_anywhere(entry: Entry, zone: str, after: datetime) -> None:
    cron, place, start = parse_cron(entry.text), ZoneInfo(zone), after.replace(tzinfo=UTC)

    instants = list(islice(instants_after(cron, place, start), 5))

    assert instants[0] > start
    assert all(first < second for first, second in pairwise(instants))
    for first, second in pairwise(instants):
        just_before = second - timedelta(microseconds=1)
        assert next(instants_after(cron, place, first)) == second
        assert next(instants_after(cron, place, just_before)) == second


@pytest.mark.parametrize("after", ["2026-03-08T06:59", "2026-11-01T05:59", "2026-07-01T00:00"])
def test_one_step_takes_less_than_50_ms_even_at_a_change(after: str) -> None:
    cron, zone = parse_cron("* * * * *"), ZoneInfo("America/New_York")
    seconds = []

    for _ in range(5):
        began = time.perf_counter()
        next(instants_after(cron, zone, utc(after)))
        seconds.append(time.perf_counter() - began)

    assert min(seconds) < 0.05
