"""What belongs to a user: counted, and taken away piece by piece before the user goes."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection, text

from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.store import datasets, groups, purging
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.store.purging import Scope

JOBS = 1000
_COUNTS = """
    SELECT (SELECT count(*) FROM job_groups WHERE user_id = :user_id) AS groups,
           (SELECT count(*) FROM v_jobs WHERE user_id = :user_id) AS jobs,
           (SELECT count(*) FROM v_runs WHERE user_id = :user_id) AS runs,
           (SELECT count(*) FROM data_source_credentials WHERE user_id = :user_id) AS credentials,
           (SELECT count(*) FROM coverage WHERE user_id = :user_id) AS coverage,
           (SELECT count(*) FROM revisions WHERE user_id = :user_id) AS revisions
"""


def counts(connection: Connection, user_id: int) -> dict[str, int]:
    """How many of each thing there are, and how many rows of each dataset."""
    found = connection.execute(text(_COUNTS), {"user_id": user_id}).mappings().one()
    rows = {name: datasets.count(connection, dataset, user_id) for name, dataset in DATASETS.items()}
    return {**found, **rows}


def remove(database: Database, user_id: int, now: datetime | None = None) -> None:
    """Delete all of it but the user's own row: work first, so that nothing writes data any more, then the data."""
    database.perform(lambda connection: _untie(connection, user_id))
    for name in database.perform(lambda connection: _group_names(connection, user_id)):
        database.perform(partial(groups.delete, user_id=user_id, name=name, now=now))
    while database.perform(lambda connection: _delete_lone_jobs(connection, user_id)):
        pass
    for source_id in database.perform(_source_ids):
        for dataset in DATASETS.values():
            _purge(database, Scope(Owner(user_id, source_id), dataset))


def _untie(connection: Connection, user_id: int) -> None:
    """Let no group of the user wait for another or lie below one, so that they can go in any order."""
    mine = "SELECT id FROM job_groups WHERE user_id = :user_id"
    connection.execute(text("UPDATE job_groups SET parent_id = NULL WHERE user_id = :user_id"), {"user_id": user_id})
    connection.execute(
        text(f"DELETE FROM job_group_dependencies WHERE job_group_id IN ({mine}) OR depends_on_id IN ({mine})"),  # noqa: S608
        {"user_id": user_id},
    )


def _group_names(connection: Connection, user_id: int) -> list[str]:
    found = text("SELECT name FROM job_groups WHERE user_id = :user_id ORDER BY id")
    return list(connection.execute(found, {"user_id": user_id}).scalars())


def _delete_lone_jobs(connection: Connection, user_id: int) -> bool:
    """Delete some jobs that stand alone; whether there were any. What their attempts still bring is fenced."""
    some = "SELECT id FROM jobs WHERE job_group_id IS NULL AND user_id = :user_id ORDER BY id LIMIT :size FOR UPDATE"
    deleted = connection.execute(
        text(f"DELETE FROM jobs WHERE id IN ({some})"),  # noqa: S608 - from above
        {"user_id": user_id, "size": JOBS},
    )
    return deleted.rowcount > 0


def _source_ids(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT id FROM data_sources ORDER BY id")).scalars())


def _purge(database: Database, scope: Scope) -> None:
    database.perform(partial(purging.delete_coverage, scope=scope))
    for delete in (purging.delete_revisions, purging.delete_rows):
        place: int | None = 0
        while place is not None:
            place = database.perform(partial(delete, scope=scope, start=place)).following
