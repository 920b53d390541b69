from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from moomarkets.domain.catch_up import CatchUp, CatchUpPolicy, Overlap
from moomarkets.domain.schedule import Schedule
from moomarkets.store import schedules, timetable
from moomarkets.store.database import Database
from moomarkets.store.schedules import Accounted, Reading
from tests.actors.otp.patience import eventually
from tests.moomarkets.store.scene import Scene, after

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
MINUTELY: dict[str, object] = {"every_s": 60}


@pytest.fixture
def nodes(database_url: str) -> Iterator[Database]:
    """The connections of four nodes, which wait for locks for as long as it takes."""
    database = Database(database_url, purpose="nodes", pool_size=4, statement_timeout_s=120, lock_timeout_s=120)
    yield database
    database.close()


def scheduled(scene: Scene, **given: Any) -> int:
    """A group that is due every minute; returns its id."""
    group_id = scene.group("bars", **{"schedule": MINUTELY, **given})
    scene.execute("UPDATE schedules SET counted_from = :start", start=after(0))
    return group_id


def read(scene: Scene, *due: float, now: float | None = None, take: int = 100) -> Reading:
    """What the scheduler makes of the only schedule at `now` (default: the newest instant) when these are due."""
    table = scene.do(timetable.load, after(max(due) if now is None else now))
    (row,) = table.rows
    instants = [after(seconds) for seconds in due]
    policy = CatchUp.from_json(row.catch_up)
    return Reading(row, Schedule.from_json(row.spec), policy, instants, take, after(1000), table.now)


def account(scene: Scene, *due: float, now: float | None = None) -> Accounted:
    reading = read(scene, *due, now=now)
    return scene.do(schedules.account, reading, uuid4(), reading.seen_at)


def start(scene: Scene, run_id: int) -> None:
    scene.execute("UPDATE runs SET status = 'running', started_at = :now WHERE id = :id", id=run_id, now=after(0))


def ledger(scene: Scene) -> list[tuple[float, str]]:
    rows = scene.one("SELECT array_agg(due_at ORDER BY due_at), array_agg(status ORDER BY due_at) FROM occurrences")
    if rows[0] is None:
        return []
    return [((due_at - after(0)).total_seconds(), status) for due_at, status in zip(*rows, strict=True)]


def reason(scene: Scene, seconds: float) -> str:
    return str(scene.one("SELECT reason FROM occurrences WHERE due_at = :at", at=after(seconds))[0])


def test_the_newest_due_instant_makes_a_run_and_those_before_it_are_skipped(scene: Scene) -> None:
    scheduled(scene)

    accounted = account(scene, 60, 120, 180, now=300)

    assert ledger(scene) == [(60, "skipped"), (120, "skipped"), (180, "pending")]
    assert scene.one("SELECT id, kind FROM runs") == (*accounted.runs, "scheduled")
    assert scene.one("SELECT next_run_at FROM job_groups")[0] == after(1000)


def test_a_run_knows_its_instant_and_the_date_that_it_is_about(scene: Scene) -> None:
    scheduled(scene, schedule={"cron": "* * * * *", "timezone": "Pacific/Kiritimati"})

    account(scene, 11 * 3600)

    assert scene.one("SELECT due_at, for_on FROM runs") == (after(11 * 3600), date(2026, 11, 21))


def test_an_instant_that_is_in_the_ledger_makes_no_second_run(scene: Scene) -> None:
    scheduled(scene)
    reading, key = read(scene, 60), uuid4()
    first = scene.do(schedules.account, reading, key, after(60))

    again = scene.do(schedules.account, reading, key, after(60))
    elsewhere = scene.do(schedules.account, reading, uuid4(), after(60))

    assert len(first.runs) == 1
    assert again == elsewhere == Accounted()
    assert scene.one("SELECT count(*) FROM runs")[0] == 1


def test_an_instant_is_merged_into_the_run_that_waits_which_is_then_about_its_date(scene: Scene) -> None:
    scheduled(scene)
    (run_id,) = account(scene, 60).runs

    accounted = account(scene, 86400 + 60)

    assert accounted == Accounted()
    assert ledger(scene) == [(60, "pending"), (86460, "merged")]
    assert reason(scene, 86460) == f"run {run_id} had not started yet"
    assert scene.one("SELECT for_on FROM runs")[0] == date(2026, 11, 21)


def test_a_manual_run_never_swallows_a_scheduled_one(scene: Scene) -> None:
    group_id = scheduled(scene)
    waiting = scene.request(group_id)

    first = account(scene, 60)
    start(scene, waiting)
    second = account(scene, 120)

    assert len(first.runs) == 1
    assert second == Accounted()
    assert ledger(scene) == [(60, "pending"), (120, "merged")]
    assert scene.one("SELECT count(*) FROM runs")[0] == 2


@pytest.mark.parametrize("status", ["pending", "running"])
def test_an_instant_during_a_manual_run_gets_a_run_that_waits_for_its_turn(scene: Scene, status: str) -> None:
    group_id = scheduled(scene)
    manual = scene.request(group_id)
    scene.execute("UPDATE runs SET status = :status WHERE id = :id", id=manual, status=status)

    (run_id,) = account(scene, 60).runs

    assert scene.one("SELECT kind, status FROM runs WHERE id = :id", id=run_id) == ("scheduled", "pending")


def test_an_instant_during_a_scheduled_run_is_skipped_with_the_reason(scene: Scene) -> None:
    scheduled(scene)
    (run_id,) = account(scene, 60).runs
    start(scene, run_id)

    accounted = account(scene, 120)

    assert accounted == Accounted(skipped=1)
    assert ledger(scene) == [(60, "pending"), (120, "skipped")]
    assert reason(scene, 120) == f"overlap: run {run_id} is still under way"


def test_instants_during_a_scheduled_run_queue_up_for_one_run_that_comes_after_it(scene: Scene) -> None:
    scheduled(scene, overlap=Overlap.QUEUE)
    start(scene, account(scene, 60).runs[0])

    accounted = [account(scene, seconds) for seconds in (120, 180)]

    assert [len(one.runs) for one in accounted] == [1, 0]
    assert ledger(scene) == [(60, "pending"), (120, "pending"), (180, "merged")]


def test_an_instant_cancels_the_scheduled_run_under_way_and_names_its_jobs(scene: Scene) -> None:
    group_id = scheduled(scene, overlap=Overlap.CANCEL_RUNNING)
    (old,) = account(scene, 60).runs
    plan = scene.admit(old, after(61))

    accounted = account(scene, 120)

    assert accounted.stopped == (plan.lease.job_id,)
    assert ledger(scene) == [(60, "superseded"), (120, "pending")]
    assert "cancelled for the instant 2026-11-20T00:02" in reason(scene, 60)
    assert scene.one("SELECT cancel_requested_at FROM runs WHERE id = :id", id=old)[0] == after(120)
    assert scene.one("SELECT count(*) FROM runs WHERE job_group_id = :id", id=group_id)[0] == 2


def test_catching_up_on_all_makes_a_run_for_each_up_to_the_limit(scene: Scene) -> None:
    policy = CatchUp(CatchUpPolicy.ALL, max_runs=2, window_s=3600)
    scheduled(scene, catch_up=policy)

    accounted = account(scene, 60, 120, 180, 240, now=400)

    assert (len(accounted.runs), accounted.skipped) == (2, 2)
    assert ledger(scene) == [(60, "skipped"), (120, "skipped"), (180, "pending"), (240, "pending")]
    due = scene.one("SELECT array_agg(due_at ORDER BY id) FROM runs")[0]
    assert due == [after(180), after(240)]


def test_a_group_that_is_switched_off_has_its_instants_on_record_and_no_run(scene: Scene) -> None:
    scheduled(scene)
    scene.execute("UPDATE job_groups SET is_enabled = false")

    account(scene, 60)

    assert ledger(scene) == [(60, "skipped")]
    assert reason(scene, 60) == "switched off"
    assert scene.one("SELECT next_run_at FROM job_groups")[0] is None
    assert scene.one("SELECT count(*) FROM runs")[0] == 0


def test_a_group_that_is_switched_off_takes_the_schedules_of_all_below_it_along(scene: Scene) -> None:
    scene.group("top")
    scene.group("middle", parent="top")
    scheduled(scene, parent="middle")
    before = read(scene, 60)
    scene.execute("UPDATE job_groups SET is_enabled = false WHERE name = 'top'")

    scene.do(schedules.account, before, uuid4(), before.seen_at)
    account(scene, 120)

    assert ledger(scene) == [(60, "skipped"), (120, "skipped")]
    assert scene.one("SELECT next_run_at FROM job_groups WHERE name = 'bars'")[0] is None
    assert scene.one("SELECT count(*) FROM runs")[0] == 0


def test_nothing_is_booked_while_the_whole_is_paused_and_all_is_caught_up_on_later(scene: Scene) -> None:
    scheduled(scene)
    reading = read(scene, 60)
    scene.execute("DELETE FROM scheduler_settings")
    scene.execute("INSERT INTO scheduler_settings (is_enabled) VALUES (false)")

    paused = scene.do(schedules.account, reading, uuid4(), after(60))
    before = ledger(scene)
    scene.execute("UPDATE scheduler_settings SET is_enabled = true")
    account(scene, 60, 120, now=300)

    assert (paused, before) == (Accounted(), [])
    assert ledger(scene) == [(60, "skipped"), (120, "pending")]


@pytest.mark.parametrize(
    "edit",
    [
        """UPDATE schedules SET spec = '{"every_s": 90}'""",
        """UPDATE schedules SET catch_up = '{"policy": "skip"}'""",
        "UPDATE schedules SET overlap = 'queue'",
        "UPDATE schedules SET is_enabled = false",
    ],
)
def test_nothing_is_booked_by_what_was_read_before_an_edit(scene: Scene, edit: str) -> None:
    scheduled(scene)
    reading = read(scene, 60)

    scene.execute(edit)

    assert scene.do(schedules.account, reading, uuid4(), after(60)) == Accounted(is_stale=True)
    assert ledger(scene) == []


def test_nothing_is_booked_by_what_was_read_long_ago(scene: Scene) -> None:
    scheduled(scene)
    reading = read(scene, 60)

    assert scene.do(schedules.account, reading, uuid4(), after(91)) == Accounted(is_stale=True)


def test_a_group_that_was_deleted_since_the_look_is_left_alone(scene: Scene) -> None:
    scheduled(scene)
    reading = read(scene, 60)
    scene.execute("DELETE FROM job_groups")

    assert scene.do(schedules.account, reading, uuid4(), after(60)) == Accounted()


def test_an_edit_that_counts_anew_leaves_out_what_was_due_before_it(scene: Scene) -> None:
    scheduled(scene)
    reading = read(scene, 60, 120)
    scene.execute("UPDATE schedules SET counted_from = :at", at=after(90))

    scene.do(schedules.account, reading, uuid4(), after(120))

    assert ledger(scene) == [(120, "pending")]


def test_what_can_be_read_again_has_no_error_any_more(scene: Scene) -> None:
    scheduled(scene)
    scene.execute("UPDATE schedules SET error = 'zone gone'")

    account(scene, 60)

    assert scene.one("SELECT error FROM schedules")[0] is None


def test_four_nodes_that_book_at_once_leave_one_row_for_each_instant(scene: Scene, nodes: Database) -> None:
    scheduled(scene)
    # Else this change would put them in a queue, even without a lock.
    scene.execute("UPDATE job_groups SET next_run_at = :at", at=after(1000))
    instants = [float(seconds) for seconds in range(60, 60 * 21, 60)]
    reading = read(scene, *instants)
    found: list[Accounted] = []

    def book() -> None:
        key = uuid4()
        found.append(nodes.perform(lambda connection: schedules.account(connection, reading, key, reading.seen_at)))

    threads = [threading.Thread(target=book) for _ in range(4)]
    with scene.database.transaction() as holder:
        holder.execute(text("SELECT 1 FROM job_groups FOR NO KEY UPDATE"))
        for thread in threads:
            thread.start()
        assert any(eventually(lambda: holder.scalar(text(WAITING)) == 4) for _ in range(10))
    for thread in threads:
        thread.join(60)

    assert sorted(len(one.runs) for one in found) == [0, 0, 0, 1]
    assert [seconds for seconds, _ in ledger(scene)] == instants


def test_the_first_of_many_missed_instants_leave_the_run_to_the_last(scene: Scene) -> None:
    scheduled(scene)
    reading = read(scene, *range(1, 10_002), now=20_000, take=10_000)

    accounted = scene.do(schedules.account, reading, uuid4(), after(20_000))

    assert accounted == Accounted(skipped=10_000)
    assert account(scene, 10_001, now=20_000).runs
