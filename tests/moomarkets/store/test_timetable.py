from __future__ import annotations

from datetime import date
from typing import Any

from moomarkets.store import timetable
from moomarkets.store.timetable import ScheduleRow
from tests.moomarkets.store.scene import LOCAL, Scene, after


def scheduled(scene: Scene, name: str = "bars", **given: Any) -> int:
    group_id = scene.group(name, **{"schedule": {"every_s": 60}, **given})
    scene.execute("UPDATE schedules SET counted_from = :start", start=after(0))
    return group_id


def rows(scene: Scene) -> tuple[ScheduleRow, ...]:
    return scene.do(timetable.load, after(0)).rows


def test_a_schedule_is_counted_on_from_its_newest_occurrence(scene: Scene) -> None:
    scheduled(scene)
    before = rows(scene)[0].counted_from

    scene.execute(
        "INSERT INTO occurrences (schedule_id, due_at, status) SELECT id, :due_at, 'skipped' FROM schedules",
        due_at=after(120),
    )

    assert (before, rows(scene)[0].counted_from) == (after(0), after(120))


def test_a_schedule_that_is_switched_off_is_not_loaded(scene: Scene) -> None:
    scheduled(scene)

    scene.execute("UPDATE schedules SET is_enabled = false")

    assert rows(scene) == ()


def test_schedules_come_in_the_order_in_which_their_groups_are_locked(scene: Scene) -> None:
    ids = [scheduled(scene, name) for name in ("b", "a", "c")]

    assert [row.group_id for row in rows(scene)] == ids


def test_the_clock_of_the_database_counts_unless_another_is_given(scene: Scene) -> None:
    here = scene.one("SELECT clock_timestamp()")[0]

    assert scene.do(timetable.load).now >= here
    assert scene.do(timetable.load, after(5)).now == after(5)


def test_the_pause_of_the_whole_is_told(scene: Scene) -> None:
    running = scene.do(timetable.load).is_enabled
    scene.execute("DELETE FROM scheduler_settings")
    scene.execute("INSERT INTO scheduler_settings (is_enabled) VALUES (false)")

    assert (running, scene.do(timetable.load).is_enabled) == (True, False)


def test_the_stored_calendar_comes_with_the_schedules_that_go_by_it(scene: Scene) -> None:
    scheduled(scene)
    scene.execute("UPDATE data_sources SET code = 'jquants'")
    days = [date(2026, 11, 20), date(2026, 1, 1)]
    scene.execute(
        "INSERT INTO trading_calendar (user_id, data_source_id, on_date, holiday_division, execution_id, fetched_at)"
        " SELECT 1, id, on_date, '0', 1, :now FROM data_sources, unnest(CAST(:days AS date[])) AS on_date",
        now=after(0),
        days=days,
    )
    without = scene.do(timetable.load, after(0)).divisions

    scene.execute("""UPDATE schedules SET spec = '{"market": "XTKS", "after_close": "16:30"}'""")

    assert without == {}
    assert scene.do(timetable.load, after(0)).divisions == {LOCAL: {date(2026, 11, 20): "0"}}


def test_why_a_schedule_rests_is_news_once(scene: Scene) -> None:
    scheduled(scene)
    (row,) = rows(scene)

    news = [scene.do(timetable.rest, row, error) for error in ("zone gone", "zone gone", "worse")]

    assert news == [True, False, True]
    assert rows(scene)[0].error == "worse"
    assert scene.one("SELECT next_run_at FROM job_groups")[0] is None


def test_a_schedule_that_was_edited_meanwhile_does_not_rest(scene: Scene) -> None:
    scheduled(scene)
    (row,) = rows(scene)
    scene.execute("""UPDATE schedules SET spec = '{"every_s": 5}'""")

    assert not scene.do(timetable.rest, row, "zone gone")
    assert rows(scene)[0].error is None
