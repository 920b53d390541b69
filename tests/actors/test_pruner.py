"""The Pruner: round after round over all kinds of old history, in small steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors import names
from actors.otp.thread_runtime import ThreadRuntime
from actors.pruner import SOON_S, Pruner, PruneRules
from moomarkets.domain.submission import Submission
from moomarkets.store.database import Database
from moomarkets.store.enqueue import enqueue_many
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import WORK, Books
from tests.actors.otp.patience import eventually

EVERY_S = 3600.0
Start = Callable[..., Callable[[], bool]]


@pytest.fixture
def start(still: ThreadRuntime, pool: Database, clock: ManualClock) -> Start:
    """Starts the pruner; what it returns says whether a round is over and the next one has its time."""

    def start_one(size: int = 1000, database: Database = pool) -> Callable[[], bool]:
        ref = still.start(Pruner, database, PruneRules(EVERY_S, 30, size), name=names.PRUNER)
        assert ref is not None

        def is_over() -> bool:
            due = ref.process.mailbox.next_due()
            return due is not None and due > clock.monotonic()

        assert eventually(is_over)
        return is_over

    return start_one


def old_jobs(books: Books, clock: ManualClock, count: int) -> None:
    """Jobs that were over long ago."""
    submission = Submission(WORK, [{}] * count)
    books.database.perform(lambda connection: enqueue_many(connection, submission, None))
    books.change(
        "UPDATE jobs SET status = 'cancelled', created_at = CAST(:now AS timestamptz) - interval '40 days',"
        " completed_at = CAST(:now AS timestamptz) - interval '40 days' WHERE status = 'pending'",
        now=clock.now(),
    )


def test_it_prunes_soon_after_its_start_and_then_every_hour(
    start: Start, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    old_jobs(books, clock, 5)
    is_over = start(size=2)

    clock.advance(SOON_S)
    first = events.wait_for("history.pruned")
    assert eventually(is_over)
    old_jobs(books, clock, 1)
    clock.advance(EVERY_S)
    second = events.wait_for("history.pruned", times=2)

    assert (first.fields["jobs"], second.fields["jobs"]) == (5, 1)
    assert books.value("SELECT count(*) FROM jobs") == 0


def test_where_nothing_is_old_nothing_is_told(
    start: Start, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    is_over = start()

    clock.advance(SOON_S)
    assert eventually(is_over)

    assert events.of("history.pruned") == []


def test_a_round_that_the_database_spoils_is_left_to_the_next_one(
    start: Start, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    old_jobs(books, clock, 1)
    away = Database("postgresql://nobody@/nothing?host=/nowhere", purpose="away", pool_size=1)
    is_over = start(database=away)

    clock.advance(SOON_S)
    events.wait_for("store.unavailable")

    assert eventually(is_over)
    assert books.value("SELECT count(*) FROM jobs") == 1
    away.close()
