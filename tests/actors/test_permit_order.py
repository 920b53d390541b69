"""Who gets the next permit: the most urgent, nobody never, and nobody behind a window that is not his."""

from __future__ import annotations

from uuid import UUID

import pytest

from actors.otp.promise import Promise
from actors.rate_limiter import Acquire, Grant, RateLimiter, release
from moomarkets.domain.errors import AttemptError
from moomarkets.domain.limits import Window
from tests.actors.office import Hire, Office
from tests.actors.otp.patience import eventually


def wait_for(office: Office, *acquires: Acquire) -> list[Promise[Grant]]:
    """Ask for these permits in this order; returns once the limiter has them all."""
    promises = [office.runtime.request(office.limiter, acquire) for acquire in acquires]
    ref = office.runtime.whereis(office.limiter)
    assert ref is not None
    assert eventually(lambda: all(promise.is_done for promise in promises) or ref.process.unanswered)
    office.runtime.call(office.limiter, Acquire("apart"))  # its answer comes after those messages are handled
    return promises


def served(promises: list[Promise[Grant]]) -> list[int]:
    """Which of them have a permit."""
    return [number for number, promise in enumerate(promises) if promise.is_done]


def open_office(hire: Hire, *windows: Window, **endpoint_windows: tuple[Window, ...]) -> Office:
    office = hire(*windows, endpoint_windows={"apart": (), **endpoint_windows}, apart=frozenset({"apart"}))
    office.use()
    return office


def test_the_most_urgent_of_those_who_wait_goes_first(hire: Hire) -> None:
    office = open_office(hire, Window(1, 0.5))
    now = office.runtime.clock.monotonic()

    waiting = wait_for(office, *(Acquire("bars", priority, now) for priority in (1, 5, 10)))
    assert office.runtime.wait_for(waiting[2], 5)

    assert served(waiting) == [2]


def test_who_has_waited_ten_minutes_longer_goes_before_the_most_urgent(hire: Hire) -> None:
    """Nobody is starved, however many urgent ones keep coming."""
    office = open_office(hire, Window(1, 0.5))
    now = office.runtime.clock.monotonic()

    waiting = wait_for(office, *(Acquire("bars", 10, now) for _ in range(3)), Acquire("bars", 1, now - 600))
    assert office.runtime.wait_for(waiting[3], 5)

    assert served(waiting) == [3]


def test_equals_go_in_the_order_in_which_they_came(hire: Hire) -> None:
    office = open_office(hire, Window(1, 0.4))
    now = office.runtime.clock.monotonic()

    waiting = wait_for(office, *(Acquire("bars", 5, now) for _ in range(2)))
    assert office.runtime.wait_for(waiting[0], 5)

    assert served(waiting) == [0]


def test_an_urgent_waiter_for_a_full_endpoint_holds_up_nobody_else(hire: Hire) -> None:
    """Not even forty of them, more than are asked for at a time."""
    office = open_office(hire, Window(100, 60), full=(Window(1, 60),))
    office.runtime.call(office.limiter, Acquire("full"))
    waiting = wait_for(office, *(Acquire("full", 10) for _ in range(40)))

    others = [office.runtime.request(office.limiter, Acquire("bars", 1)) for _ in range(30)]

    assert all(office.runtime.wait_for(other, 5) for other in others)
    assert served(waiting) == []


def test_a_full_source_does_not_hold_up_an_endpoint_that_is_apart(hire: Hire) -> None:
    office = open_office(hire, Window(1, 60))
    wait_for(office, Acquire("bars", 10))

    grant = office.runtime.call(office.limiter, Acquire("apart", 1))

    assert office.books.value("SELECT endpoint FROM permits WHERE id = :id", id=grant.permit_id) == "apart"


def test_a_heavy_request_is_not_passed_by_light_ones_for_ever(hire: Hire) -> None:
    office = open_office(hire, Window(3, 0.5))
    first = [office.runtime.call(office.limiter, Acquire("bars")) for _ in range(2)]
    waiting = wait_for(office, Acquire("bars", 5, 0.0, weight=3), *(Acquire("bars") for _ in range(4)))

    for grant in first:
        release(office.runtime, office.limiter, grant.permit_id, is_sent=True)
    assert office.runtime.wait_for(waiting[0], 5)

    assert served(waiting) == [0]


def test_a_request_that_weighs_more_than_its_window_holds_is_refused(hire: Hire) -> None:
    office = open_office(hire, Window(3, 60))

    with pytest.raises(AttemptError, match="weight of a permit: expected 1 to 3, the narrowest window, got 4"):
        office.runtime.call(office.limiter, Acquire("bars", weight=4))


def test_what_a_heavy_request_did_not_use_is_free_for_others(hire: Hire) -> None:
    office = open_office(hire, Window(10, 60))
    heavy: Grant = office.runtime.call(office.limiter, Acquire("bars", weight=9))
    waiting = wait_for(office, *(Acquire("bars") for _ in range(5)))

    release(office.runtime, office.limiter, heavy.permit_id, is_sent=True, weight=4)

    assert all(office.runtime.wait_for(one, 5) for one in waiting)


def test_what_a_limiter_had_reserved_and_not_handed_out_when_it_died_comes_back(
    hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O10: nothing is lost with it, and nothing that is in somebody's hands is taken away."""
    office = open_office(hire, Window(5, 60))
    held: Grant = office.runtime.call(office.limiter, Acquire("bars"))
    with monkeypatch.context() as patched:
        patched.setattr(RateLimiter, "_hand_out", lambda self, asked, reservation: 1 / 0)
        promises = [office.runtime.request(office.limiter, Acquire("bars")) for _ in range(2)]
        assert all(office.runtime.wait_for(promise, 5) for promise in promises)
    assert eventually(lambda: office.live() > 2)

    office.ensure(office.rules)

    assert eventually(lambda: office.live() == 2)
    ids: set[UUID] = {row[0] for row in office.books.rows("SELECT id FROM permits")}
    assert held.permit_id in ids
