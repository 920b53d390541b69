"""Why something is as it is: the chain that is found, and what it says would help."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from moomarkets.domain.errors import InvalidInput, NotFound, Reason
from moomarkets.domain.group import Dependency
from moomarkets.domain.retry import Retry
from moomarkets.services.why import Why
from moomarkets.store.database import Database
from tests.moomarkets.store.scene import LOCAL, START, Scene, after

DAILY: dict[str, object] = {"cron": "0 1 * * *", "timezone": "Asia/Tokyo"}
ON = date(2026, 11, 20)


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    database = Database(database_url, purpose="tests", pool_size=2)
    yield Scene(database)
    database.close()


@pytest.fixture
def why(scene: Scene) -> Why:
    return Why(scene.database, LOCAL)


def test_a_group_that_never_ran_has_a_schedule_and_no_run(scene: Scene, why: Why) -> None:
    scene.group("bars", schedule=DAILY)

    chain = why.explain("bars")

    assert chain.group is not None
    assert chain.group.schedule == "at 01:00, Asia/Tokyo"
    assert (chain.occurrences, chain.runs, chain.jobs, chain.remedies) == ((), (), (), ())


def test_a_run_tells_how_many_jobs_are_in_which_state_and_which_are_not_completed(scene: Scene, why: Why) -> None:
    run_id = scene.run("a", "b", "c", group_id=scene.group("bars"))
    first, second, _ = scene.claim()
    scene.complete(first)
    scene.fail(second)

    (run,), jobs = (chain := why.explain("bars")).runs, chain.jobs

    assert (run.id, run.status, run.jobs) == (run_id, "running", {"completed": 1, "failed": 1, "running": 1})
    assert [(job.key, job.status) for job in jobs] == [("b", "failed"), ("c", "running")]


def test_the_attempts_of_a_job_say_what_they_waited_took_and_why_they_ended(scene: Scene, why: Why) -> None:
    scene.run("a", group_id=scene.group("bars"))
    (attempt,) = scene.claim(now=after(2))
    scene.fail(attempt, Reason.UPSTREAM, Retry(10, is_charged=True), detail="HTTP 503", now=after(5))
    (again,) = scene.claim(now=after(15))
    scene.complete(again, now=after(16))

    (job,) = why.job(attempt.lease.job_id).jobs

    ended = [(one.number, one.status, one.waited_s, one.seconds, one.reason, one.message) for one in job.executions]
    assert ended == [(1, "failed", 2, 3, "upstream", "HTTP 503"), (2, "completed", 10, 1, None, None)]
    assert job.executions[0].error_class == "retryable"
    assert job.executions[0].node == "here pid 1"


def test_a_job_that_is_put_back_says_when_it_is_tried_next(scene: Scene, why: Why) -> None:
    scene.run("a", group_id=scene.group("bars"))
    (attempt,) = scene.claim()
    scene.fail(attempt, Reason.UPSTREAM, Retry(10, is_charged=True))

    (job,) = why.job(attempt.lease.job_id).jobs

    assert (job.status, job.next_at) == ("pending", after(10))


def test_a_date_is_that_of_the_schedules_clock(scene: Scene, why: Why) -> None:
    group_id = scene.group("bars", schedule=DAILY)
    for day in (19, 20, 21):
        scene.execute(
            "INSERT INTO occurrences (schedule_id, due_at, status, reason)"
            f" SELECT id, '2026-11-{day} 16:00Z', 'skipped', 'overlap' FROM schedules WHERE job_group_id = :id",
            id=group_id,
        )

    (occurrence,) = why.explain("bars", ON).occurrences

    # 16:00 in UTC is 01:00 of the next day in Tokyo.
    assert (occurrence.due_at.day, occurrence.status, occurrence.reason) == (19, "skipped", "overlap")


@pytest.mark.parametrize(
    ("counted_from", "on", "reason"),
    [
        ("2026-11-20", date(2126, 11, 20), "it is still to come"),
        ("2026-11-20", date(2026, 11, 19), "the schedule counts from 2026-11-20 00:00:00"),
        ("1999-01-01", date(1999, 1, 3), "no supervisor has looked since"),
    ],
)
def test_an_instant_that_is_not_booked_says_why_not(
    scene: Scene, why: Why, counted_from: str, on: date, reason: str
) -> None:
    scene.group("bars", schedule=DAILY)
    scene.execute("UPDATE schedules SET counted_from = CAST(:at AS timestamptz)", at=f"{counted_from} 00:00Z")

    (occurrence,) = why.explain("bars", on).occurrences

    assert (occurrence.status, occurrence.reason, occurrence.run_id) == ("not booked", reason, None)


def test_what_blocks_a_run_is_told_as_it_is_now_and_not_as_a_supervisor_last_saw_it(scene: Scene, why: Why) -> None:
    scene.group("above")
    run_id = scene.request(scene.group("below", depends_on=(Dependency("above"),)))
    scene.execute("UPDATE runs SET blocked_by = 'paused' WHERE id = :id", id=run_id)
    scene.execute("UPDATE nodes SET stopped_at = seen_at")

    chain = why.explain("below")

    assert chain.runs[0].blocked_by == "group above: its newest run is still to come"
    assert chain.remedies == (
        "no supervisor runs: start one with `python -m moomarkets.supervisor`",
        f"run {run_id} waits for group above: see `moomarkets why above`",
    )


def test_a_paused_group_above_is_what_has_to_be_resumed(scene: Scene, why: Why) -> None:
    scene.group("above")
    scene.request(scene.group("below", parent="above"))
    scene.execute("UPDATE job_groups SET status = 'paused' WHERE name = 'above'")

    assert "group above is paused: resume it with `moomarkets groups resume above`" in why.explain("below").remedies


def test_each_switch_that_is_off_is_named_with_the_command_that_turns_it(scene: Scene, why: Why) -> None:
    scene.request(scene.group("bars"))
    scene.execute("UPDATE job_groups SET is_enabled = false")
    scene.execute("UPDATE data_sources SET is_enabled = false, is_paused = true")
    scene.execute("UPDATE scheduler_settings SET is_enabled = false")

    words = " ".join(why.explain("bars").remedies)

    for command in ("resume", "groups enable bars", "sources enable sim", "sources resume sim"):
        assert f"`moomarkets {command}`" in words


def test_a_group_above_that_is_switched_off_is_what_has_to_be_switched_on(scene: Scene, why: Why) -> None:
    scene.group("above")
    scene.group("below", parent="above", schedule=DAILY)
    scene.execute("UPDATE job_groups SET is_enabled = false WHERE name = 'above'")

    (remedy,) = why.explain("below").remedies

    assert remedy.startswith("group above is switched off, and the schedule of below brings no runs")
    assert "`moomarkets groups enable above`" in remedy
    assert "`moomarkets groups run below`" in remedy


def test_a_failed_run_names_the_retry(scene: Scene, why: Why) -> None:
    run_id = scene.run("a", group_id=scene.group("bars"))
    (attempt,) = scene.claim()
    scene.fail(attempt)

    assert why.explain("bars").remedies == (
        f"run {run_id} failed: its cause mended, try the failed jobs again with `moomarkets groups retry bars`",
    )


@pytest.mark.parametrize("thing", ["other", "7", "9" * 5000])
def test_what_does_not_exist_is_not_found(scene: Scene, why: Why, thing: str) -> None:
    scene.group("bars")

    with pytest.raises(NotFound):
        why.explain(thing)


def test_a_group_whose_name_is_a_number_is_found_before_a_job(scene: Scene, why: Why) -> None:
    scene.group("7203")

    assert why.explain("7203").asked == "group 7203"


def test_a_date_beside_a_job_is_refused(why: Why) -> None:
    with pytest.raises(InvalidInput, match="on: expected no date beside a job"):
        why.explain("1", START.date())
