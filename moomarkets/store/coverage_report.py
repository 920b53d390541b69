"""Reads what is here of each dataset, which groups keep it, and why parts of it could not be fetched."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from moomarkets.domain.dataset import Dataset

_HELD = """
    SELECT dataset, count(*) FILTER (WHERE status = 'complete') AS complete,
           count(*) FILTER (WHERE status = 'empty') AS empty,
           count(*) FILTER (WHERE status = 'quarantined') AS quarantined,
           min(from_on) FILTER (WHERE status IN ('complete', 'empty')) AS first_on,
           max(to_on) FILTER (WHERE status IN ('complete', 'empty')) AS last_on,
           max(fetched_at) FILTER (WHERE status IN ('complete', 'empty')) AS fetched_at
    FROM coverage
    WHERE user_id = :user_id AND (CAST(:dataset AS text) IS NULL OR dataset = :dataset)
      AND (CAST(:from_on AS date) IS NULL OR to_on >= :from_on) AND (CAST(:to_on AS date) IS NULL OR from_on <= :to_on)
    GROUP BY dataset
"""
_TROUBLES = """
    SELECT jobs.parameters, jobs.last_error, jobs.status FROM jobs JOIN v_jobs ON v_jobs.id = jobs.id
    WHERE v_jobs.user_id = :user_id AND jobs.job_type = ANY (CAST(:job_types AS text[]))
      AND jobs.status IN ('failed', 'pending') AND jobs.last_error IS NOT NULL
    ORDER BY jobs.updated_at
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """What is here of a dataset: partitions by their state, and the dates that they reach over."""

    complete: int = 0
    empty: int = 0
    quarantined: int = 0
    first_on: date | None = None
    last_on: date | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """A group that is switched on, with the scope by which it keeps something."""

    group: str
    scope: dict[str, object]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a job has not brought what its parameters name."""

    parameters: dict[str, object]
    error: str
    is_failed: bool


def holdings(
    connection: Connection,
    user_id: int,
    dataset: str | None = None,
    from_on: date | None = None,
    to_on: date | None = None,
) -> dict[str, Holding]:
    """What is here, by dataset; narrowed to one dataset and to partitions that touch these dates, where given."""
    given = {"user_id": user_id, "dataset": dataset, "from_on": from_on, "to_on": to_on}
    return {row.dataset: Holding(*row[1:]) for row in connection.execute(text(_HELD), given)}


def count_rows(
    connection: Connection, dataset: Dataset, user_id: int, from_on: date | None = None, to_on: date | None = None
) -> int:
    """How many rows of the dataset the user has, of these dates where given."""
    given = {"user_id": user_id, "from_on": from_on, "to_on": to_on}
    sql = f"SELECT count(*) FROM {dataset.name} WHERE user_id = :user_id"  # noqa: S608 - names from code
    if dataset.date and from_on is not None:
        sql += f" AND {dataset.date} >= :from_on"
    if dataset.date and to_on is not None:
        sql += f" AND {dataset.date} <= :to_on"
    return int(connection.scalar(text(sql), given) or 0)


def keepings(connection: Connection, user_id: int) -> list[Keeping]:
    """The groups that are switched on, by name, with their scopes."""
    rows = connection.execute(
        text("SELECT name, scope FROM job_groups WHERE user_id = :user_id AND is_enabled ORDER BY name"),
        {"user_id": user_id},
    )
    return [Keeping(row.name, row.scope) for row in rows]


def troubles(connection: Connection, user_id: int, job_types: Collection[str]) -> list[Trouble]:
    """The jobs of these types that failed, or wait for another try; the newest last."""
    given = {"user_id": user_id, "job_types": list(job_types)}
    rows = connection.execute(text(_TROUBLES), given)
    return [Trouble(row.parameters, row.last_error, row.status == "failed") for row in rows]
