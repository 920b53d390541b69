"""How many attempts go together, and how many are claimed ahead."""

from __future__ import annotations

from actors.pace import MOST_AHEAD, MOST_TOGETHER, STALLED_S, Pace
from tests.actors.stories import attempt

ATTEMPTS = tuple(attempt(number) for number in range(1, 101))


def lasting(seconds: float, job_type: str = "work") -> Pace:
    return Pace().after([(job_type, seconds)] * 100)


def test_an_attempt_of_which_nothing_is_known_goes_alone() -> None:
    assert Pace().together(ATTEMPTS, most=50) == 1


def test_as_many_short_attempts_go_together_as_are_done_in_a_few_milliseconds() -> None:
    assert lasting(0.001).together(ATTEMPTS, most=50) in (4, 5)
    assert lasting(0.010).together(ATTEMPTS, most=50) == 1
    assert lasting(0.0).together(ATTEMPTS, most=100) == MOST_TOGETHER
    assert lasting(0.0).together(ATTEMPTS, most=7) == 7


def test_a_type_that_is_slow_ends_what_goes_together() -> None:
    mixed = (*ATTEMPTS[:3], attempt(200, job_type="slow"), *ATTEMPTS[3:])

    assert lasting(0.0).together(mixed, most=50) == 3


def test_an_attempt_under_whose_job_a_process_has_died_goes_alone() -> None:
    suspect = attempt(200, crash_count=1)

    assert lasting(0.0).together((suspect, *ATTEMPTS), most=50) == 1
    assert lasting(0.0).together((*ATTEMPTS[:2], suspect, *ATTEMPTS), most=50) == 2


def test_after_a_stall_attempts_of_that_type_go_alone_until_they_are_short_again() -> None:
    pace = lasting(0.0).stalled({"work"})

    assert pace.usual_s["work"] == STALLED_S
    assert pace.together(ATTEMPTS, most=50) == 1
    assert pace.after([("work", 0.0)] * 100).together(ATTEMPTS, most=50) > 1


def test_work_for_some_milliseconds_is_claimed_ahead_and_long_work_never() -> None:
    assert Pace().ahead(slots=10) == 0
    assert lasting(10).ahead(slots=100) == 0
    assert lasting(0.05).ahead(slots=100) == 99
    assert lasting(0.0).ahead(slots=1) == MOST_AHEAD
