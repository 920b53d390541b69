"""The Claimer: as many as there is room for, when somebody says so, and otherwise quiet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from actors import names
from actors.claimer import Claimer, ClaimRules, Review, Stop, Wake, Want
from actors.dispatch_messages import Claimed, ClaimerReady, ClaimsOver, Resting
from actors.otp import sys
from actors.otp.gen_server import GenServer
from actors.otp.ref import Ref
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import WORK, Books
from tests.actors.otp.patience import eventually

T = TypeVar("T")


class Manager(GenServer):
    """Keeps what the claimer says."""

    def init(self) -> None:
        self.heard: list[object] = []

    def handle_cast(self, message: Any) -> None:
        self.heard.append(message)

    def handle_call(self, message: object) -> object:
        return list(self.heard)


class Desk:
    """A claimer and the manager that it talks to; time moves only by the clock."""

    def __init__(self, runtime: ThreadRuntime, pool: Database, books: Books) -> None:
        self.runtime, self.pool, self.books = runtime, pool, books
        manager = runtime.start(Manager, name=names.MANAGER)
        assert manager is not None
        self.manager = manager
        self.start()

    def start(self) -> None:
        rules = ClaimRules(self.books.node.id, [WORK], lease_s=6, poll_s=5)
        claimer = self.runtime.start(Claimer, self.pool, rules, name=names.CLAIMER)
        assert claimer is not None
        self.claimer = claimer

    def say(self, *messages: object) -> None:
        for message in messages:
            self.runtime.cast(self.claimer, message)

    def want(self, count: int, received: int = 0, manager: Ref | None = None) -> None:
        self.say(Want(count, received, manager or self.manager))

    def is_quiet(self) -> bool:
        """Whether everything that was said so far is done with."""
        status = sys.status(self.claimer)
        return status.queue == 0

    @property
    def claimed(self) -> list[str]:
        """The keys of what was claimed so far, once the claimer is quiet."""
        assert eventually(self.is_quiet)
        heard = self.runtime.call(self.manager, "heard")
        return [attempt.key for message in heard if isinstance(message, Claimed) for attempt in message.attempts]


@pytest.fixture
def at_desk(still: ThreadRuntime, pool: Database, books: Books) -> Desk:
    return Desk(still, pool, books)


def due(books: Books, clock: ManualClock, count: int) -> None:
    """Put jobs into the books that are due by the test's clock."""
    books.planned_run([f"{number:02}" for number in range(count)])
    books.change("UPDATE jobs SET due_at = :now", now=clock.now())


def test_it_says_that_it_is_there(at_desk: Desk, still: ThreadRuntime) -> None:
    assert still.call(at_desk.manager, "heard") == [ClaimerReady()]


def test_no_more_is_claimed_than_there_is_room_for(at_desk: Desk, books: Books, clock: ManualClock) -> None:
    due(books, clock, 5)

    at_desk.want(2)

    assert eventually(lambda: len(at_desk.claimed) == 2)
    at_desk.say(Wake())
    assert at_desk.claimed == ["00", "01"]


def test_room_that_was_told_before_a_claim_arrived_is_not_filled_twice(
    at_desk: Desk, books: Books, clock: ManualClock
) -> None:
    due(books, clock, 5)

    at_desk.want(2, received=0)
    assert eventually(lambda: len(at_desk.claimed) == 2)
    at_desk.want(2, received=0)
    after_stale_word = len(at_desk.claimed)
    at_desk.want(1, received=2)

    assert after_stale_word == 2
    assert eventually(lambda: len(at_desk.claimed) == 3)


def test_a_new_claimer_takes_up_the_count_of_a_manager_that_has_received_before(
    at_desk: Desk, books: Books, clock: ManualClock, still: ThreadRuntime
) -> None:
    due(books, clock, 3)

    at_desk.want(1, received=40)

    assert eventually(lambda: at_desk.claimed == ["00"])


def test_a_new_manager_is_believed_at_once(
    at_desk: Desk, books: Books, clock: ManualClock, still: ThreadRuntime
) -> None:
    due(books, clock, 4)
    at_desk.want(2, received=0)
    assert eventually(lambda: len(at_desk.claimed) == 2)
    other = still.start(Manager)

    at_desk.want(1, received=0, manager=other)

    assert eventually(lambda: len(at_desk.claimed) == 3)


def test_it_says_which_of_those_that_wait_are_not_to_be_started_now(
    at_desk: Desk, books: Books, still: ThreadRuntime
) -> None:
    books.planned_run(["a"], group="paused")
    books.planned_run(["b"], group="goes on")
    attempts = {attempt.key: attempt for attempt in books.claim(count=2)}
    books.change("UPDATE job_groups SET status = 'paused' WHERE name = 'paused'")

    at_desk.say(Review(tuple(attempts.values())))

    assert eventually(at_desk.is_quiet)
    resting = Resting(frozenset({attempts["a"].lease.execution_id}))
    assert eventually(lambda: resting in still.call(at_desk.manager, "heard"))


def test_it_rests_while_nothing_is_due(at_desk: Desk, clock: ManualClock) -> None:
    at_desk.want(2)
    assert at_desk.claimed == []
    before = at_desk.claimer.process.handled

    at_desk.want(2)
    clock.advance(4.9)
    for _ in range(20):
        # Ahead of the queue, and each of them after at most one other message.
        sys.status(at_desk.claimer)

    assert at_desk.claimer.process.handled - before == 21


def test_a_job_that_nobody_announced_is_found_by_the_next_poll(at_desk: Desk, books: Books, clock: ManualClock) -> None:
    at_desk.want(2)
    assert at_desk.claimed == []
    due(books, clock, 1)

    clock.advance(5)

    assert eventually(lambda: at_desk.claimed == ["00"])


def test_nothing_is_claimed_after_the_stop_and_the_manager_is_told(
    at_desk: Desk, books: Books, clock: ManualClock, still: ThreadRuntime
) -> None:
    due(books, clock, 2)

    at_desk.say(Stop(), Wake())
    clock.advance(5)

    assert at_desk.claimed == []
    assert still.call(at_desk.manager, "heard")[-1] == ClaimsOver()


class DeafDatabase(Database):
    """Does what it is asked, and loses that many answers."""

    lost = 0

    def perform_statement(self, work: Callable[[Connection], T]) -> T:
        result = super().perform_statement(work)
        if self.lost > 0:
            self.lost -= 1
            raise StoreUnavailable("database: the answer was lost")
        return result


@pytest.mark.parametrize("lost", [1, 2])
def test_what_a_claim_without_an_answer_took_arrives_before_the_claims_are_over(
    still: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents, lost: int
) -> None:
    with closing(DeafDatabase(books.url, purpose="deaf", pool_size=1)) as pool:
        desk = Desk(still, pool, books)
        due(books, clock, 2)
        pool.lost = lost
        desk.want(2)
        assert eventually(lambda: bool(events.of("store.unavailable")))

        desk.say(*[Stop()] * lost)

        assert desk.claimed == ["00", "01"]
        heard = still.call(desk.manager, "heard")
        assert [type(message) for message in heard] == [ClaimerReady, Claimed, ClaimsOver]
