"""The Rescuer: it takes back what the dead held, by proof, and leaves the living alone."""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import Future
from datetime import timedelta
from sys import executable
from uuid import UUID, uuid4

import pytest

from actors import names
from actors.otp import sys
from actors.otp.thread_runtime import ThreadRuntime
from actors.rescuer import SHOW_EVERY, Rescuer, RescueRules, clean_up
from actors.store_writer import StoreWriter, Write
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.domain.job import NodeIdentity
from moomarkets.domain.submission import Submission
from moomarkets.store import nodes
from moomarkets.store.database import Database
from moomarkets.store.enqueue import enqueue_many
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import WORK, Books
from tests.actors.otp.patience import eventually

EVERY_S, LEASE_S = 1.0, 6.0


class Watch:
    """A rescuer that looks when the test says so."""

    def __init__(self, runtime: ThreadRuntime, pool: Database, books: Books, clock: ManualClock) -> None:
        self.runtime, self.books, self.clock = runtime, books, clock
        runtime.start(StoreWriter, pool, name=names.RESCUE_WRITER)

    def start(self, crash_limit: int = 5) -> None:
        """Start it; its first look is at once."""
        rules = RescueRules(self.books.node, EVERY_S, LEASE_S, crash_limit)
        ref = self.runtime.start(Rescuer, rules, name=names.RESCUER)
        assert ref is not None
        self.ref = ref
        assert eventually(self.is_over)

    def look(self, times: int = 1) -> None:
        """Let it look so often."""
        for _ in range(times):
            self.clock.advance(EVERY_S)
            assert eventually(self.is_over)

    def ask_clean_up(self) -> Future[int]:
        """Ask for a clean-up; the answer comes once the test has let it look."""
        answer: Future[int] = Future()
        self.runtime.spawn(lambda: answer.set_result(clean_up(self.runtime)), "asking")
        return answer

    def has_cleaner(self) -> bool:
        """Whether somebody waits for a clean-up that has begun."""
        return bool(self.ref.process.unanswered)

    def is_over(self) -> bool:
        """Whether the look is over: the next one has its time."""
        due = self.ref.process.mailbox.next_due()
        return due is not None and due > self.clock.monotonic()

    def job(self) -> tuple[str, int]:
        """State and deaths of the job."""
        job = self.books.job("a")
        return job["status"], job["crash_count"]


@pytest.fixture
def watch(still: ThreadRuntime, pool: Database, books: Books, clock: ManualClock) -> Watch:
    return Watch(still, pool, books, clock)


def claimed(books: Books, clock: ManualClock, *, node: UUID | None = None, lease_s: float = -1.0) -> None:
    """A job that is running, with a lease that ends so many seconds from now."""
    books.planned_run(["a"])
    books.claim(node_id=node)
    books.change(
        "UPDATE executions SET lease_until = CAST(:now AS timestamptz) + make_interval(secs => :lease_s)",
        now=clock.now(),
        lease_s=lease_s,
    )


def dead_node(books: Books) -> UUID:
    """A node of this machine whose process has ended."""
    process = subprocess.Popen([executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    started = nodes.process_start(process.pid)
    process.communicate()
    node = NodeIdentity(uuid4(), books.node.host, process.pid, books.node.boot_id, started or "", "test")
    books.database.perform(lambda connection: nodes.register(connection, node))
    return node.id


def other_node(books: Books) -> UUID:
    """A node of which nobody can say whether it lives."""
    node = NodeIdentity(uuid4(), "elsewhere", 1, "", "", "test")
    books.database.perform(lambda connection: nodes.register(connection, node))
    return node.id


def test_a_lease_that_is_over_on_two_looks_is_taken_back(
    watch: Watch, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    claimed(books, clock)

    watch.start()
    after_one = watch.job()
    watch.look()

    assert after_one == ("running", 0)
    assert watch.job() == ("pending", 1)
    assert events.of("job.rescued")
    assert books.rows("SELECT status FROM executions") == [("interrupted",)]


def test_a_lease_that_is_renewed_between_two_looks_stays(watch: Watch, books: Books, clock: ManualClock) -> None:
    claimed(books, clock)

    watch.start()
    books.change("UPDATE executions SET lease_until = lease_until + interval '1 hour'")
    watch.look(2)

    assert watch.job() == ("running", 0)


def test_a_living_lease_is_left_alone(watch: Watch, books: Books, clock: ManualClock) -> None:
    claimed(books, clock, lease_s=3600)

    watch.start()
    watch.look(SHOW_EVERY + 1)

    assert watch.job() == ("running", 0)


def test_a_node_that_is_proven_dead_loses_its_leases_at_the_first_look(
    watch: Watch, books: Books, clock: ManualClock
) -> None:
    claimed(books, clock, node=dead_node(books), lease_s=3600)

    watch.start()

    assert watch.job() == ("pending", 1)


def test_a_node_that_dies_later_is_found_within_ten_looks(watch: Watch, books: Books, clock: ManualClock) -> None:
    watch.start()
    claimed(books, clock, node=dead_node(books), lease_s=3600)

    watch.look(SHOW_EVERY)

    assert watch.job() == ("pending", 1)
    assert books.value("SELECT count(*) FROM nodes WHERE stopped_at IS NOT NULL") == 1


def test_a_job_that_killed_too_many_processes_is_parked_and_its_run_ends(
    watch: Watch, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    claimed(books, clock)
    books.change("UPDATE jobs SET crash_count = 1")
    books.change("UPDATE executions SET began_at = started_at")

    watch.start(crash_limit=2)
    watch.look()
    parked = events.wait_for("job.parked")

    assert parked.fields["deaths"] == 2
    assert watch.job()[0] == "failed"
    assert books.value("SELECT reason FROM executions") == "crashed"
    assert books.value("SELECT status FROM runs") == "failed"


def test_a_job_with_a_limit_of_its_own_is_parked_by_that(
    watch: Watch, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    claimed(books, clock)
    books.change("UPDATE jobs SET crash_limit = 1")

    watch.start(crash_limit=5)
    watch.look()

    assert events.wait_for("job.parked").fields["deaths"] == 1


def test_who_asks_for_a_clean_up_learns_how_many_attempts_were_taken_back(
    watch: Watch, books: Books, clock: ManualClock
) -> None:
    watch.start()
    claimed(books, clock)

    asked = watch.ask_clean_up()
    assert eventually(lambda: watch.has_cleaner() and watch.is_over())
    after_one_look = watch.job()
    watch.look()

    assert after_one_look == ("running", 0)
    assert asked.result(30) == 1
    assert watch.job() == ("pending", 1)


def test_a_clean_up_finds_the_dead_at_once_and_takes_nothing_from_the_living(
    watch: Watch, books: Books, clock: ManualClock
) -> None:
    watch.start()
    claimed(books, clock, lease_s=3600)
    books.planned_run(["dead"], "another")
    books.claim(node_id=dead_node(books))

    asked = watch.ask_clean_up()
    assert eventually(lambda: books.job("dead")["status"] == "pending")
    assert eventually(lambda: watch.is_over())
    watch.look()

    assert asked.result(30) == 1
    assert watch.job() == ("running", 0)


def test_a_job_that_was_not_started_by_its_deadline_fails(
    watch: Watch, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    for name, seconds in (("late", -1.0), ("early", 60.0)):
        due_at, deadline_at = clock.now() - timedelta(hours=1), clock.now() + timedelta(seconds=seconds)
        terms = Submission(WORK, [{}], name=name, due_at=due_at, deadline_at=deadline_at)
        books.database.perform(lambda connection, terms=terms: enqueue_many(connection, terms, None, now=terms.due_at))  # type: ignore[misc]

    watch.start()
    watch.look(2)

    assert books.rows("SELECT name, status, last_error FROM jobs ORDER BY name") == [
        ("early", "pending", None),
        ("late", "failed", "timed_out: its deadline passed before it started"),
    ]
    assert [event.fields["job"] for event in events.of("job.expired")] == ["late"]


def test_an_attempt_of_this_node_that_lasts_over_an_hour_is_told_of_once(
    watch: Watch, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    books.planned_run(["long", "short", "anothers"])
    for _ in range(2):
        books.claim(lease_s=36_000)
    books.claim(lease_s=36_000, node_id=other_node(books))
    books.change(
        "UPDATE executions SET lease_until = 'infinity', started_at = CAST(:now AS timestamptz)"
        " - make_interval(secs => CASE WHEN job_id = (SELECT id FROM jobs WHERE key = 'short') THEN 0 ELSE 3601 END)",
        now=clock.now(),
    )

    watch.start()
    watch.look(SHOW_EVERY * 2)

    (warning,) = events.of("job.long_running")
    assert warning.fields["job"] == "long"
    assert warning.fields["seconds"] == 3601


def test_after_an_outage_the_living_get_one_lease_of_time_to_renew(
    watch: Watch, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    claimed(books, clock)
    watch.start()
    is_away, tried = threading.Event(), threading.Semaphore(0)
    is_away.set()

    def away(connection: object) -> None:
        tried.release()
        if is_away.is_set():
            raise StoreUnavailable("away")

    watch.runtime.cast(names.RESCUE_WRITER, Write(away))
    assert tried.acquire(timeout=10)
    clock.advance(EVERY_S)
    assert eventually(lambda: watch.ref.process.mailbox.next_due() is None)
    sys.status(watch.ref)
    assert tried.acquire(timeout=10)
    is_away.clear()
    clock.advance(LEASE_S)
    assert eventually(watch.is_over)
    watch.look(int(LEASE_S / EVERY_S) - 1)
    during = watch.job()
    watch.look(2)

    assert during == ("running", 0)
    assert watch.job() == ("pending", 1)


def test_it_shows_that_its_node_lives(watch: Watch, books: Books) -> None:
    books.change("UPDATE nodes SET seen_at = '2020-01-01Z'")

    watch.start()

    assert books.value("SELECT seen_at > now() - interval '1 minute' FROM nodes")
