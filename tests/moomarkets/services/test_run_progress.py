"""How far a run has come: its counters, what its other jobs wait for, and its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from moomarkets.domain.errors import NotFound, Reason
from moomarkets.domain.eta import RunProgress
from moomarkets.domain.retry import Retry
from moomarkets.services import run_progress
from moomarkets.store.database import Database
from tests.moomarkets.store.scene import LOCAL, Scene, after


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    database = Database(database_url, purpose="tests", pool_size=2)
    yield Scene(database)
    database.close()


def progress_of(scene: Scene, run_id: int) -> RunProgress:
    return run_progress.look(scene.database, LOCAL, run_id)


def test_jobs_that_do_not_run_are_counted_by_what_they_wait_for(scene: Scene) -> None:
    run_id = scene.run("a", "b", "c", "d", "e", group_id=scene.group("bars", max_parallel=4))
    first, second, third = scene.claim(3)
    scene.complete(first)
    scene.fail(second, Reason.UPSTREAM, Retry(10**9, is_charged=True))
    scene.execute("UPDATE jobs SET status = 'paused' WHERE key = 'd'")

    progress = progress_of(scene, run_id)

    assert (progress.total, progress.done, progress.completed, progress.running) == (5, 1, 1, 1)
    assert sum(progress.waiting.values()) == 3
    assert progress.waiting["somebody to resume them"] == 1
    assert third.key == "c"


def test_the_end_is_estimated_once_a_job_has_ended(scene: Scene) -> None:
    run_id = scene.run("a", "b", "c")
    before = progress_of(scene, run_id).eta_s
    first, *_ = scene.claim()
    scene.complete(first, now=after(1))

    progress = progress_of(scene, run_id)

    assert before is None
    assert progress.eta_s is not None
    assert progress.eta_s > 0


def test_the_end_is_not_known_while_something_is_paused(scene: Scene) -> None:
    run_id = scene.run("a", "b", group_id=scene.group("bars"))
    first, *_ = scene.claim()
    scene.complete(first)
    scene.execute("UPDATE job_groups SET status = 'paused'")

    progress = progress_of(scene, run_id)

    assert (progress.eta_s, progress.blocked_by) == (None, "group bars is paused")


def test_a_run_that_does_not_exist_or_belongs_to_somebody_else_is_not_found(scene: Scene) -> None:
    run_id = scene.run("a")

    for user_id, wanted in ((LOCAL, run_id + 1), (LOCAL + 1, run_id), (LOCAL, 2**70)):
        with pytest.raises(NotFound):
            run_progress.look(scene.database, user_id, wanted)
