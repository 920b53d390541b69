from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moomarkets.testing.manual_clock import ManualClock

START = datetime(2026, 11, 20, tzinfo=UTC)


def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(START)

    assert (clock.now(), clock.monotonic(), clock.boottime()) == (START, 0.0, 0.0)
    assert clock.now() == START


def test_all_times_move_together() -> None:
    clock = ManualClock(START)

    clock.advance(1.5)
    clock.advance(0)

    later = START + timedelta(seconds=1.5)
    assert (clock.now(), clock.sql_now(), clock.monotonic(), clock.boottime()) == (later, later, 1.5, 1.5)


def test_time_never_goes_back() -> None:
    clock = ManualClock(START)

    with pytest.raises(ValueError, match="expected 0 or more, got -1"):
        clock.advance(-1)

    assert clock.now() == START


def test_those_who_wait_are_woken_after_the_move_until_they_take_it_back() -> None:
    clock, seen = ManualClock(START), list[float]()
    undo = clock.on_jump(lambda: seen.append(clock.monotonic()))
    clock.on_jump(lambda: seen.append(-clock.monotonic()))

    clock.advance(1)
    undo()
    undo()
    clock.advance(1)

    assert seen == [1.0, -1.0, -2.0]
