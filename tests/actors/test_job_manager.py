"""The JobManager in its tree: it dispatches, answers whatever happens, and settles each attempt once."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import Connection, text

from actors import job_manager, names
from actors.dispatch_messages import RunsChanged, SlotReady
from actors.endurance import Endurance
from actors.job_executor import ExecutorRules
from actors.job_manager import JobManager
from actors.otp.calls import call, cast
from actors.otp.errors import CallFailed, CallNotAllowed
from actors.otp.gen_server import GenServer
from actors.otp.monitor import Monitor
from actors.otp.reasons import SHUTDOWN
from actors.otp.ref import Dest
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import NotFound
from moomarkets.domain.job import Attempt
from moomarkets.engines.thread import ThreadEngine
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.conftest import Open
from tests.actors.otp.patience import eventually


def test_due_jobs_are_run_to_the_end_of_their_run(books: Books, open_house: Open, events: RecordedEvents) -> None:
    run_id = books.planned_run(["a", "b", "c"])

    open_house()
    events.wait_for("job.completed", times=3)

    assert books.rows("SELECT status, completed_jobs, rows_written FROM runs WHERE id = :id", id=run_id) == [
        ("completed", 3, 3)
    ]


def test_a_pending_run_is_started_planned_and_ended(books: Books, open_house: Open, events: RecordedEvents) -> None:
    books.run()

    open_house()
    events.wait_for("job.completed", job_type="plan_group")

    assert books.value("SELECT status FROM runs") == "completed"


def test_what_a_person_asks_for_is_answered_once_it_is_durable(books: Books, open_house: Open) -> None:
    house = open_house()

    def work(connection: Connection) -> int:
        return int(connection.execute(text("UPDATE users SET name = 'me' RETURNING id")).scalar_one())

    answer = job_manager.perform(house.runtime, work)

    assert answer == 1
    assert books.value("SELECT name FROM users") == "me"


def test_what_is_refused_is_told_to_whoever_asked_and_harms_nobody(books: Books, open_house: Open) -> None:
    house = open_house()

    def refuse(connection: Connection) -> None:
        raise NotFound("group", "x")

    with pytest.raises(NotFound):
        job_manager.perform(house.runtime, refuse)

    assert eventually(lambda: house.status()["unacknowledged"] == 0)


def test_the_status_is_told_while_the_database_is_stuck_and_all_executors_are_busy(
    books: Books, open_house: Open
) -> None:
    books.planned_run(["a", "b"])
    release = threading.Event()
    house = open_house(lambda attempt, token: release.wait(10))
    assert eventually(lambda: len(house.status()["running"]) == 2)

    def stuck(connection: Connection) -> None:
        release.wait(10)

    for name in (names.WRITER, names.LEASES, names.RESCUE_WRITER):
        house.runtime.cast(name, job_manager.Write(stuck))
    took_s = []
    for _ in range(20):
        began = time.monotonic()
        house.status()
        took_s.append(time.monotonic() - began)
    release.set()

    assert sorted(took_s)[10] < 0.1


def test_a_call_inside_of_the_manager_is_refused(runtime: ThreadRuntime) -> None:
    class Calling(JobManager):
        def handle_call(self, message: object) -> object:
            return call(names.WRITER, message)

    manager = runtime.start(Calling, 60.0, 6.0, name=names.MANAGER)
    runtime.start(GenServer, name=names.WRITER)
    assert manager is not None

    with pytest.raises(CallFailed) as failure:
        runtime.call(manager, "anything")

    assert isinstance(failure.value.reason, CallNotAllowed)


def test_an_executor_that_dies_has_its_attempt_settled_once_and_the_job_runs_again(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    """O03."""
    books.planned_run(["a"])
    started, release = threading.Semaphore(0), threading.Event()

    def code(attempt: Attempt, token: CancelToken) -> None:
        started.release()
        release.wait(10)

    house = open_house(code)
    assert started.acquire(timeout=5)
    slot = house.status()["running"][0]["executor"]
    house.runtime.kill(names.executor(slot))
    assert started.acquire(timeout=5)
    release.set()
    events.wait_for("job.completed", job="a")

    assert [event.fields["reason"] for event in events.of("job.put_back")] == ["interrupted"]
    assert books.rows("SELECT status, attempt FROM executions ORDER BY id") == [("interrupted", 1), ("completed", 1)]
    assert books.job("a")["crash_count"] == 0


def test_a_manager_that_dies_loses_no_job(books: Books, open_house: Open, events: RecordedEvents) -> None:
    books.planned_run(["a"])
    started, release = threading.Semaphore(0), threading.Event()

    def code(attempt: Attempt, token: CancelToken) -> None:
        started.release()
        release.wait(10)

    house = open_house(code)
    assert started.acquire(timeout=5)
    house.runtime.kill(names.MANAGER)
    books.change("UPDATE executions SET lease_until = now() - interval '1 second'")
    assert started.acquire(timeout=10)
    release.set()
    events.wait_for("job.completed", job="a")

    assert books.rows("SELECT status FROM executions ORDER BY id") == [("interrupted",), ("completed",)]


def test_a_writer_that_dies_takes_along_whoever_waits_for_it(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    house = open_house()
    manager = house.runtime.whereis(names.MANAGER)

    house.runtime.kill(names.WRITER)
    assert eventually(lambda: house.runtime.whereis(names.CLAIMER) and house.runtime.whereis(names.MANAGER) != manager)
    books.planned_run(["a"])
    house.runtime.cast(names.CLAIMER, job_manager.claimer.Wake())
    events.wait_for("job.completed", job="a")


def test_attempts_that_may_last_long_are_claimed_only_for_executors_that_are_idle(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run([str(number) for number in range(60)])
    release = threading.Event()

    house = open_house(lambda attempt, token: release.wait(20))
    assert eventually(lambda: len(house.status()["running"]) == 2)
    house.runtime.cast(names.CLAIMER, job_manager.claimer.Wake())
    claimer = house.runtime.whereis(names.CLAIMER)
    assert claimer is not None
    assert eventually(lambda: claimer.process.info().queue == 0)
    claimed = books.value("SELECT count(*) FROM executions")
    release.set()
    events.wait_for("job.completed", times=60)

    assert claimed == 2


def test_a_cancelled_run_ends_with_what_runs_in_it(books: Books, open_house: Open, events: RecordedEvents) -> None:
    from moomarkets.store import runs

    run_id = books.planned_run(["a", "b", "c"])
    house = open_house(lambda attempt, token: token.sleep(20))
    assert eventually(lambda: len(house.status()["running"]) == 2)

    job_manager.perform(house.runtime, lambda connection: runs.cancel(connection, run_id), cancels=True)
    events.wait_for("job.failed", times=2, reason="cancelled")

    assert eventually(lambda: books.value("SELECT status FROM runs") == "cancelled")
    assert books.value("SELECT count(*) FROM jobs WHERE status = 'cancelled'") == 3


def test_a_drain_lets_what_runs_finish_and_leaves_the_rest(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a", "b", "c", "d"])
    release = threading.Event()
    house = open_house(lambda attempt, token: release.wait(10))
    assert eventually(lambda: len(house.status()["running"]) == 2)

    drained = house.runtime.spawn(lambda: job_manager.drain(house.runtime, 10), "drain")
    assert eventually(lambda: house.status()["is_draining"])
    release.set()
    house.runtime.wait_for(drained, 10)
    drained.result()

    assert books.rows("SELECT status, count(*) FROM jobs GROUP BY 1 ORDER BY 1") == [("completed", 2), ("pending", 2)]
    assert books.value("SELECT count(*) FROM executions") == 2


def test_interrupted_attempts_are_given_back_uncharged(books: Books, open_house: Open) -> None:
    books.planned_run(["a", "b"])
    house = open_house(lambda attempt, token: token.sleep(20))
    assert eventually(lambda: len(house.status()["running"]) == 2)

    drained = house.runtime.spawn(lambda: job_manager.drain(house.runtime, 10), "drain")
    assert eventually(lambda: house.status()["is_draining"])
    job_manager.interrupt(house.runtime)
    house.runtime.wait_for(drained, 10)
    drained.result()

    assert books.rows("SELECT status, attempts, retry_count FROM jobs") == [("pending", 0, 0)] * 2


QUICK = ExecutorRules(lease_s=0.6, deadline_s=0.05, grace_s=0.05)


def test_above_the_limit_of_abandoned_threads_nothing_is_claimed_until_enough_have_come_back(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    """O02."""
    books.planned_run(["a", "b", "c"], max_retries=0)
    release = threading.Event()
    house = open_house(
        lambda attempt, token: attempt.key == "c" or release.wait(20),
        executors=1,
        executor=QUICK,
        endurance=Endurance(abandoned_limit=1),
    )
    events.wait_for("engine.exhausted", abandoned=2, limit=1)
    events.wait_for("job.failed", times=2)
    status = house.status()
    assert eventually(lambda: books.job("c")["status"] == "pending")
    waiting = books.job("c")
    release.set()
    events.wait_for("job.completed", job="c")

    assert (status["abandoned"], status["abandoned_limit"], status["is_degraded"]) == (2, 1, True)
    assert (waiting["status"], waiting["attempts"], waiting["retry_count"]) == ("pending", 0, 0)
    assert books.value("SELECT count(*) FROM executions WHERE reason = 'interrupted'") <= 1  # claimed in advance
    assert len(events.of("engine.exhausted")) == len(events.of("engine.recovered")) == 1
    assert not house.status()["is_degraded"]


def test_what_hangs_is_counted_with_every_beat_and_whenever_something_happens(
    still: ThreadRuntime, clock: ManualClock, events: RecordedEvents
) -> None:
    engine, release, began = ThreadEngine(still.spawn), threading.Event(), threading.Semaphore(0)
    manager = still.start(JobManager, 60.0, 6.0, engine, Endurance(abandoned_limit=1), name=names.MANAGER)

    def hang(token: CancelToken) -> None:
        began.release()
        release.wait(20)

    for _ in range(2):
        started = engine.start(hang, CancelToken(), lambda outcome: None, "job")
        assert began.acquire(timeout=5)
        started.abandon()
    assert manager is not None
    clock.advance(2)
    events.wait_for("engine.exhausted", abandoned=2)
    release.set()
    assert eventually(lambda: engine.abandoned == 0)
    still.cast(names.MANAGER, RunsChanged())
    events.wait_for("engine.recovered", abandoned=0)

    assert not job_manager.status(still)["is_degraded"]
    engine.close()


def test_a_node_in_which_too_many_jobs_hang_for_too_long_drains_and_ends_its_tree(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    """O02."""
    books.planned_run(["a", "b", "c"], max_retries=0)
    release = threading.Event()
    endurance = Endurance(abandoned_limit=1, patience_s=0.1)
    house = open_house(lambda attempt, token: release.wait(20), executors=1, executor=QUICK, endurance=endurance)

    assert house.runtime.wait_for(house.root.process.exited, 10)
    release.set()

    assert house.root.exit_reason == SHUTDOWN
    assert [event.fields["abandoned"] for event in events.of("node.gave_up", limit=1)] == [2]
    assert events.of("supervisor.finished", child="root/fuse")
    assert [books.job(key)["status"] for key in "abc"] == ["failed", "failed", "pending"]


def test_a_node_in_which_far_too_many_jobs_hang_does_not_wait_for_their_return(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    """O02."""
    books.planned_run(["a", "b", "c", "d"], max_retries=0)
    release = threading.Event()
    endurance = Endurance(abandoned_limit=1, patience_s=3600)
    house = open_house(lambda attempt, token: release.wait(20), executors=4, executor=QUICK, endurance=endurance)

    assert house.runtime.wait_for(house.root.process.exited, 10)
    release.set()

    assert len(events.of("node.gave_up", limit=1)) == 1
    assert books.value("SELECT count(*) FROM executions WHERE status = 'running'") == 0


class Announcer(GenServer):
    """Says that it is there, as an executor does."""

    def init(self) -> None:
        cast(names.MANAGER, SlotReady("x0"))


class Preempted(JobManager):
    """Before it can watch the first executor, that one is gone and another one has its name."""

    def monitor(self, dest: Dest) -> Monitor:
        if not self._monitors:
            self.runtime.kill(dest)
            start = self.runtime.spawn(lambda: self.runtime.start(Announcer, name=names.executor("x0")), "next")
            self.runtime.wait_for(start, 5)
        return super().monitor(dest)


def test_the_late_news_of_an_executors_end_does_not_hide_the_next_one() -> None:
    runtime = ThreadRuntime()
    runtime.start(Preempted, 60.0, 60.0, name=names.MANAGER)

    runtime.start(Announcer, name=names.executor("x0"))

    assert eventually(lambda: job_manager.status(runtime)["executors"] == 1)
    # By then the news of the first one's end waits in the queue, ahead of this question.
    assert job_manager.status(runtime)["executors"] == 1
    assert runtime.close(5) == []
