"""What rests is not claimed, and costs a claim next to nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import text

from moomarkets.domain.submission import Submission
from moomarkets.store import groups, jobs, sources, switches
from moomarkets.store.enqueue import enqueue_many
from moomarkets.store.sql import statement
from tests.moomarkets.store.scene import START, Scene, after

ALONE = {"fetch": "sim"}


def claimed(scene: Scene, known: dict[str, str] = ALONE) -> list[str]:
    """The keys of the jobs that a claim takes now."""
    attempts = scene.do(
        jobs.claim,
        node_id=scene.node.id,
        claim_id=uuid4(),
        count=100,
        job_types=["fetch"],
        lease_s=6,
        sources=known,
        now=after(1),
    )
    return [attempt.key for attempt in attempts]


def alone(scene: Scene, **terms: object) -> int:
    """A job that stands alone."""
    submission = Submission("fetch", [{}], **{"due_at": START, **terms})  # type: ignore[arg-type]  # any term
    return scene.do(enqueue_many, submission, str(uuid4()), now=START)[0]


def test_jobs_of_a_paused_group_and_of_all_below_it_are_not_claimed_until_it_is_resumed(scene: Scene) -> None:
    top, middle, bottom, other = (scene.group(name) for name in ("top", "middle", "bottom", "other"))
    scene.execute("UPDATE job_groups SET parent_id = :top WHERE id = :middle", top=top, middle=middle)
    scene.execute("UPDATE job_groups SET parent_id = :middle WHERE id = :bottom", middle=middle, bottom=bottom)
    for key, group_id in (("t", top), ("b", bottom), ("o", other)):
        scene.run(key, group_id=group_id)

    scene.do(groups.set_paused, top, True)
    while_paused = claimed(scene)
    scene.do(groups.set_paused, top, False)

    assert while_paused == ["o"]
    assert claimed(scene) == ["t", "b"]


@pytest.mark.parametrize(
    ("close", "open_again"),
    [
        (lambda c: switches.set_source_paused(c, "sim", True), lambda c: switches.set_source_paused(c, "sim", False)),
        (lambda c: switches.set_source_enabled(c, "sim", False), lambda c: switches.set_source_enabled(c, "sim", True)),
        (lambda c: switches.set_enabled(c, False), lambda c: switches.set_enabled(c, True)),
    ],
    ids=["source paused", "source switched off", "system switched off"],
)
def test_jobs_of_a_source_that_rests_are_not_claimed_in_groups_or_alone(
    scene: Scene, close: object, open_again: object
) -> None:
    scene.run("grouped")
    alone(scene)

    scene.do(close)  # type: ignore[arg-type]  # a function of a connection
    while_closed = claimed(scene)
    scene.do(open_again)  # type: ignore[arg-type]

    assert while_closed == []
    assert len(claimed(scene)) == 2


def test_a_refused_credential_keeps_its_jobs_from_being_claimed_in_whatever_group_they_are(scene: Scene) -> None:
    scene.execute("INSERT INTO users (id, name) OVERRIDING SYSTEM VALUE VALUES (77, 'eve')")
    for user_id, key in ((1, "mine"), (77, "hers")):
        group_id = scene.group(key)
        scene.execute(
            "UPDATE job_groups SET data_source_id = NULL, user_id = :user_id WHERE id = :id",
            user_id=user_id, id=group_id,
        )  # fmt: skip
        scene.run(key, group_id=group_id)
        scene.do(sources.put_credential, user_id, scene.source_id, b"sealed")

    scene.do(sources.refuse, 1, scene.source_id)

    assert claimed(scene) == ["hers"]


def test_a_job_that_asks_no_source_is_claimed_whatever_rests(scene: Scene) -> None:
    alone(scene)

    scene.do(switches.set_source_paused, "sim", True)

    assert len(claimed(scene, known={})) == 1


def test_those_of_the_claimed_jobs_that_may_not_start_now_are_told(scene: Scene) -> None:
    paused = scene.group("paused")
    scene.run("p", group_id=paused)
    free, asking = alone(scene), alone(scene)
    held = {attempt.key: attempt.lease.job_id for attempt in scene.claim()}

    scene.do(groups.set_paused, paused, True)
    of_group = scene.do(switches.resting, {held["p"]: "", free: "", asking: "sim"})
    scene.do(switches.set_source_paused, "sim", True)
    of_source = scene.do(switches.resting, {free: "", asking: "sim"})
    scene.do(switches.set_enabled, False)

    assert (of_group, of_source) == ({held["p"]}, {asking})
    assert scene.do(switches.resting, {free: ""}) == {free}


def test_an_attempt_knows_its_deadline_and_how_many_deaths_it_may_bear(scene: Scene) -> None:
    scene.run("own", "groups", group_id=scene.group(crash_limit=7))
    scene.execute("UPDATE jobs SET crash_count = 2, crash_limit = 3, timeout_s = 90 WHERE key = 'own'")
    alone(scene)

    own, of_group, free = scene.claim()

    assert (own.crash_count, own.crash_limit, own.timeout_s) == (2, 3, 90)
    assert (of_group.crash_count, of_group.crash_limit, of_group.timeout_s) == (0, 7, None)
    assert free.crash_limit is None


def test_jobs_that_are_held_or_past_their_deadline_are_not_claimed(scene: Scene) -> None:
    scene.run("held", "free")
    scene.execute("UPDATE jobs SET is_held = true WHERE key = 'held'")
    alone(scene, deadline_at=after(1))
    in_time = alone(scene, deadline_at=after(2))

    keys = claimed(scene)

    assert keys == ["free", scene.one("SELECT key FROM jobs WHERE id = :id", id=in_time)[0]]


def test_a_claim_walks_the_index_of_claimable_jobs_and_reads_nothing_that_is_due_much_later(scene: Scene) -> None:
    paused = scene.group("paused")
    scene.execute(
        "INSERT INTO jobs (job_group_id, key, job_type, name, status, due_at)"
        " SELECT :id, n, 'fetch', 'x', 'pending', CAST(:at AS timestamptz) FROM generate_series(1, 500) AS n",
        id=paused,
        at=after(-60),
    )
    scene.execute(
        "INSERT INTO jobs (key, job_type, name, status, due_at)"
        " SELECT n, 'fetch', 'x', 'pending', CAST(:at AS timestamptz) FROM generate_series(1, 3000) AS n",
        at=after(86400),
    )
    scene.do(groups.set_paused, paused, True)
    ours = alone(scene)

    with scene.database.transaction() as connection:
        plan = connection.execute(
            text("EXPLAIN (ANALYZE, TIMING OFF) " + statement("claim_jobs").text),
            {
                "now": after(1),
                "node_id": scene.node.id,
                "claim_id": uuid4(),
                "count": 10,
                "job_types": ["fetch"],
                "sources": ["sim"],
                "lease_s": 6.0,
            },
        )
        lines = "\n".join(plan.scalars()).partition("CTE due")[2].partition("CTE taken")[0]

    assert "using jobs_claimable" in lines
    assert "Seq Scan on jobs" not in lines
    assert "Sort" not in lines
    assert "Rows Removed by Filter: 500\n" in lines
    assert scene.one("SELECT status FROM jobs WHERE id = :id", id=ours)[0] == "running"
