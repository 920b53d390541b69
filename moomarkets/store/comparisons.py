"""Compares rows that are about to be stored with those that are there: counts of other days, closes, factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from sqlalchemy import Connection, TextClause, text

from moomarkets.domain.dataset import Dataset
from moomarkets.domain.quality import MOST_KEYS, Jump
from moomarkets.store.coverage import Owner
from moomarkets.store.datasets import Rows

USUAL_DAYS = 20
NEAR = timedelta(days=14)
"""How far a day may be away whose closes are compared: the longest holidays are shorter."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The nearest stored day of a dataset. `is_before`: as opposed to after the day that it is compared with."""

    on_date: date
    is_before: bool


@dataclass(frozen=True, slots=True)
class Jumps:
    """How many symbols could be compared, and which of them jumped; `keys` names at most `MOST_KEYS`."""

    compared: int
    count: int
    symbols: tuple[str, ...]


def usual_counts(connection: Connection, owner: Owner, dataset: str, key: str, day: date) -> Sequence[int]:
    """How many rows the fetched days around `day` have, at most 20 of them, the nearest first."""
    rows = connection.execute(
        text(
            """
            SELECT rows FROM (
                (SELECT from_on, rows FROM coverage
                 WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
                   AND from_on < :day AND from_on = to_on AND status = 'complete' ORDER BY from_on DESC LIMIT :most)
                UNION ALL
                (SELECT from_on, rows FROM coverage
                 WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
                   AND from_on > :day AND from_on = to_on AND status = 'complete' ORDER BY from_on LIMIT :most)
            ) AS around ORDER BY abs(from_on - CAST(:day AS date)) LIMIT :most
            """
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": dataset,
            "key": key,
            "day": day,
            "most": USUAL_DAYS,
        },
    )
    return [row.rows for row in rows]


def neighbour(connection: Connection, owner: Owner, dataset: Dataset, day: date) -> Neighbour | None:
    """The nearest day before `day` that has rows, else the nearest one after it; None where neither is near."""
    values = {
        "user_id": owner.user_id,
        "source_id": owner.source_id,
        "day": day,
        "first": day - NEAR,
        "last": day + NEAR,
    }
    for is_before, sides in ((True, _side(dataset, "<", "DESC")), (False, _side(dataset, ">", "ASC"))):
        found = connection.scalar(sides, values)
        if found is not None:
            return Neighbour(found, is_before)
    return None


def jumps(
    connection: Connection, owner: Owner, dataset: Dataset, jump: Jump, beside: Neighbour, day: date, rows: Rows
) -> Jumps:
    """Which of the new `rows` of that day jump against those of the stored day beside them.

    Symbols that were not traded on that day are not compared.
    """
    # Of a table that has just been filled the planner knows nothing: it would compare every row with every other.
    connection.execute(text("SET LOCAL enable_nestloop = off"))
    row = connection.execute(
        _jumps(dataset, jump.column, jump.factor, beside.is_before, rows),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "beside": beside.on_date,
            "day": day,
            "times": jump.times,
            "least": jump.least,
        },
    ).one()
    connection.execute(text("SET LOCAL enable_nestloop = DEFAULT"))
    symbols = row.symbols or []
    return Jumps(row.compared, len(symbols), tuple(sorted(symbols)[:MOST_KEYS]))


def vanished(connection: Connection, owner: Owner, dataset: Dataset, day: date, rows: Rows) -> Sequence[str]:
    """Symbols that have rows of that day in the store, and none among the new `rows`."""
    if rows is Rows.STORED:
        return []  # nothing was there before them
    found = connection.scalars(
        text(
            f"""
            SELECT DISTINCT kept.{dataset.symbol} FROM {dataset.name} AS kept
            WHERE kept.user_id = :user_id AND kept.data_source_id = :source_id AND kept.{dataset.date} = :day
              AND NOT EXISTS (SELECT FROM incoming WHERE incoming.{dataset.symbol} = kept.{dataset.symbol})
            ORDER BY 1
            """  # noqa: S608 - names from code
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id, "day": day},
    )
    return list(found)


def changed_factors(
    connection: Connection, owner: Owner, dataset: Dataset, factor: str, execution_id: int
) -> Sequence[tuple[str, date]]:
    """Symbol and date of the rows whose factor this execution has changed, in the order of their dates."""
    rows = connection.execute(
        text(
            f"""
            SELECT now.{dataset.symbol}, now.{dataset.date}
            FROM revisions JOIN {dataset.name} AS now
              ON now.user_id = :user_id AND now.data_source_id = :source_id
             AND now.{dataset.symbol} = revisions.row ->> '{dataset.symbol}'
             AND now.{dataset.date} = CAST(revisions.row ->> '{dataset.date}' AS date)
            WHERE revisions.replaced_by = :execution_id AND revisions.dataset = :dataset
              AND revisions.user_id = :user_id AND revisions.data_source_id = :source_id
              AND CAST(revisions.row ->> '{factor}' AS double precision) IS DISTINCT FROM now.{factor}
            ORDER BY 2, 1 LIMIT :most
            """  # noqa: S608 - names from code
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": dataset.name,
            "execution_id": execution_id,
            "most": MOST_KEYS,
        },
    )
    return [(symbol, on_date) for symbol, on_date in rows]


def corrected_days(connection: Connection, owner: Owner, dataset: Dataset, execution_id: int) -> frozenset[date]:
    """The dates of the rows that this execution has replaced."""
    rows = connection.scalars(
        text(
            f"""
            SELECT DISTINCT CAST(row ->> '{dataset.date}' AS date) FROM revisions
            WHERE replaced_by = :execution_id AND dataset = :dataset
              AND user_id = :user_id AND data_source_id = :source_id
            """  # noqa: S608 - names from code
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": dataset.name,
            "execution_id": execution_id,
        },
    )
    return frozenset(rows)


def _new(dataset: Dataset, rows: Rows) -> str:
    """The new rows: those that wait to be merged, or all of their day where none was there before."""
    if rows is Rows.INCOMING:
        return "incoming"
    return f"{dataset.name} WHERE user_id = :user_id AND data_source_id = :source_id AND {dataset.date} = :day"


@cache
def _side(dataset: Dataset, side: str, order: str) -> TextClause:
    return text(
        f"""
        SELECT {dataset.date} FROM {dataset.name}
        WHERE user_id = :user_id AND data_source_id = :source_id AND {dataset.date} {side} :day
          AND {dataset.date} BETWEEN :first AND :last
        ORDER BY {dataset.date} {order} LIMIT 1
        """  # noqa: S608 - names from code
    )


@cache
def _jumps(dataset: Dataset, column: str, factor: str, is_before: bool, rows: Rows) -> TextClause:
    later, earlier = ("incoming", "kept") if is_before else ("kept", "incoming")
    # The factor of a day applies to the prices of the days before it; none, or 0, counts as 1.
    multiplied = f"{earlier}.{column}" + (f" * coalesce(nullif({later}.{factor}, 0), 1)" if factor else "")
    shown = f", {factor}" if factor else ""
    return text(
        f"""
        WITH incoming AS MATERIALIZED (
            SELECT {dataset.symbol}, {column}{shown} FROM {_new(dataset, rows)}
        ), kept AS MATERIALIZED (
            SELECT {dataset.symbol}, {column}{shown} FROM {dataset.name}
            WHERE user_id = :user_id AND data_source_id = :source_id AND {dataset.date} = :beside
              AND {column} IS NOT NULL
        ), compared AS (
            SELECT incoming.{dataset.symbol} AS symbol, {multiplied} AS expected, {later}.{column} AS got
            FROM incoming JOIN kept USING ({dataset.symbol}) WHERE incoming.{column} IS NOT NULL
        )
        SELECT count(*) AS compared, array_agg(symbol) FILTER (
            WHERE abs(got - expected) > :least AND (got >= expected * :times OR got * :times <= expected)) AS symbols
        FROM compared
        """  # noqa: S608 - names from code
    )
