"""The database lets states change exactly along the moves of the one table, every pair tried on a real row."""

from __future__ import annotations

from enum import StrEnum
from itertools import product

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from moomarkets.domain.states import EXECUTION, GROUP, JOB, LIVES, RUN, Life
from tests.moomarkets.store.scene import Scene

INSERTS = {
    GROUP.name: "INSERT INTO job_groups (user_id, name, status) VALUES (1, gen_random_uuid()::text, :state)",
    RUN.name: "INSERT INTO runs (job_group_id, creation_key, kind, status)"
    " SELECT id, gen_random_uuid(), 'manual', :state FROM job_groups LIMIT 1",
    JOB.name: "INSERT INTO jobs (key, job_type, name, status) VALUES (gen_random_uuid()::text, 'x', 'x', :state)",
    EXECUTION.name: "INSERT INTO executions (job_id, node_id, claim_id, attempt, lease_token, lease_until, status,"
    " completed_at) SELECT jobs.id, nodes.id, gen_random_uuid(), 1, 1, clock_timestamp(), :state,"
    " CASE WHEN :state = 'running' THEN NULL ELSE clock_timestamp() END FROM jobs, nodes LIMIT 1",
}


def moves(connection: Connection, life: Life, before: StrEnum, after: StrEnum) -> bool:
    """Whether a row of that kind may go from `before` to `after`; nothing of it stays."""
    ended = ", completed_at = CASE WHEN :state = 'running' THEN NULL ELSE clock_timestamp() END"
    attempt = connection.begin_nested()
    try:
        made = connection.scalar(text(INSERTS[life.name] + " RETURNING id"), {"state": before})
        connection.execute(
            text(f"UPDATE {life.table} SET status = :state {ended if life is EXECUTION else ''} WHERE id = :id"),
            {"id": made, "state": after},
        )
    except IntegrityError as error:
        if f"{life.table} {made}: expected a legal move, got {before} -> {after}" not in str(error.orig):
            raise
        return False
    finally:
        attempt.rollback()
    return True


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_the_database_allows_exactly_the_legal_moves(scene: Scene, life: Life) -> None:
    scene.group()
    scene.execute(INSERTS[JOB.name], state="pending")

    with scene.database.transaction() as connection:
        allowed = {pair for pair in product(life.states, repeat=2) if moves(connection, life, *pair)}

    assert allowed == {pair for pair in product(life.states, repeat=2) if life.allows(*pair)}
