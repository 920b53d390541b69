"""Reads what faces show, from the stable views; never through an actor."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.store.datasets import count
from moomarkets.store.sql import statement

Record = dict[str, object]


def groups(connection: Connection, user_id: int) -> list[Record]:
    """All groups of the user with the counters of their newest run, by id."""
    return _records(connection, "SELECT * FROM v_groups WHERE user_id = :user_id ORDER BY id", {"user_id": user_id})


def jobs(connection: Connection, user_id: int, *, group: str | None, status: str | None, limit: int) -> list[Record]:
    """Jobs of the user, newest change first; narrowed to a group or a status where given."""
    return _records(
        connection,
        """
        SELECT * FROM v_jobs
        WHERE user_id = :user_id AND (CAST(:job_group AS text) IS NULL OR job_group = :job_group)
          AND (CAST(:status AS text) IS NULL OR status = :status)
        ORDER BY updated_at DESC, id DESC LIMIT :limit
        """,
        {"user_id": user_id, "job_group": group, "status": status, "limit": limit},
    )


def executions(
    connection: Connection, user_id: int, *, group: str | None, status: str | None, limit: int
) -> list[Record]:
    """Attempts of the user's jobs, newest first; narrowed to a group or a status where given."""
    return _records(
        connection,
        """
        SELECT * FROM v_executions
        WHERE user_id = :user_id AND (CAST(:job_group AS text) IS NULL OR job_group = :job_group)
          AND (CAST(:status AS text) IS NULL OR status = :status)
        ORDER BY id DESC LIMIT :limit
        """,
        {"user_id": user_id, "job_group": group, "status": status, "limit": limit},
    )


def run(connection: Connection, run_id: int) -> Record | None:
    """One run; None where there is none."""
    found = _records(connection, "SELECT * FROM v_runs WHERE id = :id", {"id": run_id})
    return found[0] if found else None


def first_active_run(connection: Connection) -> int:
    """The id from which on runs are of interest now: the first active one, or the next one to come."""
    return int(
        connection.scalar(
            text("SELECT coalesce(min(id) FILTER (WHERE status IN ('pending', 'running')), max(id) + 1, 1) FROM runs")
        )
        or 1
    )


def runs_from(connection: Connection, user_id: int, first: int) -> list[Record]:
    """The user's runs from that id on, oldest first."""
    return _records(
        connection,
        "SELECT * FROM v_runs WHERE user_id = :user_id AND id >= :first ORDER BY id",
        {"user_id": user_id, "first": first},
    )


def dataset_rows(connection: Connection, user_id: int) -> dict[str, int]:
    """How many rows of each dataset the user has."""
    return {name: count(connection, dataset, user_id) for name, dataset in DATASETS.items()}


def nodes(connection: Connection) -> list[Record]:
    """The supervisor processes that have shown themselves within the last minute and have not stopped."""
    return _records(
        connection,
        """
        SELECT id, host, pid, version, started_at, seen_at FROM v_nodes
        WHERE stopped_at IS NULL AND seen_at > clock_timestamp() - interval '60 seconds' ORDER BY started_at
        """,
        {},
    )


def work_left(connection: Connection, user_id: int | None = None) -> Record:
    """What is not done, of one user or of all.

    Active runs, jobs that are due, running, resting or waiting for a retry, and the next time.
    """
    return dict(connection.execute(statement("read_work_left"), {"user_id": user_id}).mappings().one())


def _records(connection: Connection, sql: str, parameters: Mapping[str, object]) -> list[Record]:
    return [dict(row) for row in connection.execute(text(sql), parameters).mappings()]
