"""The versions of single rows: what was known from when until when, which attempt brought it, and what it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from moomarkets.domain.dataset import Dataset
from moomarkets.domain.reading import Reading
from moomarkets.store.holdings import Place
from moomarkets.store.reading import Reader
from moomarkets.store.reading_sql import conditions, literal, revised_codes


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a row. `until_at` None: it is the one that holds now. `changed`: column -> before and after.

    `from_at` is when it was fetched, `execution_id` the attempt that brought it.
    """

    key: dict[str, object]
    row: dict[str, object]
    from_at: datetime
    until_at: datetime | None
    execution_id: int | None
    changed: dict[str, tuple[object, object]] = field(default_factory=dict)


def history(reader: Reader, reading: Reading, place: Place, *, only_corrected: bool, limit: int) -> list[Version]:
    """The versions of the rows that `reading` names, by key, oldest first; at most `limit` of them.

    With `only_corrected`, rows that never changed are left out.
    """
    key = reading.dataset.key
    rows = reader.records(_query(reading, place, only_corrected, limit))
    return [
        version
        for _, same in groupby(rows, lambda row: tuple(row[name] for name in key))
        for version in _chain(reading.dataset, list(same))
    ]


def _chain(dataset: Dataset, rows: list[dict[str, Any]]) -> Iterator[Version]:
    values = [name for name in dataset.column_names if name not in dataset.key]
    for number, row in enumerate(rows):
        before = rows[number - 1] if number else row
        after = rows[number + 1] if number + 1 < len(rows) else None
        yield Version(
            key={name: row[name] for name in dataset.key},
            row={name: row[name] for name in dataset.column_names},
            from_at=row["fetched_at"],
            until_at=after["fetched_at"] if after else None,
            execution_id=row["execution_id"],
            changed=_changed(values, before, row),
        )


def _changed(
    names: list[str], before: Mapping[str, object], after: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    return {name: (before[name], after[name]) for name in names if before[name] != after[name]}


def _query(reading: Reading, place: Place, only_corrected: bool, limit: int) -> str:
    dataset = reading.dataset
    names = ", ".join(f"kept.{name}" for name in (*dataset.column_names, "execution_id", "fetched_at"))
    key = ", ".join(dataset.key)
    mine = f"user_id = {place.user_id} AND {{}}.data_source_id = {place.source_id}"
    wanted = [f"kept.{condition}" for condition in conditions(reading)]
    revised = [f"revisions.{mine.format('revisions')}", *revised_codes(reading), *wanted]
    same = " AND ".join(f"revised.{name} = kept.{name}" for name in dataset.key)
    corrected = f"EXISTS (SELECT FROM revised WHERE {same})" if only_corrected else "true"
    return f"""
        WITH revised AS MATERIALIZED (
            SELECT revisions.id AS of_revision, {names}
            FROM revisions CROSS JOIN LATERAL jsonb_populate_record(NULL::{dataset.name}, revisions.row) AS kept
            WHERE {" AND ".join(revised)} AND revisions.dataset = {literal(dataset.name)}
        ), versions AS (
            SELECT * FROM revised
            UNION ALL
            SELECT NULL, {names} FROM {dataset.name} AS kept
            WHERE {" AND ".join([f"kept.{mine.format('kept')}", *wanted, corrected])}
        )
        SELECT * FROM versions ORDER BY {key}, of_revision NULLS LAST LIMIT {limit}
        """  # noqa: S608 - names from code, values as literals
