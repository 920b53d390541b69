"""Coverage: which partitions of which dataset were fetched completely, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from moomarkets.domain.coverage import Covered
from moomarkets.domain.ways import Past
from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose data and from where: every row belongs to the user whose credential fetched it."""

    user_id: int
    source_id: int


def record(
    connection: Connection,
    owner: Owner,
    dataset: str,
    covered: Covered,
    *,
    rows: int,
    pages: int,
    execution_id: int,
    status: str = "",
) -> None:
    """Record a partition as fetched, in the transaction that stores its rows.

    The partitions of a key never overlap: what is covered anew is taken out of older ones, whose rest stays.
    """
    connection.execute(
        statement("record_coverage"),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": dataset,
            "key": covered.key,
            "from_on": covered.from_on,
            "to_on": covered.to_on,
            "status": status or ("complete" if rows else "empty"),
            "rows": rows,
            "pages": pages,
            "execution_id": execution_id,
            "fetched_at": covered.fetched_at,
        },
    )


def mark(
    connection: Connection, owner: Owner, dataset: str, covered: Covered, *, is_verified: bool, is_corrected: bool
) -> None:
    """Note of a partition that was just recorded that it was looked at again, and whether that changed rows."""
    connection.execute(
        text(
            """
            UPDATE coverage SET
                verified_at = CASE WHEN :is_verified THEN fetched_at ELSE verified_at END,
                corrected_at = CASE WHEN :is_corrected THEN fetched_at ELSE corrected_at END
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
              AND from_on = :from_on
            """
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": dataset,
            "key": covered.key,
            "from_on": covered.from_on,
            "is_verified": is_verified,
            "is_corrected": is_corrected,
        },
    )


def corrected(connection: Connection, owner: Owner, dataset: str, since: datetime) -> list[tuple[str, date]]:
    """Key and first date of the partitions in which a fetch since then has changed rows."""
    rows = connection.execute(
        text(
            """
            SELECT key, from_on FROM coverage
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND corrected_at >= :since
            """
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id, "dataset": dataset, "since": since},
    )
    return [(key, from_on) for key, from_on in rows]


def record_out_of_window(
    connection: Connection, owner: Owner, dataset: str, covered: Covered, *, execution_id: int
) -> None:
    """Record that the subscription does not let us read a partition, unless some of it was read before."""
    if rows_of(connection, owner, dataset, covered) is None:
        record(connection, owner, dataset, covered, rows=0, pages=0, execution_id=execution_id, status="out_of_window")


def rows_of(connection: Connection, owner: Owner, dataset: str, covered: Covered) -> int | None:
    """How many rows the fetches of those dates brought that are recorded; None where there was none."""
    found: int | None = connection.scalar(
        text(
            """
            SELECT sum(rows) FROM coverage
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
              AND from_on <= :to_on AND to_on >= :from_on AND status IN ('complete', 'empty')
            """
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": dataset,
            "key": covered.key,
            "from_on": covered.from_on,
            "to_on": covered.to_on,
        },
    )
    return found


def read(connection: Connection, owner: Owner, dataset: str) -> list[Covered]:
    """All partitions of the dataset that were fetched completely."""
    rows = connection.execute(
        text(
            """
            SELECT key, from_on, to_on, fetched_at, status = 'empty' FROM coverage
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset
              AND status IN ('complete', 'empty')
            """
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id, "dataset": dataset},
    )
    return [Covered(*row) for row in rows]


def calendar(connection: Connection, owner: Owner) -> dict[date, str]:
    """The stored trading calendar: date -> holiday division."""
    rows = connection.execute(
        text(
            "SELECT on_date, holiday_division FROM trading_calendar"
            " WHERE user_id = :user_id AND data_source_id = :source_id"
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id},
    )
    return {row.on_date: row.holiday_division for row in rows}


def past(connection: Connection, owner: Owner, dataset: str) -> Past:
    """What the newest fetches of single days have brought; files, which bring many days at once, do not count."""
    row = connection.execute(
        text(
            """
            WITH days AS (
                SELECT execution_id, rows, pages, fetched_at FROM coverage
                WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset
                  AND key = 'ALL' AND from_on = to_on AND status = 'complete' AND execution_id IS NOT NULL
                ORDER BY fetched_at DESC LIMIT 400
            ), single AS (
                SELECT execution_id, max(rows) AS rows, max(pages) AS pages FROM days
                GROUP BY execution_id HAVING count(*) = 1
            )
            SELECT count(*), coalesce(sum(newest.rows), 0), coalesce(sum(executions.bytes), 0),
                   coalesce(sum(newest.pages), 0)
            FROM (SELECT * FROM single ORDER BY execution_id DESC LIMIT 60) AS newest
            JOIN executions ON executions.id = newest.execution_id
            """
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id, "dataset": dataset},
    ).one()
    return Past(*(int(value) for value in row))
