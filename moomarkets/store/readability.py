"""Which credentials do not open on some node: their groups wait, and nothing of them is overwritten.

A node says so of a credential, and that node alone, or any other once it has gone, takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.store import sealed
from moomarkets.store.notify import RUNS, notify
from moomarkets.store.seal import Place


@dataclass(frozen=True, slots=True)
class Change:
    """A credential that does not open any more, or opens again."""

    user: str
    source: str
    is_readable: bool


def judge(connection: Connection, node_id: UUID, open_one: Callable[[bytes, Place], object]) -> list[Change]:
    """Try to open everything that is sealed, and have the store say what does not open; returns what has changed."""
    return list(_changes(connection, node_id, open_one))


def mark(connection: Connection, user_id: int, source_id: int, node_id: UUID) -> bool:
    """Say that the credential does not open on that node; False where somebody has said so already."""
    marked = connection.execute(
        text(
            "UPDATE data_source_credentials SET unreadable_by = :node_id"
            " WHERE user_id = :user_id AND data_source_id = :source_id AND unreadable_by IS NULL"
        ),
        {"user_id": user_id, "source_id": source_id, "node_id": node_id},
    )
    if marked.rowcount:
        notify(connection, RUNS)
    return marked.rowcount > 0


def _changes(connection: Connection, node_id: UUID, open_one: Callable[[bytes, Place], object]) -> Iterator[Change]:
    asked = text("SELECT id FROM data_source_credentials WHERE unreadable_by IS NOT NULL")
    flagged = set(connection.execute(asked).scalars())
    for row in list(sealed.rows(connection)):
        is_readable = all(sealed.opens(open_one, blob, row.places[column]) for column, blob in row.blobs.items())
        if is_readable == (row.id not in flagged):
            continue
        place = next(iter(row.places.values()))
        changed = (
            _clear(connection, row.id, node_id)
            if is_readable
            else mark(connection, int(place.user_id), int(place.source_id), node_id)
        )
        if changed:
            yield Change(row.user, row.source, is_readable)


def _clear(connection: Connection, credential_id: int, node_id: UUID) -> bool:
    cleared = connection.execute(
        text(
            """
            UPDATE data_source_credentials SET unreadable_by = NULL
            WHERE id = :id AND (unreadable_by = :node_id OR NOT EXISTS (
                SELECT FROM nodes WHERE nodes.id = unreadable_by AND stopped_at IS NULL
                  AND seen_at > clock_timestamp() - interval '60 seconds'))
            """
        ),
        {"id": credential_id, "node_id": node_id},
    )
    if cleared.rowcount:
        notify(connection, RUNS)
    return cleared.rowcount > 0
