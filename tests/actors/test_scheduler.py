"""The Scheduler: every due instant becomes one row, however many look, however long nobody did."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from actors import names, scheduler
from actors.dispatch_messages import CancelJobs
from actors.otp import sys
from actors.otp.gen_server import GenServer
from actors.otp.thread_runtime import ThreadRuntime
from actors.scheduler import Scheduler
from actors.store_writer import StoreWriter, Write
from moomarkets.domain.catch_up import CatchUp, CatchUpPolicy, Overlap
from moomarkets.domain.group import RunKind
from moomarkets.store import runs
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


def scheduled(books: Books, clock: ManualClock, name: str = "group", **given: Any) -> int:
    """A group that is due every hour, accounted for up to now."""
    group_id = books.group(name, **{"schedule": HOURLY, **given})
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


def test_four_schedulers_book_each_instant_once(
    look: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    pools = [Database(books.url, purpose="other", pool_size=1) for _ in range(3)]
    others = [ThreadRuntime(clock, events) for _ in pools]
    for runtime, pool in zip(others, pools, strict=True):
        runtime.start(StoreWriter, pool, name=names.WRITER)
    for number in range(5):
        scheduled(books, clock, name=f"group {number}")
    clock.advance(3600)
    for runtime in (look, *others):
        runtime.start(Scheduler, name=names.SCHEDULER)

    looks = [look.spawn(lambda one=one: scheduler.look(one), "look") for one in (look, *others)]  # type: ignore[misc]
    for one in looks:
        look.wait_for(one, 30)
        one.result()
    for runtime, pool in zip(others, pools, strict=True):
        runtime.close(5)
        pool.close()

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


@pytest.mark.parametrize(
    ("policy", "runs"),
    [(CatchUp(CatchUpPolicy.SKIP), 0), (CatchUp(CatchUpPolicy.LATEST), 1), (CatchUp(CatchUpPolicy.ALL, 7), 7)],
)
def test_three_days_off_bring_as_many_runs_as_the_policy_says_and_a_row_for_each_instant(
    look: ThreadRuntime, books: Books, clock: ManualClock, policy: CatchUp, runs: int
) -> None:
    scheduled(books, clock, catch_up=policy)
    clock.advance(3 * 86400 + 600)

    look.start(Scheduler, name=names.SCHEDULER)
    scheduler.look(look)

    assert books.value("SELECT count(*) FROM runs") == runs
    assert [status for _, status in occurrences(books)] == ["skipped"] * (72 - runs) + ["pending"] * runs


def test_no_number_of_missed_instants_is_too_many(look: ThreadRuntime, books: Books, clock: ManualClock) -> None:
    scheduled(books, clock, schedule={"every_s": 10})
    clock.advance(3 * 86400)

    look.start(Scheduler, name=names.SCHEDULER)
    booked = scheduler.look(look)

    assert booked <= 1
    assert books.value("SELECT count(*) FROM occurrences") == 25_920
    assert books.value("SELECT count(*) FROM runs") == 1


def test_an_instant_is_merged_into_the_scheduled_run_that_waits(
    look: ThreadRuntime, books: Books, clock: ManualClock
) -> None:
    scheduled(books, clock)
    look.start(Scheduler, name=names.SCHEDULER)

    for _ in range(2):
        clock.advance(3600)
        scheduler.look(look)

    assert [status for _, status in occurrences(books)] == ["pending", "merged"]
    assert books.value("SELECT count(*) FROM runs") == 1


def test_a_manual_run_never_swallows_a_scheduled_one(look: ThreadRuntime, books: Books, clock: ManualClock) -> None:
    group_id = scheduled(books, clock)
    books.database.perform(lambda connection: runs.request(connection, group_id, uuid4(), RunKind.MANUAL))
    books.change("UPDATE runs SET status = 'running'")
    look.start(Scheduler, name=names.SCHEDULER)

    clock.advance(3600)
    scheduler.look(look)

    assert books.rows("SELECT kind, status FROM runs ORDER BY id") == [("manual", "running"), ("scheduled", "pending")]


class Recorder(GenServer):
    """Stands where the manager would, and keeps what it is told."""

    def init(self, heard: list[object], is_heard: threading.Event) -> None:
        self._heard, self._is_heard = heard, is_heard

    def handle_cast(self, message: object) -> None:
        self._heard.append(message)
        self._is_heard.set()


def test_the_jobs_of_a_run_that_has_to_give_way_are_stopped(
    look: ThreadRuntime, books: Books, clock: ManualClock
) -> None:
    scheduled(books, clock, overlap=Overlap.CANCEL_RUNNING)
    heard: list[object] = []
    look.start(Recorder, heard, is_heard := threading.Event(), name=names.MANAGER)
    look.start(Scheduler, name=names.SCHEDULER)
    clock.advance(3600)
    scheduler.look(look)
    (run_id,) = books.rows("SELECT id FROM runs")[0]
    books.database.perform(lambda connection: runs.admit(connection, run_id, clock.now()))
    books.change("UPDATE jobs SET status = 'running'")

    clock.advance(3600)
    scheduler.look(look)

    assert is_heard.wait(10)
    assert heard == [CancelJobs(frozenset({books.value("SELECT id FROM jobs")}))]
    assert [status for _, status in occurrences(books)] == ["superseded", "pending"]


def test_nothing_is_booked_while_the_whole_is_paused(look: ThreadRuntime, books: Books, clock: ManualClock) -> None:
    scheduled(books, clock)
    books.change("UPDATE scheduler_settings SET is_enabled = false")
    clock.advance(3 * 3600)
    look.start(Scheduler, name=names.SCHEDULER)
    scheduler.look(look)
    while_paused = occurrences(books)

    books.change("UPDATE scheduler_settings SET is_enabled = true")
    scheduler.look(look)

    assert while_paused == []
    assert [status for _, status in occurrences(books)] == ["skipped", "skipped", "pending"]


class WrongWallClock(ManualClock):
    """Its machine is a day ahead of the database."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=1)

    def sql_now(self) -> datetime | None:
        return super().now()


def test_the_clock_of_the_database_says_what_is_due(books: Books, pool: Database, events: RecordedEvents) -> None:
    clock = WrongWallClock()
    runtime = ThreadRuntime(clock, events)
    runtime.start(StoreWriter, pool, name=names.WRITER)
    scheduled(books, clock)
    books.change("UPDATE schedules SET counted_from = :now", now=clock.sql_now())
    runtime.start(Scheduler, name=names.SCHEDULER)

    early = scheduler.look(runtime)
    clock.advance(3600)
    events.wait_for("occurrence.booked", group="group")
    runtime.close(5)

    assert early == 0
    assert [at for at, _ in occurrences(books)] == [clock.sql_now()]


def test_a_market_schedule_goes_by_the_stored_calendar(look: ThreadRuntime, books: Books, clock: ManualClock) -> None:
    scheduled(books, clock, schedule={"market": "XTKS", "after_close": "16:30"})
    books.change("UPDATE data_sources SET code = 'jquants'")
    books.change(
        "INSERT INTO trading_calendar (user_id, data_source_id, on_date, holiday_division, execution_id, fetched_at)"
        " SELECT 1, id, '2026-11-20', '0', 1, :now FROM data_sources",
        now=clock.now(),
    )
    clock.advance(4.5 * 86400)

    look.start(Scheduler, name=names.SCHEDULER)
    scheduler.look(look)

    assert occurrences(books) == [(datetime(2026, 11, 24, 7, 30, tzinfo=UTC), "pending")]
    assert books.rows("SELECT for_on, due_at FROM runs") == [
        (date(2026, 11, 24), datetime(2026, 11, 24, 7, 30, tzinfo=UTC))
    ]


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
    for _ in range(2):
        scheduler.look(look)

    assert sorted(str(event.fields["group"]) for event in events.of("schedule.invalid")) == [
        f"bad {n}" for n in range(5)
    ]
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
