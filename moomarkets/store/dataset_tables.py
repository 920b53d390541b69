"""The tables of datasets that other packages bring: made and widened as they are declared, never dropped or changed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from moomarkets.domain.dataset import EXTRA, Column, ColumnType, Dataset
from moomarkets.domain.errors import InvalidInput
from moomarkets.store.database import sqlalchemy_url

ADVISORY_KEY = 0x6D6F6F74  # one starter at a time makes tables
NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")
# What every such table has besides; a dataset has no columns of these names.
PROVENANCE = {
    "user_id": "bigint",
    "data_source_id": "bigint",
    "execution_id": "bigint",
    "fetched_at": ColumnType.INSTANT.value,
}
_SHOWN = {ColumnType.INSTANT: "timestamp with time zone"}


def ensure(owner_url: str, datasets: Iterable[Dataset]) -> dict[str, str]:
    """Have a table and a view for each dataset; returns by name what is wrong with those that cannot have one.

    `owner_url` is of a role that may create tables; others get their rights to new tables by the database's defaults.
    """
    faults: dict[str, str] = {}
    wanted = list(datasets)
    if not wanted:
        return faults
    engine = create_engine(sqlalchemy_url(owner_url), poolclass=NullPool, hide_parameters=True)
    try:
        for dataset in wanted:
            try:
                with engine.begin() as connection:
                    _ensure(connection, dataset)
            except (InvalidInput, DBAPIError) as error:
                detail = error.orig if isinstance(error, DBAPIError) else error
                faults[dataset.name] = f"dataset {dataset.name}: {str(detail).strip().splitlines()[0]}"
    finally:
        engine.dispose()
    return faults


def _ensure(connection: Connection, dataset: Dataset) -> None:
    _check(dataset)
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_KEY})
    owner = connection.execute(
        text("SELECT obj_description(CAST(to_regclass(:name) AS oid), 'pg_class'), to_regclass(:name) IS NOT NULL"),
        {"name": dataset.name},
    ).one()
    if not owner[1]:
        _create(connection, dataset)
    elif owner[0] != _mark(dataset):
        raise InvalidInput("name", "one that no other table has", dataset.name)
    else:
        _widen(connection, dataset)


def _check(dataset: Dataset) -> None:
    """Refuse what would not be a table of ours; names become part of statements."""
    names = [dataset.name, *dataset.column_names]
    for name in names:
        if NAME.fullmatch(name) is None:
            raise InvalidInput("name", "lower-case letters, digits and underscores, at most 51", name)
    if len(set(dataset.column_names)) < len(dataset.columns) or set(dataset.column_names) & set(PROVENANCE):
        raise InvalidInput("columns", f"names that differ, none of {', '.join(PROVENANCE)}", dataset.column_names)
    if not dataset.columns or dataset.columns[-1] != EXTRA:
        raise InvalidInput("columns", "EXTRA as the last one", dataset.column_names[-1:])
    if not dataset.key or not set(dataset.key) <= set(dataset.column_names[:-1]):
        raise InvalidInput("key", "some of the columns", dataset.key)
    if dataset.date and dataset.date not in dataset.column_names:
        raise InvalidInput("date", "one of the columns", dataset.date)


def _create(connection: Connection, dataset: Dataset) -> None:
    name, key = dataset.name, ", ".join(dataset.key)
    declared = ", ".join(_declared(column, dataset) for column in dataset.columns)
    connection.execute(
        text(
            f"""
            CREATE TABLE {name} (
                user_id bigint NOT NULL,
                data_source_id bigint NOT NULL,
                {declared},
                execution_id bigint,
                fetched_at timestamptz NOT NULL,
                PRIMARY KEY (user_id, data_source_id, {key})
            )
            """
        )
    )
    if dataset.date and dataset.date != dataset.key[0]:
        connection.execute(text(f"CREATE INDEX {name}_of_date ON {name} ({dataset.date})"))
    connection.execute(text(f"COMMENT ON TABLE {name} IS '{_mark(dataset)}'"))
    _show(connection, dataset)


def _widen(connection: Connection, dataset: Dataset) -> None:
    """Add columns that are new; refuse another key or another type, for the rows that are there have the old one."""
    kept = _kept_columns(connection, dataset.name)
    key = _kept_key(connection, dataset.name)
    if key != ["user_id", "data_source_id", *dataset.key]:
        raise InvalidInput("key", f"{', '.join(key[2:])}, as when its table was made", ", ".join(dataset.key))
    for column in dataset.columns:
        wanted = _SHOWN.get(column.type, column.type.value)
        if column.name not in kept:
            connection.execute(text(f"ALTER TABLE {dataset.name} ADD COLUMN {_declared(column, dataset)}"))
        elif kept[column.name] != wanted:
            raise InvalidInput(column.name, f"{kept[column.name]}, as when its table was made", wanted)
    if set(dataset.column_names) - set(kept):
        _show(connection, dataset)


def _show(connection: Connection, dataset: Dataset) -> None:
    connection.execute(
        text(f"CREATE OR REPLACE VIEW v_data_{dataset.name} AS SELECT * FROM {dataset.name}")  # noqa: S608 - checked
    )


def _declared(column: Column, dataset: Dataset) -> str:
    """A column as SQL; not-a-number and infinity never get in."""
    declared = f"{column.name} {column.type.value}"
    if column.name in dataset.key:
        declared += " NOT NULL"
    if column.type is ColumnType.NUMBER:
        declared += f" CHECK ({column.name} < 'Infinity' AND {column.name} > '-Infinity')"
    return declared


def _kept_columns(connection: Connection, table: str) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped"
        ),
        {"name": table},
    )
    return {str(row[0]): str(row[1]) for row in rows}


def _kept_key(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        text(
            """
            SELECT attname FROM pg_index CROSS JOIN LATERAL unnest(indkey) WITH ORDINALITY AS part (number, place)
            JOIN pg_attribute ON attrelid = indrelid AND attnum = part.number
            WHERE indrelid = to_regclass(:name) AND indisprimary ORDER BY part.place
            """
        ),
        {"name": table},
    )
    return [str(row[0]) for row in rows]


def _mark(dataset: Dataset) -> str:
    """The comment by which a table is known as one of these."""
    return f"moomarkets: dataset {dataset.name} of a package"
