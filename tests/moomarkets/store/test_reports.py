from __future__ import annotations

from moomarkets.domain.errors import Reason
from moomarkets.domain.retry import Retry
from moomarkets.store import reports
from tests.moomarkets.store.scene import LOCAL, Scene


def test_a_group_shows_the_counters_of_its_newest_run(scene: Scene) -> None:
    group_id = scene.group("bars")
    scene.run("a", "b", group_id=group_id)
    good, bad = scene.claim()
    scene.complete(good)
    scene.fail(bad, detail="400")

    (group,) = scene.do(reports.groups, LOCAL)

    assert (group["name"], group["status"], group["run_status"]) == ("bars", "failed", "failed")
    assert (group["total_jobs"], group["completed_jobs"], group["failed_jobs"]) == (2, 1, 1)
    assert scene.do(reports.groups, LOCAL + 1) == []


def test_jobs_and_attempts_are_narrowed_to_a_group_and_a_status(scene: Scene) -> None:
    scene.run("a", "b", group_id=scene.group("bars"))
    scene.run("c", group_id=scene.group("lists"))
    first, *_ = scene.claim()
    scene.fail(first, Reason.UPSTREAM, Retry(60, is_charged=True), detail="503")

    pending = scene.do(reports.jobs, LOCAL, group="bars", status="pending", limit=10)
    failed = scene.do(reports.executions, LOCAL, group=None, status="failed", limit=10)
    attempts = scene.do(reports.executions, LOCAL, group="lists", status=None, limit=10)

    assert [job["key"] for job in pending] == ["a"]
    assert [(attempt["job"], attempt["reason"]) for attempt in failed] == [("job a", "upstream")]
    assert [attempt["job"] for attempt in attempts] == ["job c", "plan"]
    assert len(scene.do(reports.jobs, LOCAL, group=None, status=None, limit=2)) == 2


def test_a_job_that_will_be_tried_again_shows_no_error_message(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim()
    scene.fail(attempt, Reason.UPSTREAM, Retry(60, is_charged=True), detail="503")

    (job,) = scene.do(reports.jobs, LOCAL, group=None, status="pending", limit=10)

    assert (job["last_error"], job["error_message"]) == ("503", None)


def test_a_run_is_read_by_its_id(scene: Scene) -> None:
    run_id = scene.run("a")

    run = scene.do(reports.run, run_id)

    assert run is not None
    assert (run["status"], run["total_jobs"]) == ("running", 1)
    assert scene.do(reports.run, run_id + 1) is None


def test_what_is_left_to_do_is_counted(scene: Scene) -> None:
    assert scene.do(reports.work_left)["next_due_at"] is None
    scene.run("due", "later", "running")
    scene.request(scene.group())
    scene.execute("UPDATE jobs SET due_at = clock_timestamp() + interval '1 hour' WHERE key = 'later'")
    scene.execute("UPDATE jobs SET priority = 9 WHERE key = 'running'")
    scene.claim(1)

    left = scene.do(reports.work_left)

    assert (left["due_jobs"], left["later_jobs"], left["running_jobs"]) == (1, 1, 1)
    assert (left["pending_runs"], left["running_runs"], left["unjudged_runs"]) == (1, 1, 1)


def test_jobs_of_what_is_paused_are_not_due_for_anybody(scene: Scene) -> None:
    scene.run("one", "two")
    scene.execute("UPDATE job_groups SET status = 'paused'")

    left = scene.do(reports.work_left)

    assert (left["due_jobs"], left["resting_jobs"], left["next_due_at"]) == (0, 2, None)
