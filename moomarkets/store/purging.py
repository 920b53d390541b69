"""Deletes stored data of one user and source in pieces, with what is known of them: coverage and older revisions.

Each piece is a short transaction. A table is walked by its blocks, so that a piece costs the same whatever was deleted
before it, and however the rows lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from moomarkets.domain.dataset import ColumnType, Dataset
from moomarkets.store.coverage import Owner

# The names in the statements below come from the datasets of our code, never from anybody's input.
# ruff: noqa: S608

BLOCKS = 256
"""Of 8 KiB each: about twenty thousand rows of bars."""

REVISIONS = 5000


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows of which dataset, from one date to another; None where the end is open.

    Open at both ends: everything, also what has no date.
    """

    owner: Owner
    dataset: Dataset
    first_on: date | None = None
    last_on: date | None = None

    @property
    def values(self) -> dict[str, object]:
        """The parameters of every statement here."""
        return {
            "user_id": self.owner.user_id,
            "source_id": self.owner.source_id,
            "dataset": self.dataset.name,
            "first_on": self.first_on,
            "last_on": self.last_on,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows there are in a scope, over which dates; revisions and coverage beside them."""

    rows: int
    first_on: date | None
    last_on: date | None
    revisions: int
    coverage: int


@dataclass(frozen=True, slots=True)
class Piece:
    """What a piece deleted, and where the next one begins; None: it was the last."""

    count: int
    following: int | None


def date_column(dataset: Dataset) -> str | None:
    """The column that says which date a row is about: the one that it is read by, or the first; None: it has none."""
    dated = [column.name for column in dataset.columns if column.type is ColumnType.DATE]
    return dataset.date if dataset.date in dated else next(iter(dated), None)


def look(connection: Connection, scope: Scope) -> Found:
    """Count what would go."""
    column = date_column(scope.dataset)
    ends = f"min({column}), max({column})" if column else "NULL::date, NULL::date"
    counted = connection.execute(
        text(f"SELECT count(*), {ends} FROM {scope.dataset.name} WHERE {_rows(scope)}"), scope.values
    ).one()
    revisions = connection.scalar(text(f"SELECT count(*) FROM revisions WHERE {_revised(scope)}"), scope.values)
    coverage = connection.scalar(text(f"SELECT count(*) FROM coverage WHERE {_COVERED}"), scope.values)
    return Found(counted[0], counted[1], counted[2], int(revisions or 0), int(coverage or 0))


def delete_rows(connection: Connection, scope: Scope, start: int) -> Piece:
    """Delete the rows in some blocks of the dataset's table, from number `start` on."""
    end = start + BLOCKS
    deleted = connection.execute(
        text(
            f"DELETE FROM {scope.dataset.name}"
            f" WHERE ctid >= CAST(:from_tid AS tid) AND ctid < CAST(:to_tid AS tid) AND {_rows(scope)}"
        ),
        {**scope.values, "from_tid": f"({start},0)", "to_tid": f"({end},0)"},
    ).rowcount
    blocks = connection.scalar(
        text("SELECT pg_relation_size(CAST(:table AS regclass)) / current_setting('block_size')::int"),
        {"table": scope.dataset.name},
    )
    return Piece(deleted, end if end < int(blocks or 0) else None)


def delete_revisions(connection: Connection, scope: Scope, start: int) -> Piece:
    """Delete some of the older revisions, those with ids above `start`."""
    deleted = connection.execute(
        text(
            f"""
            DELETE FROM revisions WHERE id IN (
                SELECT id FROM revisions WHERE id > :after_id AND {_revised(scope)} ORDER BY id LIMIT :size)
            RETURNING id
            """
        ),
        {**scope.values, "after_id": start, "size": REVISIONS},
    )
    ids = deleted.scalars().all()
    return Piece(len(ids), max(ids) if len(ids) == REVISIONS else None)


def delete_coverage(connection: Connection, scope: Scope) -> int:
    """Forget what was covered; of a partition that reaches over an edge the rest stays covered."""
    rest = "user_id, data_source_id, dataset, key"
    facts = "status, rows, pages, execution_id, fetched_at, verified_at, corrected_at"
    gone = connection.scalar(
        text(
            f"""
            WITH gone AS (DELETE FROM coverage WHERE {_COVERED} RETURNING *), kept AS (
                INSERT INTO coverage ({rest}, from_on, to_on, {facts})
                SELECT {rest}, from_on, CAST(:first_on AS date) - 1, {facts} FROM gone
                WHERE from_on < CAST(:first_on AS date)
                UNION ALL
                SELECT {rest}, CAST(:last_on AS date) + 1, to_on, {facts} FROM gone
                WHERE to_on > CAST(:last_on AS date)
            )
            SELECT count(*) FROM gone
            """
        ),
        scope.values,
    )
    return int(gone or 0)


def delete_marks(connection: Connection, scope: Scope) -> None:
    """Forget what else is kept of these dates: answers in quarantine, findings, and how far a day has been read.

    The answers hold data as well; a mark that stayed would have only what is newer come when the day is read again.
    """
    for table in ("quarantine", "findings"):
        connection.execute(text(f"DELETE FROM {table} WHERE {_COVERED}"), scope.values)
    dated = _dated(scope, "on_date")
    connection.execute(text(f"DELETE FROM reading_marks WHERE {_MINE} AND dataset = :dataset{dated}"), scope.values)


def is_in_use(connection: Connection, owner: Owner, job_types: Sequence[str] = ()) -> bool:
    """Whether a job of that user and source runs, or a run of theirs is under way while the source is not paused.

    `job_types` are those that ask the source: they may run alone, or in a group of another source or of none.
    """
    return bool(
        connection.scalar(
            text(
                """
                SELECT EXISTS (
                    SELECT FROM runs
                    JOIN job_groups ON job_groups.id = runs.job_group_id
                    JOIN data_sources ON data_sources.id = job_groups.data_source_id
                    WHERE job_groups.user_id = :user_id AND data_sources.id = :source_id AND runs.status = 'running'
                      AND (NOT data_sources.is_paused OR EXISTS (
                          SELECT FROM jobs WHERE jobs.run_id = runs.id AND jobs.status = 'running'))
                ) OR EXISTS (
                    SELECT FROM jobs LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
                    WHERE jobs.status = 'running' AND jobs.job_type = ANY (CAST(:job_types AS text[]))
                      AND coalesce(job_groups.user_id, jobs.user_id) = :user_id)
                """
            ),
            {"user_id": owner.user_id, "source_id": owner.source_id, "job_types": list(job_types)},
        )
    )


_MINE = "user_id = :user_id AND data_source_id = :source_id"
_COVERED = f"""{_MINE} AND dataset = :dataset
    AND (CAST(:first_on AS date) IS NULL OR to_on >= :first_on)
    AND (CAST(:last_on AS date) IS NULL OR from_on <= :last_on)"""


def _rows(scope: Scope) -> str:
    return f"{_MINE}{_dated(scope, date_column(scope.dataset))}"


def _revised(scope: Scope) -> str:
    column = date_column(scope.dataset)
    dated = _dated(scope, f"CAST(row ->> '{column}' AS date)" if column else None)
    return f"dataset = :dataset AND {_MINE}{dated}"


def _dated(scope: Scope, column: str | None) -> str:
    """The dates as a condition; what has none lies in no period, only in everything."""
    ends = [(scope.first_on, ">= :first_on"), (scope.last_on, "<= :last_on")]
    given = [condition for end, condition in ends if end is not None]
    if given and column is None:
        return " AND false"
    return "".join(f" AND {column} {condition}" for condition in given)
