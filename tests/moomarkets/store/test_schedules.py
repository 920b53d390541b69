from __future__ import annotations

from uuid import uuid4

from moomarkets.store import schedules
from moomarkets.store.schedules import ScheduleRow
from tests.moomarkets.store.scene import Scene, after


def scheduled(scene: Scene) -> ScheduleRow:
    scene.group("bars", schedule={"every_s": 60})
    (schedule,) = scene.do(schedules.load)
    return schedule


def account(scene: Scene, schedule: ScheduleRow, *due: float) -> int | None:
    return scene.do(schedules.account, schedule, [after(seconds) for seconds in due], after(1000), uuid4())


def ledger(scene: Scene) -> list[tuple[float, str]]:
    rows = scene.one("SELECT array_agg(due_at ORDER BY due_at), array_agg(status ORDER BY due_at) FROM occurrences")
    return [((due_at - after(0)).total_seconds(), status) for due_at, status in zip(*rows, strict=True)]


def test_the_newest_due_instant_makes_a_run_and_those_before_it_are_skipped(scene: Scene) -> None:
    run_id = account(scene, scheduled(scene), 60, 120, 180)

    assert ledger(scene) == [(60, "skipped"), (120, "skipped"), (180, "pending")]
    assert scene.one("SELECT id, kind FROM runs") == (run_id, "scheduled")
    assert scene.one("SELECT next_run_at FROM job_groups")[0] == after(1000)


def test_an_instant_that_another_node_has_booked_makes_no_second_run(scene: Scene) -> None:
    schedule = scheduled(scene)
    account(scene, schedule, 60)

    assert account(scene, schedule, 60) is None
    assert account(scene, schedule) is None
    assert scene.one("SELECT count(*) FROM runs")[0] == 1


def test_an_occurrence_is_merged_into_the_run_under_way(scene: Scene) -> None:
    schedule = scheduled(scene)
    run_id = account(scene, schedule, 60)

    assert account(scene, schedule, 120) == run_id
    assert ledger(scene) == [(60, "pending"), (120, "merged")]


def test_a_schedule_is_counted_on_from_its_newest_occurrence(scene: Scene) -> None:
    schedule = scheduled(scene)
    scene.execute("UPDATE schedules SET counted_from = :start", start=after(0))
    assert scene.do(schedules.load)[0].counted_from == after(0)

    account(scene, schedule, 60, 120)

    assert scene.do(schedules.load)[0].counted_from == after(120)


def test_a_schedule_that_is_switched_off_is_not_loaded(scene: Scene) -> None:
    scheduled(scene)

    scene.execute("UPDATE schedules SET is_enabled = false")

    assert scene.do(schedules.load) == []
