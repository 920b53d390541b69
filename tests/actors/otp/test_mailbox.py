"""The two lanes, the timers and the end of an inbox."""

from __future__ import annotations

import threading

import pytest

from actors.otp.errors import InboxFull, Killed, NoProc
from actors.otp.mailbox import NOTHING, Mailbox
from actors.otp.messages import Call, Down, ReplyTo, Sys, SysOp
from moomarkets.testing.manual_clock import ManualClock


@pytest.fixture
def mailbox(clock: ManualClock) -> Mailbox:
    return Mailbox(clock, "root/box")


def test_the_ordinary_lane_is_first_in_first_out(mailbox: Mailbox) -> None:
    for item in ("a", "b", "c"):
        mailbox.push(item)

    assert [mailbox.take() for _ in range(4)] == ["a", "b", "c", NOTHING]


def test_the_system_lane_goes_first(mailbox: Mailbox) -> None:
    mailbox.push("ordinary")
    mailbox.push_system(Sys(SysOp.SUSPEND))

    assert mailbox.take() == Sys(SysOp.SUSPEND)


def test_a_suspended_mailbox_hands_out_only_the_system_lane(mailbox: Mailbox) -> None:
    mailbox.push("ordinary")
    mailbox.is_suspended = True
    mailbox.push_system(Sys(SysOp.RESUME))

    assert mailbox.take() == Sys(SysOp.RESUME)
    assert mailbox.take() is NOTHING


def test_timers_come_when_due_and_in_the_order_of_their_times(mailbox: Mailbox, clock: ManualClock) -> None:
    mailbox.schedule(3, "late")
    mailbox.schedule(1, "early")
    mailbox.schedule(1, "early too")

    assert mailbox.take() is NOTHING
    assert mailbox.next_due() == 1
    clock.advance(3)
    assert [mailbox.take() for _ in range(3)] == ["early", "early too", "late"]


def test_a_due_timer_stands_behind_what_was_queued_before(mailbox: Mailbox, clock: ManualClock) -> None:
    mailbox.schedule(1, "timer")
    mailbox.push("queued")
    clock.advance(1)

    assert [mailbox.take(), mailbox.take()] == ["queued", "timer"]


def test_a_cancelled_timer_tells_its_rest_and_never_comes(mailbox: Mailbox, clock: ManualClock) -> None:
    timer = mailbox.schedule(10, "never")
    clock.advance(4)

    assert mailbox.time_left(timer) == 6
    assert mailbox.cancel(timer) == 6
    assert mailbox.cancel(timer) is None
    clock.advance(100)
    assert mailbox.take() is NOTHING
    assert mailbox.next_due() is None


def test_a_timer_that_has_joined_the_lane_can_still_be_cancelled(mailbox: Mailbox, clock: ManualClock) -> None:
    mailbox.push("first")
    timer = mailbox.schedule(1, "never")
    clock.advance(1)

    assert mailbox.take() == "first"
    assert mailbox.cancel(timer) == 0
    assert mailbox.take() is NOTHING


def test_a_delivered_timer_has_no_time_left_and_cannot_be_cancelled(mailbox: Mailbox, clock: ManualClock) -> None:
    timer = mailbox.schedule(1, "here")
    clock.advance(1)

    assert mailbox.take() == "here"
    assert mailbox.time_left(timer) is None
    assert mailbox.cancel(timer) is None


def test_cancelled_timers_do_not_pile_up(mailbox: Mailbox) -> None:
    for _ in range(1000):
        mailbox.cancel(mailbox.schedule(3600, "never"))

    assert len(mailbox._timers) < 100


def test_a_full_mailbox_refuses_senders_but_not_the_framework(clock: ManualClock) -> None:
    """G18."""
    mailbox = Mailbox(clock, "root/box", limit=1)
    mailbox.push("a", is_bounded=True)

    with pytest.raises(InboxFull, match="root/box"):
        mailbox.push("b", is_bounded=True)
    assert mailbox.push(Down(None, None, "noproc"))  # type: ignore[arg-type]
    assert mailbox.push_system(Sys(SysOp.STOP))


def test_closing_answers_what_is_left_and_takes_nothing_more(mailbox: Mailbox) -> None:
    queued, asked = ReplyTo(None, {}), ReplyTo(None, {})
    mailbox.push(Call("a", queued))
    mailbox.push_system(Sys(SysOp.STATUS, None, asked))

    mailbox.close()

    for reply_to in (queued, asked):
        with pytest.raises(NoProc, match="root/box"):
            reply_to.promise.result()
    assert not mailbox.push("late")
    assert not mailbox.push_system(Sys(SysOp.STATUS))


def test_a_waiting_server_is_woken_by_a_message_a_jump_of_the_clock_and_the_end(
    mailbox: Mailbox, clock: ManualClock
) -> None:
    got: list[object] = []
    seen = threading.Semaphore(0)

    def serve() -> None:
        try:
            while True:
                got.append(mailbox.get().message)
                seen.release()
        except Killed:
            got.append("killed")

    thread = threading.Thread(target=serve)
    thread.start()
    mailbox.push("pushed")
    assert seen.acquire(timeout=5)
    mailbox.schedule(3600, "timer")
    clock.advance(3600)
    assert seen.acquire(timeout=5)
    mailbox.close()
    thread.join(5)

    assert got == ["pushed", "timer", "killed"]


def test_a_message_that_comes_just_as_the_wait_for_a_timer_ends_is_taken(mailbox: Mailbox, clock: ManualClock) -> None:
    class LateRing:
        """A gate at which somebody rings just after the wait for it has ended in vain."""

        def __init__(self) -> None:
            self.is_open = False

        def acquire(self, timeout: float = -1) -> bool:
            if self.is_open:
                self.is_open = False
                return True
            mailbox.push("just then")
            return False

        def release(self) -> None:
            assert not self.is_open
            self.is_open = True

    mailbox.schedule(3600, "timer")
    gate = mailbox._gate = LateRing()  # type: ignore[assignment]

    assert mailbox.get().message == "just then"
    assert not gate.is_open


def test_a_closed_mailbox_leaves_the_clock(mailbox: Mailbox, clock: ManualClock) -> None:
    mailbox.close()

    assert clock._wakes == {}


def test_no_message_is_lost_between_many_senders(mailbox: Mailbox) -> None:
    def push_all(sender: int) -> None:
        for number in range(500):
            mailbox.push((sender, number))

    threads = [threading.Thread(target=push_all, args=(sender,)) for sender in range(4)]
    for thread in threads:
        thread.start()
    got = [mailbox.get().message for _ in range(2000)]
    for thread in threads:
        thread.join()

    for sender in range(4):
        assert [number for whose, number in got if whose == sender] == list(range(500))
