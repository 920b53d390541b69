"""How far the disclosures of a day have been read: the cursor that the provider gave, one for each dataset."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection, text

from moomarkets.store.coverage import Owner

LONGEST = 4096


def read(connection: Connection, owner: Owner, dataset: str, on_date: date) -> str:
    """The cursor for that day; "" where there is none."""
    found = connection.scalar(
        text(
            """
            SELECT cursor FROM reading_marks
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND on_date = :on_date
            """
        ),
        {"user_id": owner.user_id, "source_id": owner.source_id, "dataset": dataset, "on_date": on_date},
    )
    return str(found or "")


def write(connection: Connection, owner: Owner, dataset: str, on_date: date, cursor: str, updated_at: datetime) -> None:
    """Keep the cursor, in place of that of an earlier day or of the same; an older day's changes nothing."""
    if not 0 < len(cursor) <= LONGEST:
        return
    connection.execute(
        text(
            """
            INSERT INTO reading_marks (user_id, data_source_id, dataset, on_date, cursor, updated_at)
            VALUES (:user_id, :source_id, :dataset, :on_date, :cursor, :updated_at)
            ON CONFLICT (user_id, data_source_id, dataset) DO UPDATE
            SET on_date = excluded.on_date, cursor = excluded.cursor, updated_at = excluded.updated_at
            WHERE reading_marks.on_date <= excluded.on_date
            """
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "dataset": dataset,
            "on_date": on_date,
            "cursor": cursor,
            "updated_at": updated_at,
        },
    )
