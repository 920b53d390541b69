from __future__ import annotations

from uuid import uuid4

from moomarkets.domain.errors import Fenced
from moomarkets.domain.job import Usage
from moomarkets.domain.submission import Submission
from moomarkets.store import rescue
from moomarkets.store.completions import Completion, complete_many
from moomarkets.store.enqueue import enqueue_many
from tests.moomarkets.store.scene import START, Scene, after


def test_many_attempts_end_in_one_transaction_with_exact_counters(scene: Scene) -> None:
    first, second = scene.run("a", "b"), scene.run("c", "d")
    attempts = scene.claim()
    ending = [Completion(attempt, uuid4(), Usage(requests=1, rows=2)) for attempt in attempts[:3]]

    ends = scene.do(complete_many, ending)

    assert ends == [True, True, False]
    assert (scene.counters(first), scene.counters(second)) == (("completed", 2, 2, 0, 0), ("running", 2, 1, 0, 0))
    assert scene.one("SELECT rows_written, requests FROM runs WHERE id = :id", id=first) == (4, 2)
    assert [scene.job(attempt).status for attempt in attempts] == ["completed"] * 3 + ["running"]


def test_a_fenced_attempt_spoils_none_beside_it(scene: Scene) -> None:
    run_id = scene.run("frozen", "fine")
    frozen, fine = scene.claim(lease_s=6)
    scene.do(rescue.rescue, [frozen.lease.execution_id], [], after(7))

    fenced, ended = scene.do(complete_many, [Completion(a, uuid4(), Usage(), START) for a in (frozen, fine)])

    assert isinstance(fenced, Fenced)
    assert ended is False
    assert scene.counters(run_id) == ("running", 2, 1, 0, 0)


def test_completions_repeated_after_a_lost_answer_are_counted_once(scene: Scene) -> None:
    run_id = scene.run("a", "b")
    ending = [Completion(attempt, uuid4(), Usage(rows=1)) for attempt in scene.claim()]
    scene.do(complete_many, ending)

    assert scene.do(complete_many, ending) == [True, True]

    assert scene.counters(run_id) == ("completed", 2, 2, 0, 0)


def test_jobs_that_stand_alone_are_claimed_and_ended_without_a_run(scene: Scene) -> None:
    ids = scene.do(enqueue_many, Submission("fetch", [{"n": 1}, {"n": 2}]), "key")
    attempts = scene.claim(now=scene.one("SELECT clock_timestamp()")[0])

    ends = scene.do(complete_many, [Completion(attempt, uuid4(), Usage()) for attempt in attempts])

    assert [(attempt.lease.job_id, attempt.parameters) for attempt in attempts] == [
        (ids[0], {"n": 1}),
        (ids[1], {"n": 2}),
    ]
    assert ends == [False, False]
    assert scene.job(attempts[0]).status == "completed"
