"""Stores batches: copied in binary, then merged by one idempotent statement; replaced rows are kept as revisions."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import psycopg
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from moomarkets.domain.dataset import Batch, ColumnType, Dataset
from moomarkets.store.coverage import Owner

COPY = "COPY incoming FROM STDIN (FORMAT BINARY)"

_COPY_TYPES = {
    ColumnType.TEXT: "text",
    ColumnType.DATE: "date",
    ColumnType.INSTANT: "timestamptz",
    ColumnType.NUMBER: "float8",
    ColumnType.JSON: "text",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch changed: `written` rows are new or different, `revised` of them replaced older ones."""

    written: int
    revised: int


def upsert(
    connection: Connection,
    batch: Batch,
    owner: Owner,
    *,
    execution_id: int,
    fetched_at: datetime,
    look: Callable[[Connection], None] | None = None,
) -> Stored:
    """Store the rows of `batch` for their owner; rows that are there already and equal are left untouched.

    Works in the caller's transaction. A row that changes goes to `revisions` as it was. `look` may compare the new
    rows, which lie in the temporary table `incoming` by then, with those that are stored, and raise.
    """
    if not batch.rows:
        return Stored(0, 0)
    _copy(connection, batch)
    if look is not None:
        look(connection)
    written, revised = connection.execute(
        _merge(batch.dataset),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": batch.dataset.name,
            "execution_id": execution_id,
            "fetched_at": fetched_at,
        },
    ).one()
    connection.execute(text("DROP TABLE incoming"))
    return Stored(written, revised)


def count(connection: Connection, dataset: Dataset, user_id: int) -> int:
    """How many rows of the dataset the user has."""
    counted = text(f"SELECT count(*) FROM {dataset.name} WHERE user_id = :user_id")  # noqa: S608 - a name from code
    return int(connection.scalar(counted, {"user_id": user_id}) or 0)


def _copy(connection: Connection, batch: Batch) -> None:
    """Bring the rows into a table that this transaction alone sees, with JSON as text."""
    columns = batch.dataset.columns
    declared = ", ".join(f"{column.name} {_COPY_TYPES[column.type]}" for column in columns)
    connection.execute(text(f"CREATE TEMPORARY TABLE incoming ({declared}) ON COMMIT DROP"))
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    try:
        with raw.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.set_types([_COPY_TYPES[column.type] for column in columns])
            for row in _copied(batch):
                copy.write_row(row)
    except psycopg.Error as error:
        # The driver is spoken to directly here: its errors are made those that every other statement raises.
        raise DBAPIError.instance(
            COPY, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=raw.closed
        ) from error


def _copied(batch: Batch) -> Iterable[tuple[object, ...]]:
    """The rows with their JSON as text. Most datasets have it in the last column alone, and most rows none there."""
    places = [place for place, column in enumerate(batch.dataset.columns) if column.type is ColumnType.JSON]
    if len(places) == 1:
        return (row if row[-1] is None else (*row[:-1], _json(row[-1])) for row in batch.rows)
    return (_with_json(row, places) for row in batch.rows)


def _with_json(row: tuple[object, ...], places: Sequence[int]) -> tuple[object, ...]:
    values = list(row)
    for place in places:
        values[place] = None if values[place] is None else _json(values[place])
    return tuple(values)


@cache
def _merge(dataset: Dataset) -> TextClause:
    """One statement: note what will be replaced, insert or replace, count both. Names come from code alone."""
    names = dataset.column_names
    values = [name for name in names if name not in dataset.key]
    same_key = " AND ".join(f"kept.{name} = incoming.{name}" for name in dataset.key)
    is_json = {column.name for column in dataset.columns if column.type is ColumnType.JSON}
    incoming, incoming_values = (", ".join(_incoming(name, is_json) for name in some) for some in (names, values))
    return text(
        f"""
        WITH revised AS (
            INSERT INTO revisions (user_id, data_source_id, dataset, row, replaced_by)
            SELECT :user_id, :source_id, :dataset, to_jsonb(stored), :execution_id
            FROM incoming CROSS JOIN LATERAL (
                -- One look by key for each row, whatever the planner thinks: joined freely, the whole table was read.
                SELECT * FROM {dataset.name} AS kept
                WHERE kept.user_id = :user_id AND kept.data_source_id = :source_id AND {same_key} LIMIT 1
            ) AS stored
            WHERE ({_columns("stored", values)}) IS DISTINCT FROM ({incoming_values})
            RETURNING 1
        ), written AS (
            INSERT INTO {dataset.name} AS stored
                (user_id, data_source_id, {", ".join(names)}, execution_id, fetched_at)
            SELECT :user_id, :source_id, {incoming}, :execution_id, CAST(:fetched_at AS timestamptz)
            FROM incoming ORDER BY {_columns("incoming", dataset.key)}
            ON CONFLICT (user_id, data_source_id, {", ".join(dataset.key)}) DO UPDATE
            SET {", ".join(f"{name} = excluded.{name}" for name in values)},
                execution_id = excluded.execution_id, fetched_at = excluded.fetched_at
            WHERE ({_columns("stored", values)}) IS DISTINCT FROM ({_columns("excluded", values)})
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM revised)
        """  # noqa: S608 - names from code
    )


def _incoming(name: str, is_json: Collection[str]) -> str:
    return f"CAST(incoming.{name} AS jsonb)" if name in is_json else f"incoming.{name}"


def _columns(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
