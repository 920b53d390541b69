from __future__ import annotations

from uuid import uuid4

from moomarkets.domain.job import Lease
from moomarkets.store import jobs, runs
from tests.moomarkets.store.scene import START, Scene, after


def test_the_most_urgent_jobs_are_claimed_first_then_the_oldest(scene: Scene) -> None:
    scene.run("a", "b", "c", "d")
    scene.execute("UPDATE jobs SET priority = 9 WHERE key = 'c'")
    scene.execute("UPDATE jobs SET due_at = :earlier WHERE key = 'd'", earlier=after(-1))

    claimed = scene.claim(3)

    assert [attempt.key for attempt in claimed] == ["c", "d", "a"]


def test_a_step_of_priority_is_worth_an_hour_of_waiting(scene: Scene) -> None:
    scene.run("urgent", "older", "oldest")
    scene.execute("UPDATE jobs SET priority = 10 WHERE key = 'urgent'")
    scene.execute("UPDATE jobs SET priority = 1, due_at = :due WHERE key = 'older'", due=after(-9 * 3600 + 1))
    scene.execute("UPDATE jobs SET priority = 1, due_at = :due WHERE key = 'oldest'", due=after(-9 * 3600 - 1))

    claimed = [scene.claim(1)[0].key for _ in range(3)]

    assert claimed == ["oldest", "urgent", "older"]


def test_a_claimed_job_runs_under_a_new_token_and_a_lease(scene: Scene) -> None:
    run_id = scene.run("a")

    (attempt,) = scene.claim(lease_s=6)

    execution, job = scene.execution(attempt), scene.job(attempt)
    assert (execution.status, execution.lease_until, execution.node_id) == ("running", after(6), scene.node.id)
    assert (job.status, job.attempts, job.lease_token, job.started_at) == ("running", 1, attempt.lease.token, START)
    assert (attempt.run_id, attempt.user_id, attempt.parameters, attempt.number) == (run_id, 1, {"key": "a"}, 1)


def test_a_claimed_job_is_not_claimed_again(scene: Scene) -> None:
    scene.run("a")
    scene.claim()

    assert scene.claim() == []


def test_jobs_that_another_claim_has_locked_are_left_out(scene: Scene) -> None:
    scene.run(*"abcdefgh")
    taken = {"node_id": scene.node.id, "job_types": ["fetch"], "lease_s": 6.0, "now": START}

    with scene.database.transaction() as first, scene.database.transaction() as second:
        ours = jobs.claim(first, claim_id=uuid4(), count=5, **taken)
        theirs = jobs.claim(second, claim_id=uuid4(), count=5, **taken)

    assert sorted(attempt.key for attempt in [*ours, *theirs]) == list("abcdefgh")


def test_a_claim_repeated_after_a_lost_answer_takes_nothing_more(scene: Scene) -> None:
    scene.run("a", "b", "c")
    claim_id = uuid4()
    first = scene.claim(2, claim_id=claim_id)

    second = scene.claim(2, claim_id=claim_id)

    assert second == first
    assert scene.one("SELECT count(*) FROM jobs WHERE status = 'pending'")[0] == 1


def test_jobs_that_are_switched_off_or_not_yet_due_stay_where_they_are(scene: Scene) -> None:
    scene.run("off", "later", "now")
    scene.execute("UPDATE jobs SET is_enabled = false WHERE key = 'off'")
    scene.execute("UPDATE jobs SET due_at = :later WHERE key = 'later'", later=after(1))

    assert [attempt.key for attempt in scene.claim()] == ["now"]
    assert [attempt.key for attempt in scene.claim(now=after(1))] == ["later"]


def test_job_types_that_a_node_does_not_know_are_left_to_others(scene: Scene) -> None:
    scene.run("a")

    assert scene.claim(job_types=["another"]) == []
    assert scene.claim(job_types=[]) == []
    assert len(scene.claim(job_types=["another", "fetch"])) == 1


def test_a_lease_is_renewed_also_when_it_is_over_but_nobody_took_it(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim(lease_s=6)

    renewed = scene.do(jobs.renew, [attempt.lease], lease_s=6, now=after(30))

    assert renewed == {attempt.lease.execution_id}
    assert scene.execution(attempt).lease_until == after(36)


def test_only_leases_that_are_still_ours_are_renewed(scene: Scene) -> None:
    scene.run("ended", "other", "ours")
    ended, other, ours = (attempt.lease for attempt in scene.claim())
    scene.execute(
        "UPDATE executions SET status = 'completed', completed_at = :now WHERE id = :id",
        now=START,
        id=ended.execution_id,
    )
    old = Lease(other.execution_id, other.job_id, other.token - 1)

    assert scene.do(jobs.renew, [ended, old, ours], lease_s=6) == {ours.execution_id}
    assert scene.do(jobs.renew, [], lease_s=6) == set()


def test_leases_of_a_cancelled_run_are_not_renewed(scene: Scene) -> None:
    run_id = scene.run("a")
    (attempt,) = scene.claim(lease_s=6)
    scene.do(runs.cancel, run_id, START)

    assert scene.do(jobs.renew, [attempt.lease], lease_s=6, now=after(3)) == set()
    assert scene.execution(attempt).lease_until == after(6)
