"""Who is dead or deaf is known without anybody being asked twice or waited for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actors.pulse import Pulse
from tests.actors.otp.patience import eventually
from tests.moomarkets.services.offices import Office, office
from tests.support.leaks import nothing_left


@pytest.fixture
def desk() -> Iterator[Office]:
    """A small tree, on a clock that only the test moves."""
    with nothing_left(), office() as opened:
        yield opened


def silence(pulse: Pulse) -> dict[str, float]:
    return {beat.path: beat.silent_s for beat in pulse.look()}


def test_whoever_answers_is_silent_no_longer(desk: Office) -> None:
    pulse = Pulse(desk.runtime)
    pulse.ask()
    desk.clock.advance(30)

    before = silence(pulse)
    pulse.ask()

    assert max(before.values()) == 30
    assert eventually(lambda: set(silence(pulse).values()) == {0})


def test_a_server_that_is_stuck_is_overdue_after_ten_seconds_and_the_others_are_not(desk: Office) -> None:
    pulse = Pulse(desk.runtime)
    pulse.ask()
    assert eventually(lambda: set(silence(pulse).values()) == {0})
    desk.block("core/manager")
    desk.clock.advance(10.5)

    pulse.ask()

    assert eventually(lambda: [beat.path for beat in pulse.look() if beat.is_overdue] == ["root/core/manager"])


def test_a_stuck_server_is_asked_once(desk: Office) -> None:
    pulse = Pulse(desk.runtime)
    desk.block("core/manager")

    for _ in range(50):
        pulse.ask()

    assert desk.info("core/manager").queue == 1


def test_a_server_that_ended_before_it_could_answer_has_not_answered(desk: Office) -> None:
    pulse = Pulse(desk.runtime)
    block = desk.block("clerk")
    pulse.ask()
    desk.clock.advance(5)
    asked = pulse._asked["root/clerk"]

    desk.kill("clerk")
    block.release.set()

    assert asked.is_done
    assert "root/clerk" not in silence(pulse) or silence(pulse)["root/clerk"] == 5


def test_a_server_that_was_restarted_is_asked_anew(desk: Office) -> None:
    pulse = Pulse(desk.runtime)
    desk.block("core/manager")
    pulse.ask()
    desk.kill("core/manager")
    desk.settle()
    desk.clock.advance(30)

    pulse.ask()

    assert eventually(lambda: silence(pulse)["root/core/manager"] == 0)
