"""Deaths around permits: a limiter's costs no window and strands nobody, a waiter's leaves no place behind."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from uuid import UUID

import pytest

from actors.job_executor import Execute, ExecutorRules, JobExecutor
from actors.otp.errors import CallFailed
from actors.otp.runtime import Runtime
from actors.rate_limiter import Acquire
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError
from moomarkets.domain.job import Attempt, Done, Ending
from moomarkets.domain.limits import Window
from moomarkets.engines.thread import ThreadEngine
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.office import BARS, Hire, Office
from tests.actors.otp.patience import eventually
from tests.actors.stories import attempt
from tests.actors.test_rate_limiter import most_in_a_window, side_by_side

End = Callable[[Runtime, str], object]


def kill(runtime: Runtime, name: str) -> None:
    runtime.kill(name)


def crash(runtime: Runtime, name: str) -> None:
    """With a message that it cannot handle."""
    runtime.cast(name, object())


def stop(runtime: Runtime, name: str) -> None:
    runtime.stop(name)


@pytest.mark.parametrize("end", [kill, crash])
def test_a_limiter_that_dies_again_and_again_lets_no_window_overflow_and_strands_nobody(
    hire: Hire, events: RecordedEvents, end: End
) -> None:
    """O10: each next one knows what was spent, and who waited asks it again."""
    office = hire(Window(4, 0.4), deadline_s=1.0, use_within_s=0.9)
    lock, arrivals = threading.Lock(), list[float]()

    def send() -> None:
        with lock:
            arrivals.append(time.monotonic())
            is_deadly = len(arrivals) % 4 == 2
        if is_deadly:
            end(office.runtime, office.limiter)

    def work() -> None:
        left = 3
        while left:
            # A permit that grew too old, while this thread had to wait for the machine, is no fault.
            with contextlib.suppress(AttemptError):
                use(office, CancelToken(), send)
                left -= 1

    side_by_side(office.runtime, [work for _ in range(5)])

    assert len(arrivals) == 15
    assert most_in_a_window(arrivals, 0.4) <= 4
    assert len(events.of("server.killed") + events.of("server.crashed")) >= 3


def test_who_waits_is_told_of_a_crash_and_the_next_limiter_does_not_start_with_a_full_budget(hire: Hire) -> None:
    """O10: the last permit of the window is spent, and stays so."""
    office = hire(Window(1, 60))
    office.use()
    waiting = office.runtime.request(office.limiter, Acquire("bars"))
    assert eventually(lambda: office.has_waiter)

    crash(office.runtime, office.limiter)
    assert office.runtime.wait_for(waiting, 5)
    office.ensure(office.rules)
    again = office.runtime.request(office.limiter, Acquire("bars"))
    office.runtime.wait_for(again, 0.3)

    with pytest.raises(CallFailed):
        waiting.result()
    assert not again.is_done
    assert office.live() == 1


@pytest.mark.parametrize("end", [kill, stop])
def test_an_executor_that_dies_while_its_attempt_waits_takes_no_permit_along(hire: Hire, end: End) -> None:
    """O11: the attempt's thread lives on, but its place in the queue does not."""
    office, ended = hire(Window(1, 0.5)), threading.Event()
    office.use()
    slot, engine = start_executor(office, ended)
    assert eventually(lambda: office.has_waiter)

    end(office.runtime, slot)
    assert ended.wait(5)
    office.use()
    engine.close()

    assert office.live() == 2


def test_a_waiter_that_gives_up_behind_others_does_not_hold_them_up(hire: Hire) -> None:
    """O11: of three that wait, the first two go; the third gets the one permit that comes free."""
    office = hire(Window(1, 0.5))
    office.use()
    tokens = [CancelToken() for _ in range(3)]
    waiting = [office.runtime.spawn(lambda token=token: use(office, token), "waiting") for token in tokens]  # type: ignore[misc]
    ref = office.runtime.whereis(office.limiter)
    assert ref is not None
    assert eventually(lambda: len(ref.process.unanswered) == 3)

    tokens[0].cancel()
    tokens[1].cancel()
    for one in waiting:
        assert office.runtime.wait_for(one, 5)

    waiting[2].result()
    assert office.live() == 2


def use(office: Office, token: CancelToken, send: Callable[[], object] = lambda: None) -> None:
    """Send one request as sources do."""
    with office.gate.permit(BARS, token) as permit:
        permit.check()
        send()
        permit.answered()


def start_executor(office: Office, ended: threading.Event) -> tuple[str, ThreadEngine]:
    """An executor whose attempt wants one permit; `ended` tells that its code is over."""

    def perform(attempt: Attempt, completion_id: UUID, token: CancelToken) -> Ending:
        try:
            use(office, token)
        finally:
            ended.set()
        return Done()

    engine = ThreadEngine(office.runtime.spawn)
    office.runtime.start(JobExecutor, "x0", engine, perform, ExecutorRules(lease_s=60), name="slot")
    office.runtime.cast("slot", Execute((attempt(1),)))
    return "slot", engine
