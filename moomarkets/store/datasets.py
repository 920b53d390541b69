"""Stores rows: copied in binary, merged by one idempotent statement; replaced rows are kept as revisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache

import psycopg
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from moomarkets.domain.dataset import Batch, Dataset
from moomarkets.store.coverage import Owner
from moomarkets.store.packing import HEADER, TRAILER, Provenance, RowPacker


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch changed: `written` rows are new or different, `revised` of them replaced older ones.

    `twins` were left out, because a later row had the same key.
    """

    written: int
    revised: int
    twins: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.written + other.written, self.revised + other.revised, self.twins + other.twins)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one dataset, packed by a `RowPacker` in `pieces`.

    A key may come more than once: the last row with it counts. `is_new`: most likely none of the keys is stored yet.
    """

    dataset: Dataset
    provenance: Provenance
    columns: tuple[str, ...]
    pieces: Sequence[bytes]
    rows: int
    is_new: bool = False


class Rows(Enum):
    """Where new rows are while they are looked at."""

    INCOMING = "incoming"
    """In the temporary table of this name, still to be merged."""

    STORED = "stored"
    """In the table of their dataset, which had none of their dates before."""


Look = Callable[[Connection, Rows], None]
"""Compares new rows with those that were there before, and raises where they may not stay."""


def upsert(
    connection: Connection,
    batch: Batch,
    owner: Owner,
    *,
    execution_id: int,
    fetched_at: datetime,
    look: Look | None = None,
) -> Stored:
    """Store the rows of `batch` for their owner; rows that are there already and equal are left untouched.

    Works in the caller's transaction. A row that changes goes to `revisions` as it was. What `look` raises must end the
    transaction.
    """
    provenance = Provenance(owner.user_id, owner.source_id, execution_id, fetched_at)
    packer = RowPacker(batch.dataset, provenance)
    dates = dates_of(batch)
    is_new = bool(dates) and not has_rows(connection, batch.dataset, owner, min(dates), max(dates))
    pieces = [packer.pack(batch.rows)]
    return store(connection, Part(batch.dataset, provenance, packer.columns, pieces, len(batch.rows), is_new), look)


def store(connection: Connection, part: Part, look: Look | None = None) -> Stored:
    """The same for rows that are packed already."""
    if not part.rows:
        return Stored(0, 0)
    if part.is_new:
        try:
            with connection.begin_nested():
                _copy(connection, part, part.dataset.name)
            if look is not None:
                look(connection, Rows.STORED)
            return Stored(part.rows, 0)
        except IntegrityError as error:
            # Twins, or somebody else was faster, or a row that has changed its date: what the merge is for.
            if not isinstance(error.orig, psycopg.errors.UniqueViolation):
                raise
    connection.execute(text(f"CREATE TEMPORARY TABLE incoming (LIKE {part.dataset.name}) ON COMMIT DROP"))
    _copy(connection, part, "incoming")
    if look is not None:
        look(connection, Rows.INCOMING)
    provenance = part.provenance
    merged = connection.execute(
        _merge(part.dataset),
        {"user_id": provenance.user_id, "source_id": provenance.source_id, "dataset": part.dataset.name},
    ).one()
    connection.execute(text("DROP TABLE incoming"))
    return Stored(*merged)


def count(connection: Connection, dataset: Dataset, user_id: int) -> int:
    """How many rows of the dataset the user has."""
    counted = text(f"SELECT count(*) FROM {dataset.name} WHERE user_id = :user_id")  # noqa: S608 - a name from code
    return int(connection.scalar(counted, {"user_id": user_id}) or 0)


def count_by_date(connection: Connection, dataset: Dataset, owner: Owner, first: date, last: date) -> dict[date, int]:
    """How many rows the owner has of each date, where there are some."""
    counted = text(
        f"SELECT {dataset.date}, count(*) FROM {dataset.name} WHERE user_id = :user_id"  # noqa: S608 - names from code
        f" AND data_source_id = :source_id AND {dataset.date} BETWEEN :first AND :last GROUP BY 1"
    )
    named = {"user_id": owner.user_id, "source_id": owner.source_id, "first": first, "last": last}
    return {row[0]: row[1] for row in connection.execute(counted, named)}


def dates_of(batch: Batch) -> list[date]:
    """The date of each row; none where the dataset has no date, or rows without one."""
    if not batch.dataset.date:
        return []
    place = batch.dataset.column_names.index(batch.dataset.date)
    dates = [row[place] for row in batch.rows]
    return [] if None in dates else dates  # type: ignore[return-value]  # a column of dates


def has_rows(connection: Connection, dataset: Dataset, owner: Owner, first: date, last: date) -> bool:
    """Whether the owner has rows from `first` to `last` already; True for a dataset without a date, to be sure."""
    if not dataset.date:
        return True
    # The order makes the planner take the index by date; else it may look for the one row in the whole table.
    found = text(
        f"SELECT 1 FROM {dataset.name} WHERE user_id = :user_id AND data_source_id = :source_id"  # noqa: S608 - names from code
        f" AND {dataset.date} BETWEEN :first AND :last ORDER BY {dataset.date} LIMIT 1"
    )
    named = {"user_id": owner.user_id, "source_id": owner.source_id, "first": first, "last": last}
    return bool(connection.scalar(found, named))


def _copy(connection: Connection, part: Part, table: str) -> None:
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    statement = f"COPY {table} ({', '.join(part.columns)}) FROM STDIN (FORMAT BINARY)"
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(HEADER)
            for piece in part.pieces:
                copy.write(piece)
            copy.write(TRAILER)
    except psycopg.Error as error:
        # The driver is spoken to directly here: its errors are made those that every other statement raises.
        raise DBAPIError.instance(
            statement, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=raw.closed
        ) from error


@cache
def _merge(dataset: Dataset) -> TextClause:
    """One statement: find what is new or different, note what it replaces, insert or replace, count both.

    Names come from code alone. What is equal is not even locked.
    """
    names = (*dataset.column_names, "execution_id", "fetched_at")
    values = [name for name in dataset.column_names if name not in dataset.key]
    same_key = " AND ".join(f"kept.{name} = given.{name}" for name in dataset.key)
    key = ", ".join(dataset.key)
    return text(
        f"""
        WITH given AS (
            -- Of twins the last that came.
            SELECT DISTINCT ON ({key}) * FROM incoming ORDER BY {key}, ctid DESC
        ), changed AS (
            SELECT given.*, CASE WHEN stored.user_id IS NOT NULL THEN to_jsonb(stored) END AS before
            FROM given LEFT JOIN LATERAL (
                -- One look by key for each row, whatever the planner thinks: joined freely, the whole table was read.
                SELECT * FROM {dataset.name} AS kept
                WHERE kept.user_id = :user_id AND kept.data_source_id = :source_id AND {same_key} LIMIT 1
            ) AS stored ON true
            WHERE stored.user_id IS NULL
                OR ({_columns("stored", values)}) IS DISTINCT FROM ({_columns("given", values)})
        ), revised AS (
            INSERT INTO revisions (user_id, data_source_id, dataset, row, replaced_by)
            SELECT user_id, data_source_id, :dataset, before, execution_id FROM changed WHERE before IS NOT NULL
            RETURNING 1
        ), written AS (
            INSERT INTO {dataset.name} AS stored (user_id, data_source_id, {", ".join(names)})
            SELECT user_id, data_source_id, {", ".join(names)} FROM changed ORDER BY {key}
            ON CONFLICT (user_id, data_source_id, {key}) DO UPDATE
            SET {", ".join(f"{name} = excluded.{name}" for name in names if name not in dataset.key)}
            WHERE ({_columns("stored", values)}) IS DISTINCT FROM ({_columns("excluded", values)})
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM revised),
            (SELECT count(*) FROM incoming) - (SELECT count(*) FROM given)
        """  # noqa: S608 - names from code
    )


def _columns(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)
