from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, text

import moomarkets
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.submission import Submission
from moomarkets.store import nodes
from moomarkets.store.database import libpq_url
from moomarkets.store.enqueue import enqueue, enqueue_many
from moomarkets.store.notify import CHANNEL
from tests.moomarkets.store.scene import START, Scene, after, wait_until_blocked

THREADS = 16


def end(scene: Scene, job_id: int) -> None:
    """Let the job be over."""
    scene.execute("UPDATE jobs SET status = 'cancelled' WHERE id = :id", id=job_id)


def test_jobs_are_stored_in_their_order_with_their_terms(scene: Scene) -> None:
    terms = Submission("fetch", [{"n": 1}, {"n": 2}], (), "both", 9, after(60), after(90), 30, 1, 2)

    ids = scene.do(enqueue_many, terms, "key", now=START)

    first, second = (scene.one("SELECT * FROM jobs WHERE id = :id", id=job_id) for job_id in ids)
    assert (first.parameters, second.parameters) == ({"n": 1}, {"n": 2})
    assert (first.name, first.priority, first.due_at, first.deadline_at) == ("both", 9, after(60), after(90))
    assert (first.timeout_s, first.max_retries, first.retry_delay, first.status) == (30, 1, 2, "pending")


def test_a_job_that_says_nothing_else_is_tried_three_times_again_from_one_second_on(scene: Scene) -> None:
    job_id = scene.do(enqueue, "summarize")

    job = scene.one("SELECT *, due_at <= clock_timestamp() AS is_due FROM jobs WHERE id = :id", id=job_id)
    assert (job.max_retries, job.retry_delay, job.priority, job.name, job.is_due) == (3, 1, 7, "summarize", True)


def test_jobs_that_are_stored_again_after_a_lost_answer_are_found(scene: Scene) -> None:
    submission = Submission("fetch", [{}, {}, {}])
    stored = scene.do(enqueue_many, submission, "key")
    end(scene, stored[0])

    again = scene.do(enqueue_many, submission, "key")

    assert again == stored
    assert scene.one("SELECT array_agg(status ORDER BY id) FROM jobs")[0] == ["cancelled", "pending", "pending"]


def test_a_deadline_that_has_passed_is_refused_unless_the_jobs_were_stored_in_time(scene: Scene) -> None:
    submission = Submission("fetch", [{}], deadline_at=after(60))
    stored = scene.do(enqueue_many, submission, "key", now=START)

    for key in ("other", None):
        with pytest.raises(InvalidInput, match="deadline_at: expected an instant that is still to come"):
            scene.do(enqueue_many, submission, key, now=after(60))

    assert scene.do(enqueue_many, submission, "key", now=after(60)) == stored


@pytest.mark.parametrize("key", ["", "x" * 191, "nul\0"])
def test_a_key_that_cannot_be_kept_is_refused(scene: Scene, key: str) -> None:
    with pytest.raises(InvalidInput, match="key: expected"):
        scene.do(enqueue_many, Submission("fetch", [{}]), key)


def test_a_unique_key_has_one_job_until_that_is_over(scene: Scene) -> None:
    first = scene.do(enqueue, "fetch", unique_key="7203")
    while_pending = scene.do(enqueue, "fetch", unique_key="7203")
    scene.execute("UPDATE jobs SET status = 'paused' WHERE id = :id", id=first)
    while_paused = scene.do(enqueue, "fetch", unique_key="7203")
    other_type = scene.do(enqueue, "other", unique_key="7203")
    end(scene, first)

    assert while_pending == while_paused == first
    assert len({first, other_type, scene.do(enqueue, "fetch", unique_key="7203")}) == 3


def test_unique_jobs_in_one_batch_share_their_jobs_and_are_found_again(scene: Scene) -> None:
    held = scene.do(enqueue, "fetch", unique_key="held")
    submission = Submission("fetch", [{}] * 4, ("a", "held", "a", "b"))

    ids = scene.do(enqueue_many, submission, "key")
    end(scene, ids[0])
    again = scene.do(enqueue_many, submission, "key")

    assert ids == again
    assert ids[1] == held
    assert ids[0] == ids[2] != ids[3]
    assert scene.one("SELECT count(*) FROM jobs")[0] == 3


def test_of_many_who_store_a_unique_job_at_once_one_does(scene: Scene) -> None:
    barrier = Barrier(THREADS)
    scene.execute("SELECT 1")

    def store(number: int) -> int:
        barrier.wait(30)
        return scene.database.perform_statement(
            lambda connection: enqueue(connection, "fetch", {"by": number}, key=str(number), unique_key="one")
        )

    with ThreadPoolExecutor(THREADS) as pool:
        ids = list(pool.map(store, range(THREADS)))

    assert len(set(ids)) == 1
    assert scene.one("SELECT count(*) FROM jobs")[0] == 1


def test_who_meets_a_unique_job_that_is_not_committed_waits_and_gets_its_id(scene: Scene) -> None:
    with ThreadPoolExecutor(1) as pool:
        with scene.database.transaction() as connection:
            first = enqueue(connection, "fetch", unique_key="one")
            second = pool.submit(scene.do, enqueue, "fetch", unique_key="one")
            wait_until_blocked(scene.database)

        assert second.result(30) == first


def test_a_job_queued_in_the_callers_transaction_is_there_with_it_or_not_at_all(
    scene: Scene, database_url: str
) -> None:
    def store_and_fail(connection: Connection) -> None:
        moomarkets.enqueue(connection, "fetch", {"order": 1})
        raise LookupError

    with psycopg.connect(libpq_url(database_url), autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        with pytest.raises(LookupError):
            scene.do(store_and_fail)
        after_rollback = scene.one("SELECT count(*) FROM jobs")[0]
        with scene.database.transaction() as connection:
            moomarkets.enqueue(connection, "fetch", {"order": 2})
            before_commit = list(listener.notifies(timeout=0))

        heard = next(listener.notifies(timeout=30, stop_after=1))

    assert (after_rollback, before_commit, heard.payload) == (0, [], "jobs")
    assert scene.one("SELECT parameters FROM jobs")[0] == {"order": 2}


def test_a_job_type_that_no_node_knows_is_refused_in_the_callers_transaction_too(scene: Scene) -> None:
    scene.do(nodes.learn, scene.node.id, ["fetch", "summarize"])

    with pytest.raises(InvalidInput, match=r"job_type: expected one of fetch, summarize \(did you mean summarize"):
        scene.do(moomarkets.enqueue, "sumarize")

    assert scene.do(moomarkets.enqueue, "summarize") > 0


def test_nothing_is_stored_of_a_batch_with_one_job_that_is_refused(scene: Scene) -> None:
    with pytest.raises(InvalidInput, match="parameters"):
        scene.do(enqueue_many, Submission("fetch", [{}, {"rate": float("nan")}]), "key")

    assert scene.one("SELECT count(*) FROM jobs")[0] == 0


def test_no_jobs_are_no_work(scene: Scene) -> None:
    assert scene.do(enqueue_many, Submission("fetch", []), "key") == []


def test_a_job_that_is_due_later_is_claimed_then_and_not_before(scene: Scene) -> None:
    scene.do(enqueue_many, Submission("fetch", [{}], due_at=after(5)), str(uuid4()))

    assert scene.claim(now=START) == []
    assert len(scene.claim(now=after(5))) == 1


def test_text_of_any_script_and_all_quotes_arrives_as_it_was(scene: Scene) -> None:
    given = {"text": 'it\'s "7203" \\ {トヨタ} 🐄'}

    job_id = scene.do(enqueue, "fetch", given, unique_key="トヨタ, {7203}", name="トヨタ's")

    found = scene.one("SELECT parameters, unique_key, name FROM jobs WHERE id = :id", id=job_id)
    assert tuple(found) == (given, "トヨタ, {7203}", "トヨタ's")


def test_the_unique_key_of_a_batch_is_looked_up_by_its_index(scene: Scene) -> None:
    with scene.database.transaction() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(
            text("EXPLAIN SELECT id FROM jobs WHERE job_type = 'fetch' AND unique_key = 'a'"
                 " AND status IN ('pending', 'running', 'paused')")
        )  # fmt: skip

        assert "jobs_unique_key" in "".join(plan.scalars())
