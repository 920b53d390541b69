"""What providers have said may be read, kept for a week or until the subscription is another one."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, text

from moomarkets.domain.learnt import Learnt, Readable
from moomarkets.store.coverage import Owner

GOOD_FOR = timedelta(days=7)


def keep_window(
    connection: Connection, owner: Owner, endpoint: str, readable: Readable, subscription: str, learnt_at: datetime
) -> None:
    """The provider has said from when to when the data of the endpoint, or of the whole source, may be read."""
    _keep(connection, owner, endpoint, True, readable.first_on, readable.last_on, subscription, learnt_at)


def keep_refusal(connection: Connection, owner: Owner, endpoint: str, subscription: str, learnt_at: datetime) -> None:
    """The provider has said that the endpoint is not part of the subscription."""
    _keep(connection, owner, endpoint, False, None, None, subscription, learnt_at)


def forget(connection: Connection, owner: Owner) -> None:
    """What was learnt of the source does not hold any more."""
    connection.execute(
        text("DELETE FROM learnt_access WHERE user_id = :user_id AND data_source_id = :source_id"),
        {"user_id": owner.user_id, "source_id": owner.source_id},
    )


def read(connection: Connection, owner: Owner, subscription: str, now: datetime) -> Learnt:
    """What holds still of what was learnt with that subscription."""
    rows = connection.execute(
        text(
            """
            SELECT endpoint, is_included, first_on, last_on, learnt_at FROM learnt_access
            WHERE user_id = :user_id AND data_source_id = :source_id AND subscription = :subscription
              AND learnt_at > CAST(:since AS timestamptz)
            """
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "subscription": subscription,
            "since": now - GOOD_FOR,
        },
    ).all()
    windows = {
        row.endpoint: (Readable(row.first_on, row.last_on), row.learnt_at)
        for row in rows
        if row.first_on or row.last_on
    }
    return Learnt(windows, frozenset(row.endpoint for row in rows if not row.is_included))


def _keep(
    connection: Connection,
    owner: Owner,
    endpoint: str,
    is_included: bool,
    first_on: date | None,
    last_on: date | None,
    subscription: str,
    learnt_at: datetime,
) -> None:
    connection.execute(
        text(
            """
            INSERT INTO learnt_access
                (user_id, data_source_id, endpoint, is_included, first_on, last_on, subscription, learnt_at)
            VALUES (:user_id, :source_id, :endpoint, :is_included, :first_on, :last_on, :subscription, :learnt_at)
            ON CONFLICT (user_id, data_source_id, endpoint) DO UPDATE
            SET is_included = excluded.is_included, first_on = excluded.first_on, last_on = excluded.last_on,
                subscription = excluded.subscription, learnt_at = excluded.learnt_at
            """
        ),
        {
            "user_id": owner.user_id,
            "source_id": owner.source_id,
            "endpoint": endpoint,
            "is_included": is_included,
            "first_on": first_on,
            "last_on": last_on,
            "subscription": subscription,
            "learnt_at": learnt_at,
        },
    )
