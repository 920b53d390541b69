from __future__ import annotations

from datetime import UTC, datetime, timedelta

from moomarkets.domain.clock import Clock, ShiftedClock, SystemClock

HOUR = timedelta(hours=1)


def test_wall_time_is_aware_and_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_the_database_keeps_the_time_of_statements() -> None:
    clocks: list[Clock] = [SystemClock(), ShiftedClock(HOUR)]

    assert [clock.sql_now() for clock in clocks] == [None, None]


def test_monotonic_and_boot_time_never_go_back() -> None:
    clock = SystemClock()

    before = (clock.monotonic(), clock.boottime())

    assert clock.monotonic() >= before[0]
    assert clock.boottime() >= before[1]


def test_a_shifted_clock_shows_another_date_and_flows() -> None:
    start = datetime(2027, 1, 4, 9, tzinfo=UTC)
    clock = ShiftedClock.starting_at(start)

    first, second = clock.now(), clock.now()

    assert start <= first <= second < start + HOUR


def test_only_the_wall_time_of_a_shifted_clock_is_shifted() -> None:
    real, shifted = SystemClock(), ShiftedClock(timedelta(days=-1000))

    assert abs(shifted.monotonic() - real.monotonic()) < 60
    assert real.now() - shifted.now() > timedelta(days=999)


def test_nothing_wakes_those_who_wait_on_a_clock_that_only_flows() -> None:
    woken: list[bool] = []

    undo = SystemClock().on_jump(lambda: woken.append(True))
    undo()

    assert woken == []
