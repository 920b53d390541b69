"""The Scheduler: every due instant becomes one row, however many look, however long nobody did."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from actors import names, scheduler
from actors.otp import sys
from actors.otp.thread_runtime import ThreadRuntime
from actors.scheduler import Scheduler
from actors.store_writer import StoreWriter, Write
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books

HOURLY: dict[str, object] = {"cron": "0 * * * *"}
UNREADABLE = ('{"cron": "0 0 * * *", "timezone": "Gone/Away"}', '{"cron": "nonsense"}', '{"every_s": -1}', "[1]", "{}")


@pytest.fixture
def look(still: ThreadRuntime, pool: Database, books: Books) -> ThreadRuntime:
    """A runtime with a scheduler and its writer, on a clock that only the test moves."""
    still.start(StoreWriter, pool, name=names.WRITER)
    return still


def scheduled(books: Books, clock: ManualClock, spec: dict[str, object] = HOURLY, name: str = "group") -> int:
    """A group with a schedule that is accounted for up to now."""
    group_id = books.group(name, schedule=spec)
    books.change("UPDATE schedules SET counted_from = :now", now=clock.now())
    return group_id


def occurrences(books: Books) -> list[tuple[datetime, str]]:
    return [(row[0], row[1]) for row in books.rows("SELECT due_at, status FROM occurrences ORDER BY due_at")]


def test_nothing_is_booked_before_it_is_due(look: ThreadRuntime, books: Books, clock: ManualClock) -> None:
    scheduled(books, clock)

    look.start(Scheduler, name=names.SCHEDULER)

    assert scheduler.look(look) == 0
    assert occurrences(books) == []
    assert books.value("SELECT next_run_at FROM job_groups") == clock.now() + timedelta(hours=1)


def test_a_due_instant_is_booked_by_the_clock_with_its_run(
    look: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    scheduled(books, clock)
    look.start(Scheduler, name=names.SCHEDULER)
    scheduler.look(look)

    clock.advance(3600)
    events.wait_for("occurrence.booked", group="group")

    assert occurrences(books) == [(datetime(2026, 11, 20, 1, tzinfo=UTC), "pending")]
    assert books.rows("SELECT kind, status FROM runs") == [("scheduled", "pending")]


def test_two_schedulers_book_each_instant_once(
    look: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    other_pool, other = Database(books.url, purpose="other"), ThreadRuntime(clock, events)
    other.start(StoreWriter, other_pool, name=names.WRITER)
    for number in range(5):
        scheduled(books, clock, name=f"group {number}")
    clock.advance(3600)
    for runtime in (look, other):
        runtime.start(Scheduler, name=names.SCHEDULER)

    looks = [look.spawn(lambda one=one: scheduler.look(one), "look") for one in (look, other)]  # type: ignore[misc]
    for one in looks:
        look.wait_for(one, 10)
        one.result()
    other.close(5)
    other_pool.close()

    assert len(occurrences(books)) == books.value("SELECT count(*) FROM runs") == 5


def test_what_was_missed_is_caught_up_by_one_run_and_the_rest_is_on_record(
    look: ThreadRuntime, books: Books, clock: ManualClock
) -> None:
    scheduled(books, clock)
    clock.advance(5 * 3600)

    look.start(Scheduler, name=names.SCHEDULER)
    booked = scheduler.look(look)

    assert booked <= 1
    assert [status for _, status in occurrences(books)] == ["skipped"] * 4 + ["pending"]
    assert books.value("SELECT count(*) FROM runs") == 1


def test_an_instant_during_a_run_of_the_group_is_merged_into_it(
    look: ThreadRuntime, books: Books, clock: ManualClock
) -> None:
    scheduled(books, clock)
    look.start(Scheduler, name=names.SCHEDULER)

    for _ in range(2):
        clock.advance(3600)
        scheduler.look(look)

    assert [status for _, status in occurrences(books)] == ["pending", "merged"]
    assert books.value("SELECT count(*) FROM runs") == 1


def test_schedules_that_cannot_be_read_rest_alone(
    look: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    scheduled(books, clock, name="good")
    for number, spec in enumerate(UNREADABLE):
        scheduled(books, clock, name=f"bad {number}")
        books.change(
            "UPDATE schedules SET spec = CAST(:spec AS jsonb)"
            " WHERE job_group_id = (SELECT id FROM job_groups WHERE name = :name)",
            spec=spec,
            name=f"bad {number}",
        )
    clock.advance(3600)

    look.start(Scheduler, name=names.SCHEDULER)
    scheduler.look(look)

    assert {event.fields["group"] for event in events.of("schedule.invalid")} == {f"bad {n}" for n in range(5)}
    assert books.rows("SELECT name FROM runs JOIN job_groups ON job_groups.id = job_group_id") == [("good",)]


def test_a_schedule_that_counts_from_an_impossible_time_rests_alone(
    look: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    scheduled(books, clock, name="bad")
    books.change("UPDATE schedules SET counted_from = '1900-01-01Z'")

    look.start(Scheduler, name=names.SCHEDULER)
    scheduler.look(look)

    assert events.of("schedule.invalid", group="bad")
    assert events.of("server.crashed") == []


def test_a_schedule_made_while_the_others_are_being_read_is_seen_at_once(
    look: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    look.start(Scheduler, name=names.SCHEDULER)
    scheduler.look(look)
    before, during, release = threading.Event(), threading.Event(), threading.Event()
    look.cast(names.WRITER, Write(lambda connection: before.wait(10)))
    look.cast(names.SCHEDULER, scheduler.Look())
    sys.status(look.named(names.SCHEDULER))
    look.cast(names.WRITER, Write(lambda connection: (during.set(), release.wait(10))))
    before.set()
    assert during.wait(5)

    scheduled(books, clock)
    books.change("UPDATE schedules SET counted_from = :past", past=clock.now() - timedelta(hours=1))
    look.cast(names.SCHEDULER, scheduler.Look())
    sys.status(look.named(names.SCHEDULER))
    release.set()

    events.wait_for("occurrence.booked", group="group")
