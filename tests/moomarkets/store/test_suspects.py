"""That the code of a suspect begins is durable before it does."""

from __future__ import annotations

import pytest

from moomarkets.domain.errors import Fenced
from moomarkets.store import suspects
from tests.moomarkets.store.scene import Scene, after


def test_the_start_of_an_attempts_code_is_stored(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim()

    scene.do(suspects.begin, attempt.lease, after(3))

    assert scene.execution(attempt).began_at == after(3)


def test_an_attempt_that_was_taken_over_must_not_begin(scene: Scene) -> None:
    scene.run("a")
    (attempt,) = scene.claim()
    scene.execute("UPDATE executions SET lease_token = lease_token + 1")

    with pytest.raises(Fenced):
        scene.do(suspects.begin, attempt.lease)

    assert scene.execution(attempt).began_at is None
