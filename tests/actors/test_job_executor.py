"""The JobExecutor: whatever job code does is an attempt that ends, and the slot is free again."""

from __future__ import annotations

import asyncio
import queue
import threading
from functools import partial
from uuid import UUID

from sqlalchemy import Connection, text

from actors import names
from actors.job_executor import Cancel, Execute, ExecutorRules
from actors.rescuer import RescueRules
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Cancelled, Fenced, Reason
from moomarkets.domain.job import Attempt, Ending, Succeeded, Usage
from moomarkets.store import executions, runs
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.conftest import Open
from tests.actors.otp.patience import eventually

RAISED = [
    ValueError("no"),
    SystemExit(3),
    KeyboardInterrupt(),
    MemoryError(),
    RecursionError(),
    GeneratorExit(),
    asyncio.CancelledError(),
]


def test_whatever_job_code_raises_is_a_failed_attempt_and_nothing_else(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    """O12."""
    errors = {type(error).__name__: error for error in RAISED}
    books.planned_run([*errors, "good"])

    def code(attempt: Attempt, token: CancelToken) -> None:
        print('{"event": "ready"}\x00', flush=True)
        if attempt.key in errors:
            raise errors[attempt.key]

    open_house(code)
    events.wait_for("job.failed", times=len(errors))
    events.wait_for("job.completed", job="good")

    failed = {event.fields["job"]: str(event.fields["error"]) for event in events.of("job.failed")}
    assert all(name in failed[name] for name in errors)
    assert events.of("server.crashed") == []


def test_an_error_text_that_the_database_would_refuse_does_not_keep_the_attempt_from_ending(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a"])

    def code(attempt: Attempt, token: CancelToken) -> None:
        raise ValueError("\x00 \ud800")

    open_house(code)
    events.wait_for("job.failed", job="a")

    assert eventually(lambda: books.job("a")["status"] == "failed")
    assert events.of("store.refused") == []


def test_job_code_that_hangs_is_abandoned_after_its_deadline_and_the_slot_works_on(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["hangs", "works"], max_retries=0)
    release = threading.Event()

    def code(attempt: Attempt, token: CancelToken) -> None:
        if attempt.key == "hangs":
            release.wait(20)

    house = open_house(code, executors=1, executor=ExecutorRules(lease_s=6, deadline_s=0.05, grace_s=0.05))
    events.wait_for("job.abandoned", job="hangs")
    failed = events.wait_for("job.failed", job="hangs")
    events.wait_for("job.completed", job="works")
    hanging = house.engine.abandoned
    release.set()

    assert failed.fields["reason"] == Reason.TIMED_OUT
    assert hanging == 1
    assert eventually(lambda: books.value("SELECT status FROM runs") == "failed")


def test_a_late_result_of_an_abandoned_attempt_is_dropped(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a"], max_retries=0)
    release = threading.Event()
    house = open_house(
        lambda attempt, token: release.wait(20), executor=ExecutorRules(lease_s=6, deadline_s=0.05, grace_s=0.05)
    )
    events.wait_for("job.abandoned")

    release.set()
    assert eventually(lambda: house.engine.abandoned == 0)

    assert eventually(lambda: books.job("a")["status"] == "failed")
    assert events.of("job.completed") == []


def test_a_job_that_ignores_its_cancel_is_tried_again_in_its_slot_and_its_late_result_is_fenced_in_the_store(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    """O01."""
    books.planned_run(["a"], max_retries=1)
    release, late = threading.Event(), queue.SimpleQueue[Fenced]()

    def perform(attempt: Attempt, completion_id: UUID, token: CancelToken) -> Ending:
        if attempt.number == 1:
            release.wait(20)
        complete = partial(executions.complete, attempt=attempt, completion_id=completion_id, write=store_nothing)
        try:
            return Succeeded(run_ended=books.database.perform(lambda connection: complete(connection, usage=Usage())))
        except Fenced as error:
            late.put(error)
            raise

    open_house(perform=perform, executors=1, executor=ExecutorRules(lease_s=6, deadline_s=0.05, grace_s=0.05))
    put_back = events.wait_for("job.put_back")
    events.wait_for("job.completed", job="a")
    release.set()
    late.get(timeout=10)

    assert put_back.fields["reason"] == Reason.TIMED_OUT
    ended = books.rows("SELECT status, reason, attempt FROM executions ORDER BY id")
    assert ended == [("failed", "timed_out", 1), ("completed", None, 2)]
    assert len(events.of("job.completed")) == len(events.of("job.abandoned")) == 1


def test_an_executor_that_crashes_under_a_job_is_restarted_and_the_attempt_ends_once_and_is_tried_again(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    """O03."""
    books.planned_run(["a"])
    started, tokens = threading.Semaphore(0), list[CancelToken]()

    def code(attempt: Attempt, token: CancelToken) -> None:
        tokens.append(token)
        started.release()
        if len(tokens) == 1:
            token.sleep(20)

    house = open_house(code, executors=1)
    assert started.acquire(timeout=5)
    before = house.runtime.whereis(names.executor("x0"))
    house.runtime.cast(names.executor("x0"), Execute(None))  # type: ignore[arg-type]  # which nothing can be done with
    events.wait_for("job.completed", job="a")

    assert house.runtime.whereis(names.executor("x0")) not in (None, before)
    assert tokens[0].reason is Reason.INTERRUPTED
    assert [event.fields["reason"] for event in events.of("job.put_back")] == [Reason.INTERRUPTED]
    assert books.rows("SELECT status, attempt FROM executions ORDER BY id") == [("interrupted", 1), ("completed", 1)]


def store_nothing(connection: Connection) -> None: ...


def test_a_cancel_that_job_code_heeds_ends_the_attempt_at_once(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a"])
    house = open_house(lambda attempt, token: token.sleep(20))
    assert eventually(lambda: house.status()["running"])
    slot, execution = house.status()["running"][0]["executor"], books.value("SELECT id FROM executions")

    house.runtime.cast(names.executor(slot), Cancel(execution, Reason.CANCELLED))
    events.wait_for("job.failed", job="a", reason="cancelled")

    assert events.of("job.abandoned") == []


def test_an_attempt_that_was_cancelled_failed_for_that_reason_whatever_it_says(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a"], max_retries=0)

    def code(attempt: Attempt, token: CancelToken) -> None:
        try:
            token.sleep(20)
        except Cancelled:
            raise ValueError("broken off") from None

    open_house(code, executor=ExecutorRules(lease_s=6, deadline_s=0.05))
    failed = events.wait_for("job.failed", job="a")

    assert failed.fields["reason"] == Reason.TIMED_OUT
    assert "broken off" in str(failed.fields["error"])


def test_a_cancel_meant_for_an_earlier_attempt_does_nothing(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a"])
    release = threading.Event()
    house = open_house(lambda attempt, token: release.wait(10))
    assert eventually(lambda: house.status()["running"])
    slot = house.status()["running"][0]["executor"]

    house.runtime.cast(names.executor(slot), Cancel(-1, Reason.CANCELLED))
    release.set()

    events.wait_for("job.completed", job="a")


def test_the_lease_of_a_running_attempt_is_renewed(books: Books, open_house: Open) -> None:
    books.planned_run(["a"])
    open_house(lambda attempt, token: token.sleep(20), executor=ExecutorRules(lease_s=0.3))
    assert eventually(lambda: books.rows("SELECT 1 FROM executions"))
    books.change("UPDATE executions SET lease_until = started_at")

    renewed = "SELECT count(*) FROM executions WHERE lease_until > started_at AND status = 'running'"

    assert eventually(lambda: books.value(renewed) == 1)


def test_an_attempt_whose_lease_went_to_somebody_else_is_stopped_and_recorded_nowhere(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a"])
    stopped = threading.Event()

    def code(attempt: Attempt, token: CancelToken) -> None:
        token.on_cancel(stopped.set)
        token.sleep(20)

    open_house(code, executor=ExecutorRules(lease_s=0.3))
    assert eventually(lambda: books.rows("SELECT 1 FROM executions"))
    books.change("UPDATE executions SET lease_token = lease_token + 1")

    assert stopped.wait(5)
    events.wait_for("job.fenced")
    assert books.rows("SELECT status, reason FROM executions") == [("running", None)]


def test_executors_use_the_engines_threads_again(books: Books, open_house: Open, events: RecordedEvents) -> None:
    books.planned_run([str(number) for number in range(20)])
    seen = set()

    open_house(lambda attempt, token: seen.add(threading.current_thread().name))
    events.wait_for("job.completed", times=20)

    assert len(seen) <= 4


def test_an_attempt_stops_when_its_run_is_cancelled_on_another_node(books: Books, open_house: Open) -> None:
    run_id = books.planned_run(["a"])
    began = threading.Event()

    def work_until_told(attempt: Attempt, token: CancelToken) -> None:
        began.set()
        token.sleep(30)

    open_house(work_until_told, executor=ExecutorRules(lease_s=0.6))
    assert began.wait(10)

    books.database.perform(lambda connection: runs.cancel(connection, run_id))

    status = "SELECT status FROM runs WHERE id = :id"
    assert eventually(lambda: books.value(status, id=run_id) == "cancelled")
    assert books.job("a")["status"] == "cancelled"


def test_while_the_store_does_not_answer_one_renewal_waits_and_no_more(books: Books, open_house: Open) -> None:
    books.planned_run(["a"])
    house = open_house(
        lambda attempt, token: token.sleep(20),
        executor=ExecutorRules(lease_s=0.15),
        rescue=RescueRules(books.node, every_s=60, lease_s=6, crash_limit=5),
    )
    assert eventually(lambda: house.status()["running"])
    manager, leases = house.runtime.whereis(names.MANAGER), house.runtime.whereis(names.LEASES)
    assert manager is not None
    assert leases is not None

    with books.database.transaction() as holding:
        holding.execute(text("SELECT 1 FROM executions FOR UPDATE"))
        beats = manager.process.handled
        assert eventually(lambda: manager.process.handled >= beats + 10)
        assert leases.process.info().queue <= 1


def test_what_a_job_has_run_at_its_cancel_may_raise_without_harm(
    books: Books, open_house: Open, events: RecordedEvents
) -> None:
    books.planned_run(["a"], max_retries=0)
    started = threading.Event()

    def code(attempt: Attempt, token: CancelToken) -> None:
        token.on_cancel(lambda: [][0])
        started.set()
        token.sleep(20)

    house = open_house(code, executors=1)
    started.wait(5)
    house.runtime.kill(names.executor("x0"))

    assert eventually(lambda: house.status()["executors"] == 1)
    assert events.of("hook.failed") == []
