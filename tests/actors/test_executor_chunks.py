"""What an executor does with several attempts in one message, and with those under whose job a process has died."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from actors import names
from actors.dispatch_messages import Ended, Finished
from actors.job_executor import Cancel, Execute, ExecutorRules, JobExecutor
from actors.otp.gen_server import GenServer
from actors.otp.thread_runtime import ThreadRuntime
from actors.pace import STALLED_S
from actors.store_writer import StoreWriter
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Attempt, Done, Ending, LostLease
from moomarkets.engines.thread import ThreadEngine
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.books import Books
from tests.actors.stories import attempt

WAIT_S = 10


class Manager(GenServer):
    """Passes the reports on."""

    def init(self, reports: queue.SimpleQueue[Finished]) -> None:
        self.reports = reports

    def handle_cast(self, message: Any) -> None:
        if isinstance(message, Finished):
            self.reports.put(message)


class Slot:
    """One executor; the code of its attempts tells when it begins and waits until it is let go."""

    def __init__(self, runtime: ThreadRuntime) -> None:
        self.runtime, self.engine = runtime, ThreadEngine(runtime.spawn)
        self.reports: queue.SimpleQueue[Finished] = queue.SimpleQueue()
        self.begun: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.may_end, self.stopped = threading.Event(), threading.Semaphore(0)
        runtime.start(Manager, self.reports, name=names.MANAGER)
        rules = ExecutorRules(lease_s=6, deadline_s=60, grace_s=2)
        runtime.start(JobExecutor, "x0", self.engine, self.perform, rules, name=names.executor("x0"))

    def perform(self, given: Attempt, completion_id: UUID, token: CancelToken) -> Ending:
        token.on_cancel(self.stopped.release)
        self.begun.put(given.lease.execution_id)
        assert self.may_end.wait(WAIT_S)
        token.check()
        return Done()

    def say(self, message: object) -> None:
        self.runtime.cast(names.executor("x0"), message)

    def busy_with(self, *given: Attempt) -> None:
        """Give it these, and wait until the first has begun."""
        self.say(Execute(given))
        assert self.begun.get(timeout=WAIT_S) == given[0].lease.execution_id

    def report(self) -> Finished:
        return self.reports.get(timeout=WAIT_S)


@pytest.fixture
def slot(still: ThreadRuntime) -> Iterator[Slot]:
    slot = Slot(still)
    yield slot
    slot.may_end.set()
    slot.engine.close()


ONE, TWO, THREE = attempt(1), attempt(2), attempt(3)


def endings(report: Finished) -> list[tuple[Attempt, object]]:
    return [(end.attempt, getattr(end.ending, "reason", None)) for end in report.ended]


def test_what_ends_in_one_go_is_reported_in_one_message(slot: Slot) -> None:
    slot.may_end.set()

    slot.busy_with(ONE, TWO, THREE)

    report = slot.report()
    assert report == Finished("x0", (Ended(ONE, Done(), 0.0), Ended(TWO, Done(), 0.0), Ended(THREE, Done(), 0.0)))


def test_what_has_not_begun_goes_back_when_one_takes_long_and_that_one_goes_on(slot: Slot, clock: ManualClock) -> None:
    slot.busy_with(ONE, TWO, THREE)

    clock.advance(STALLED_S)
    stalled = slot.report()
    slot.may_end.set()

    assert stalled == Finished("x0", (), (TWO, THREE))
    assert endings(slot.report()) == [(ONE, None)]
    assert slot.begun.empty()


def test_a_cancel_of_one_that_has_not_begun_ends_it_at_once_and_sends_the_others_back(slot: Slot) -> None:
    slot.busy_with(ONE, TWO, THREE)

    slot.say(Cancel(2, Reason.CANCELLED))
    cancelled = slot.report()
    slot.may_end.set()

    assert (endings(cancelled), cancelled.returned) == ([(TWO, Reason.CANCELLED)], (THREE,))
    assert cancelled.ended[0].seconds is None
    assert endings(slot.report()) == [(ONE, None)]


def test_a_cancel_of_the_one_that_runs_sends_back_what_waits_behind_it(slot: Slot, clock: ManualClock) -> None:
    slot.busy_with(ONE, TWO)

    slot.say(Cancel(1, Reason.CANCELLED))
    report = slot.report()
    clock.advance(2)
    abandoned = slot.report()

    assert report == Finished("x0", (), (TWO,))
    assert endings(abandoned) == [(ONE, Reason.CANCELLED)]


def test_an_attempt_with_a_deadline_of_its_own_times_out_by_that(slot: Slot, clock: ManualClock) -> None:
    slot.busy_with(attempt(1, timeout_s=5.0))

    clock.advance(5)
    assert slot.stopped.acquire(timeout=WAIT_S)
    slot.may_end.set()

    assert endings(slot.report()) == [(attempt(1, timeout_s=5.0), Reason.TIMED_OUT)]


def test_the_deadline_of_one_attempt_is_not_that_of_the_next(slot: Slot, clock: ManualClock) -> None:
    patient = attempt(1, timeout_s=50.0)
    slot.busy_with(patient, attempt(2, timeout_s=5.0))

    clock.advance(49)
    came_back = slot.report()
    slot.may_end.set()

    assert came_back.returned == (attempt(2, timeout_s=5.0),)
    assert endings(slot.report()) == [(patient, None)]


def test_the_code_of_a_suspect_begins_once_that_is_durable(
    still: ThreadRuntime, slot: Slot, books: Books, pool: Database
) -> None:
    books.planned_run(["a"])
    books.change("UPDATE jobs SET crash_count = 1")
    (suspect,) = books.claim()

    still.start(StoreWriter, pool, name=names.WRITER)
    slot.busy_with(suspect)

    assert suspect.crash_count == 1
    assert books.value("SELECT began_at IS NOT NULL FROM executions")


def test_the_code_of_a_suspect_that_was_taken_over_never_begins(
    still: ThreadRuntime, slot: Slot, books: Books, pool: Database
) -> None:
    still.start(StoreWriter, pool, name=names.WRITER)
    books.planned_run(["a"])
    books.change("UPDATE jobs SET crash_count = 1")
    (suspect,) = books.claim()
    books.change("UPDATE executions SET lease_token = lease_token + 1")

    slot.say(Execute((suspect,)))

    assert [end.ending for end in slot.report().ended] == [LostLease()]
    assert slot.begun.empty()


def test_a_suspect_can_be_cancelled_while_it_waits_for_the_store(slot: Slot) -> None:
    suspect = attempt(1, crash_count=1)

    slot.say(Execute((suspect,)))
    slot.say(Cancel(1, Reason.CANCELLED))

    assert endings(slot.report()) == [(suspect, Reason.CANCELLED)]
    assert slot.begun.empty()
