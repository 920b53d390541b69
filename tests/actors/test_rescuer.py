"""The Rescuer: it takes back what the dead held, by proof, and leaves the living alone."""

from __future__ import annotations

import subprocess
import threading
from sys import executable
from uuid import UUID, uuid4

import pytest

from actors import names
from actors.otp import sys
from actors.otp.thread_runtime import ThreadRuntime
from actors.rescuer import SHOW_EVERY, Rescuer, RescueRules
from actors.store_writer import StoreWriter, Write
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.domain.job import NodeIdentity
from moomarkets.store import nodes
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
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

    watch.start(crash_limit=2)
    watch.look()
    parked = events.wait_for("job.parked")

    assert parked.fields["deaths"] == 2
    assert watch.job()[0] == "failed"
    assert books.value("SELECT reason FROM executions") == "crashed"
    assert books.value("SELECT status FROM runs") == "failed"


def test_after_an_outage_the_living_get_one_lease_of_time_to_renew(
    watch: Watch, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    claimed(books, clock)
    watch.start()
    is_away = threading.Event()
    is_away.set()

    def away(connection: object) -> None:
        if is_away.is_set():
            raise StoreUnavailable("away")

    watch.runtime.cast(names.RESCUE_WRITER, Write(away))
    events.wait_for("store.unavailable")
    clock.advance(EVERY_S)
    assert eventually(lambda: watch.ref.process.mailbox.next_due() is None)
    sys.status(watch.ref)
    events.wait_for("store.unavailable", times=2)
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
