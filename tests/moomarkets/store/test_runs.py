from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import uuid4

import pytest

from moomarkets.domain.dependencies import Admit, Block, decide
from moomarkets.domain.errors import Reason
from moomarkets.domain.group import Dependency, GroupDefinition, Match, RunKind, RunStatus
from moomarkets.domain.job import PLAN, Usage
from moomarkets.store import executions, groups, runs, sources
from tests.moomarkets.store.scene import LOCAL, START, Scene, after, nothing, planned


def test_a_second_request_by_hand_is_answered_with_the_run_that_waits_or_runs(scene: Scene) -> None:
    group_id = scene.group()
    first = scene.request(group_id)
    assert scene.request(group_id) == first

    scene.do(runs.admit, first, START)

    assert scene.request(group_id) == first


def test_a_request_by_hand_after_a_stop_is_not_answered_with_the_run_that_is_being_stopped(scene: Scene) -> None:
    group_id = scene.group()
    stopped = scene.run("a", group_id=group_id)
    scene.claim()
    scene.do(runs.cancel, stopped, START)

    new = scene.request(group_id)

    assert new != stopped
    assert scene.request(group_id) == new


def test_a_scheduled_request_gets_a_run_of_its_own_whatever_is_under_way(scene: Scene) -> None:
    group_id = scene.group()
    by_hand = scene.request(group_id)

    run_id, is_new = scene.do(
        runs.request, group_id, uuid4(), RunKind.SCHEDULED, START, for_on=date(2026, 11, 19), due_at=START
    )

    assert is_new
    assert run_id != by_hand
    assert scene.one("SELECT for_on, due_at FROM runs WHERE id = :id", id=run_id) == (date(2026, 11, 19), START)


@pytest.mark.parametrize(
    ("schedule", "for_on"),
    [
        (None, date(2026, 11, 20)),
        ({"cron": "0 1 * * *", "timezone": "America/New_York"}, date(2026, 11, 19)),
        ({"market": "XTKS", "after_close": "16:30"}, date(2026, 11, 20)),
    ],
)
def test_a_run_is_about_today_by_the_clock_of_its_schedule(
    scene: Scene, schedule: dict[str, object] | None, for_on: date
) -> None:
    run_id = scene.request(scene.group(schedule=schedule))

    assert scene.one("SELECT for_on FROM runs WHERE id = :id", id=run_id)[0] == for_on


def test_a_group_works_on_one_run_at_a_time_and_starts_the_oldest_first(scene: Scene) -> None:
    group_id = scene.group()
    first, second = (scene.do(runs.request, group_id, uuid4(), RunKind.SCHEDULED, START)[0] for _ in range(2))
    assert not scene.do(runs.admit, second, START)
    assert decide(scene.do(runs.waiting)) == [Admit(first), Block(second, f"its run {first} comes first")]

    plan = scene.admit(first)
    assert decide(scene.do(runs.waiting)) == [Block(second, f"its run {first} is still under way")]
    scene.complete(plan, write=lambda connection: runs.plan(connection, first, []) and None)

    assert scene.one("SELECT status FROM job_groups")[0] == "pending"
    assert scene.do(runs.admit, second, START)


def test_a_run_keeps_the_definition_of_its_group_as_it_was_at_its_start(scene: Scene) -> None:
    group_id = scene.group(max_retries=1, max_parallel=2, crash_limit=4)
    run_id = scene.request(group_id)
    plan = scene.admit(run_id)

    scene.execute("UPDATE job_groups SET max_retries = 9, max_parallel = NULL, crash_limit = 1, priority = 9")
    scene.complete(plan, write=lambda connection: runs.plan(connection, run_id, planned("a")) and None)

    job = scene.one("SELECT * FROM jobs WHERE key = 'a'")
    assert (job.max_retries, job.crash_limit, job.priority) == (1, 4, 5)
    assert scene.one("SELECT definition ->> 'max_parallel' FROM runs")[0] == "2"


def test_a_paused_group_starts_nothing_even_if_it_was_allowed_to_before(scene: Scene) -> None:
    group_id = scene.group()
    run_id = scene.request(group_id)
    scene.do(groups.set_paused, group_id, True)

    assert not scene.do(runs.admit, run_id, START)


def test_a_paused_group_holds_those_below_it(scene: Scene) -> None:
    top = scene.group("top")
    scene.group("middle", parent="top")
    run_id = scene.request(scene.group("bottom", parent="middle"))

    scene.do(groups.set_paused, top, True)
    assert decide(scene.do(runs.waiting)) == [Block(run_id, "paused with the group top above it")]
    scene.do(groups.set_paused, top, False)

    assert decide(scene.do(runs.waiting)) == [Admit(run_id)]


def test_nothing_starts_while_the_whole_is_paused(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    scene.execute("UPDATE scheduler_settings SET is_enabled = false")

    (decision,) = decide(scene.do(runs.waiting))

    assert isinstance(decision, Block)
    assert decision.blocked_by.startswith("the whole is paused")
    scene.execute("UPDATE scheduler_settings SET is_enabled = true")
    assert decide(scene.do(runs.waiting)) == [Admit(run_id)]


def test_a_group_without_a_source_waits_for_none(scene: Scene) -> None:
    definition = GroupDefinition("sums", None, ("fetch",))
    run_id = scene.request(scene.do(groups.create, LOCAL, definition))

    assert decide(scene.do(runs.waiting)) == [Admit(run_id)]


def test_a_skipped_run_ends_with_its_occurrence_and_leaves_its_group_idle(scene: Scene) -> None:
    run_id = scene.request(scene.group(schedule={"every_s": 60}))
    scene.execute(
        "INSERT INTO occurrences (schedule_id, due_at, status, run_id)"
        " SELECT id, :now, 'pending', :run_id FROM schedules", now=START, run_id=run_id,
    )  # fmt: skip

    assert scene.do(runs.skip, run_id, "dependency: group a's run 7 failed", START)
    assert not scene.do(runs.skip, run_id, "again", START)

    reason = "dependency: group a's run 7 failed"
    assert scene.one("SELECT status, error_message FROM runs") == ("skipped", reason)
    assert scene.one("SELECT status, reason FROM occurrences") == ("skipped", reason)
    assert scene.one("SELECT status, error_count FROM job_groups") == ("idle", 0)


def test_the_run_of_the_same_date_counts_where_the_edge_says_so(scene: Scene) -> None:
    upstream = scene.group("calendar")
    edge = Dependency("calendar", Match.SAME_DATE)
    for days in (2, 1):
        run_id = scene.run(group_id=upstream, now=after(-86400 * days))
    run_of_today = scene.request(scene.group("bars", depends_on=(edge,)))
    (block,) = decide(scene.do(runs.waiting))

    run_id = scene.run(group_id=upstream)

    assert block == Block(run_of_today, "group calendar: its run of the same date is still to come")
    assert scene.do(runs.waiting)[0].upstream[0].run_id == run_id
    assert decide(scene.do(runs.waiting)) == [Admit(run_of_today)]


def test_a_request_repeated_after_a_lost_answer_finds_its_run_even_when_that_has_ended(scene: Scene) -> None:
    group_id, key = scene.group(), uuid4()
    run_id, _ = scene.do(runs.request, group_id, key, RunKind.MANUAL, START)
    scene.do(runs.cancel, run_id, START)

    assert scene.do(runs.request, group_id, key, RunKind.MANUAL, START) == (run_id, False)
    assert scene.do(runs.active, group_id) is None


def test_requests_from_many_threads_make_one_run(scene: Scene) -> None:
    group_id = scene.group()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: scene.do(runs.request, group_id, uuid4(), RunKind.MANUAL), range(12)))

    assert len({run_id for run_id, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1


def test_a_run_starts_with_the_job_that_plans_it_and_once(scene: Scene) -> None:
    run_id = scene.request(scene.group())

    assert scene.do(runs.admit, run_id, START)
    assert not scene.do(runs.admit, run_id, START)

    assert [attempt.job_type for attempt in scene.claim(job_types=[PLAN])] == [PLAN]
    assert scene.one("SELECT status FROM job_groups")[0] == "running"


def test_a_run_waits_for_the_group_that_it_depends_on(scene: Scene) -> None:
    upstream = scene.group("calendar")
    run_id = scene.request(scene.group("bars", depends_on=("calendar",)))
    assert decide(scene.do(runs.waiting)) == [Block(run_id, "group calendar: its newest run is still to come")]

    scene.run("a", group_id=upstream)
    assert scene.do(runs.waiting)[0].upstream[0].status is RunStatus.RUNNING
    scene.complete(*scene.claim())

    assert decide(scene.do(runs.waiting)) == [Admit(run_id)]


def test_what_a_run_waits_for_is_recorded_and_not_decided_again(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    sources_off = "UPDATE data_sources SET is_enabled = false"
    scene.execute(sources_off)
    (decision,) = decide(scene.do(runs.waiting))
    assert decision == Block(run_id, "source sim is disabled")

    scene.do(runs.block, run_id, "source sim is disabled")

    assert decide(scene.do(runs.waiting)) == []


def test_a_run_waits_for_a_credential_where_its_source_needs_one(scene: Scene) -> None:
    scene.execute("""UPDATE data_sources SET config = '{"needs_credential": true}'""")
    run_id = scene.request(scene.group())
    assert scene.do(runs.waiting)[0].credential_is_missing

    scene.do(sources.put_credential, LOCAL, scene.source_id, b"sealed")

    assert decide(scene.do(runs.waiting)) == [Admit(run_id)]


def test_standing_jobs_are_used_again_with_their_own_priority_and_switch(scene: Scene) -> None:
    group_id = scene.group()
    scene.run("a", "b", group_id=group_id)
    for attempt in scene.claim():
        scene.fail(attempt)
    before = scene.one("SELECT array_agg(id ORDER BY id) FROM jobs")[0]
    scene.execute("UPDATE jobs SET priority = 9 WHERE key = 'a'")
    scene.execute("UPDATE jobs SET is_enabled = false WHERE key = 'b'")

    run_id = scene.run("a", "b", "c", group_id=group_id)

    claimed = scene.claim()
    assert [attempt.key for attempt in claimed] == ["a", "c"]
    assert [attempt.number for attempt in claimed] == [1, 1]
    assert scene.counters(run_id) == ("running", 2, 0, 0, 0)
    assert scene.one("SELECT array_agg(id ORDER BY id) FROM jobs")[0][: len(before)] == before


def test_jobs_are_claimed_in_the_order_in_which_they_were_planned(scene: Scene) -> None:
    scene.run("z", "m", "a")

    assert [attempt.key for attempt in scene.claim()] == ["z", "m", "a"]


def test_a_cancelled_run_ends_at_once_where_nothing_runs(scene: Scene) -> None:
    run_id = scene.run("a", "b")

    assert scene.do(runs.cancel, run_id, START) == []

    assert scene.counters(run_id) == ("cancelled", 2, 0, 0, 2)
    assert scene.claim() == []


def test_a_cancelled_run_ends_with_the_last_job_that_still_runs(scene: Scene) -> None:
    run_id = scene.run("a", "b", "c")
    (done,) = scene.claim(1)
    scene.complete(done)
    (running,) = scene.claim(1)

    assert scene.do(runs.cancel, run_id, START) == [running.lease.job_id]
    assert scene.counters(run_id) == ("running", 3, 1, 0, 1)
    assert scene.fail(running, Reason.CANCELLED)

    assert scene.counters(run_id) == ("cancelled", 3, 1, 0, 2)


def test_a_run_that_is_cancelled_before_it_starts_is_cancelled_not_completed(scene: Scene) -> None:
    run_id = scene.request(scene.group())

    scene.do(runs.cancel, run_id, START)

    assert scene.counters(run_id) == ("cancelled", 0, 0, 0, 0)


def test_a_run_whose_plan_waits_is_cancelled_with_it(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    scene.do(runs.admit, run_id, START)

    scene.do(runs.cancel, run_id, START)

    assert scene.counters(run_id) == ("cancelled", 1, 0, 0, 1)
    assert scene.claim(job_types=[PLAN]) == []


def test_cancelling_a_run_that_has_ended_changes_nothing(scene: Scene) -> None:
    run_id = scene.run("a")
    scene.complete(*scene.claim())

    assert scene.do(runs.cancel, run_id, after(1)) == []

    assert scene.counters(run_id) == ("completed", 1, 1, 0, 0)


def test_a_cancelled_run_is_followed_by_a_whole_one(scene: Scene) -> None:
    group_id = scene.group()
    scene.do(runs.cancel, scene.run("a", "b", group_id=group_id), START)

    run_id = scene.run("a", "b", group_id=group_id)

    for attempt in scene.claim():
        scene.complete(attempt)
    assert scene.counters(run_id) == ("completed", 2, 2, 0, 0)


def test_a_run_of_many_jobs_is_planned_at_once(scene: Scene) -> None:
    run_id = scene.request(scene.group())
    plan = scene.admit(run_id)
    keys = [f"job {number}" for number in range(2000)]

    scene.complete(plan, write=lambda connection: runs.plan(connection, run_id, planned(*keys)) and None)

    assert scene.counters(run_id) == ("running", 2000, 0, 0, 0)


def test_jobs_of_a_run_are_claimed_while_another_of_its_jobs_ends(scene: Scene) -> None:
    scene.run("a", "b")
    (ending,) = scene.claim(1)

    with scene.database.transaction() as open_end:
        executions.complete(open_end, ending, uuid4(), Usage(), nothing, START)
        # A claim that waited for the run would hold jobs meanwhile: against the order of locks, and a deadlock
        # with whoever cancels the run.
        claimed = scene.claim(1)

    assert [attempt.key for attempt in claimed] == ["b"]
