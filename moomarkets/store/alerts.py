"""Alerts: what a person was told, once for each thing and day, whichever node tells it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from moomarkets.store.reports import Record

OVERDUE = "dataset.overdue"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know: about `subject`, on account of the day `for_on`."""

    user_id: int
    kind: str
    subject: str
    for_on: date
    detail: str


def tell(connection: Connection, alert: Alert, now: datetime) -> bool:
    """Write down that this is told; False where it was told before, by whichever node."""
    told = connection.execute(
        text(
            """
            INSERT INTO alerts (user_id, kind, subject, for_on, detail, told_at)
            VALUES (:user_id, :kind, :subject, :for_on, :detail, :now)
            ON CONFLICT (user_id, kind, subject, for_on) DO NOTHING RETURNING 1
            """
        ),
        {
            "user_id": alert.user_id,
            "kind": alert.kind,
            "subject": alert.subject,
            "for_on": alert.for_on,
            "detail": alert.detail,
            "now": now,
        },
    )
    return told.first() is not None


def recover(connection: Connection, user_id: int, kind: str, subject: str, up_to: date, now: datetime) -> int:
    """Write down that it is over with that subject, as far as days up to `up_to` are concerned; returns how many."""
    return connection.execute(
        text(
            """
            UPDATE alerts SET recovered_at = :now
            WHERE user_id = :user_id AND kind = :kind AND subject = :subject AND for_on <= :up_to
              AND recovered_at IS NULL
            """
        ),
        {"user_id": user_id, "kind": kind, "subject": subject, "up_to": up_to, "now": now},
    ).rowcount


def open_subjects(connection: Connection, kind: str) -> Collection[tuple[int, str]]:
    """User and subject of the alerts that are not over."""
    rows = connection.execute(
        text("SELECT DISTINCT user_id, subject FROM alerts WHERE kind = :kind AND recovered_at IS NULL"), {"kind": kind}
    )
    return {(user_id, subject) for user_id, subject in rows}


def page(connection: Connection, user_id: int, *, limit: int) -> list[Record]:
    """What was told, the newest first."""
    rows = connection.execute(
        text("SELECT * FROM v_alerts WHERE user_id = :user_id ORDER BY id DESC LIMIT :limit"),
        {"user_id": user_id, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]
