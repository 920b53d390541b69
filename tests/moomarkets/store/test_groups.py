from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.job import Usage
from moomarkets.store import executions, groups, reports, runs
from tests.moomarkets.store.scene import LOCAL, START, Scene, after, nothing, wait_until_blocked


def test_a_group_is_kept_with_all_that_was_said(scene: Scene) -> None:
    scene.group("calendar")

    scene.group(
        "bars", scope={"newest": 5}, schedule={"cron": "0 17 * * *"}, depends_on=("calendar", "calendar"), priority=9
    )

    bars = scene.do(reports.groups, LOCAL)[1]
    assert bars["scope"] == {"newest": 5, "job_types": ["fetch"]}
    assert (bars["schedule"], bars["depends_on"]) == ({"cron": "0 17 * * *"}, ["calendar"])
    assert (bars["status"], bars["priority"], bars["max_retries"], bars["retry_delay"]) == ("idle", 9, 3, 300)


def test_a_name_is_given_once(scene: Scene) -> None:
    scene.group("bars")

    with pytest.raises(Conflict, match="bars"):
        scene.group("bars")

    assert scene.do(groups.exists, LOCAL, "bars")
    assert not scene.do(groups.exists, LOCAL, "others")


def test_an_unknown_source_or_dependency_is_refused_and_nothing_is_stored(scene: Scene) -> None:
    with pytest.raises(NotFound, match="source nowhere"):
        scene.do(groups.create, LOCAL, GroupDefinition("bars", "nowhere", ("fetch",)))
    with pytest.raises(NotFound, match="group calendar"):
        scene.group("bars", depends_on=("calendar",))

    assert scene.do(reports.groups, LOCAL) == []


def test_a_group_that_would_depend_on_itself_is_refused_with_the_path(scene: Scene) -> None:
    with pytest.raises(InvalidInput, match="bars -> bars"):
        scene.group("bars", depends_on=("bars",))

    assert scene.do(reports.groups, LOCAL) == []


def test_another_users_group_is_not_found(scene: Scene) -> None:
    scene.group("bars")

    with pytest.raises(NotFound):
        scene.do(groups.find, LOCAL + 1, "bars")


def test_a_paused_group_stays_paused_when_a_run_is_asked_for_and_ends(scene: Scene) -> None:
    group_id = scene.group()
    scene.run("a", group_id=group_id)
    (attempt,) = scene.claim()
    scene.do(groups.set_paused, group_id, True)

    scene.complete(attempt)
    scene.request(group_id)

    assert scene.one("SELECT status FROM job_groups")[0] == "paused"


@pytest.mark.parametrize(("ends_as", "status"), [(None, "idle"), ("completed", "completed"), ("cancelled", "failed")])
def test_a_group_that_goes_on_shows_what_its_newest_run_came_to(scene: Scene, ends_as: str | None, status: str) -> None:
    group_id = scene.group()
    if ends_as == "cancelled":
        scene.do(runs.cancel, scene.request(group_id), START)
    elif ends_as == "completed":
        scene.run(group_id=group_id)
    scene.do(groups.set_paused, group_id, True)

    scene.do(groups.set_paused, group_id, False)

    assert scene.one("SELECT status FROM job_groups")[0] == status


def test_a_group_that_goes_on_while_its_run_ends_does_not_show_it_under_way(scene: Scene) -> None:
    group_id = scene.group()
    scene.run("a", group_id=group_id)
    (attempt,) = scene.claim()
    scene.do(groups.set_paused, group_id, True)

    with ThreadPoolExecutor(1) as pool:
        with scene.database.transaction() as ending:
            executions.complete(ending, attempt, uuid4(), Usage(), nothing, START)
            resuming = pool.submit(scene.do, groups.set_paused, group_id, False)
            wait_until_blocked(scene.database)
        resuming.result()

    assert scene.one("SELECT status FROM job_groups")[0] == "completed"


def test_a_group_that_loses_its_schedule_has_no_next_run(scene: Scene) -> None:
    group_id = scene.group("bars", schedule={"every_s": 60})
    scene.execute("UPDATE job_groups SET next_run_at = :at", at=after(60))

    scene.do(groups.write_schedule, group_id, GroupDefinition("bars", "sim", ("fetch",)))

    assert scene.one("SELECT next_run_at FROM job_groups")[0] is None


def test_what_is_paused_waits_and_says_so(scene: Scene) -> None:
    group_id = scene.group()
    scene.request(group_id, START)

    scene.do(groups.set_paused, group_id, True)

    assert [run.is_paused for run in scene.do(runs.waiting)] == [True]
