"""Which credentials do not open on some node: their groups wait, and nothing of them is overwritten.

A node says so of a credential, and that node alone, or any other once it has gone, takes it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.store import sealed
from moomarkets.store.notify import RUNS, notify
from moomarkets.store.seal import Place
from moomarkets.store.sealed import SealedRow


@dataclass(frozen=True, slots=True)
class Change:
    """A credential that does not open any more, or opens again."""

    user: str
    source: str
    is_readable: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A credential of which the store says something else than what a try to open it has shown."""

    row: SealedRow
    is_readable: bool


def read(connection: Connection) -> list[tuple[SealedRow, bool]]:
    """Everything that is sealed, and of each whether the store says that it opens."""
    asked = text("SELECT id FROM data_source_credentials WHERE unreadable_by IS NOT NULL")
    flagged = set(connection.execute(asked).scalars())
    return [(row, row.id not in flagged) for row in sealed.rows(connection)]


def judge(rows: Iterable[tuple[SealedRow, bool]], open_one: Callable[[bytes, Place], object]) -> list[Judged]:
    """Try to open everything; that may take long, where a command gives the keys, so no transaction waits for it."""
    judged = []
    for row, was_readable in rows:
        is_readable = all(sealed.opens(open_one, blob, row.places[column]) for column, blob in row.blobs.items())
        if is_readable != was_readable:
            judged.append(Judged(row, is_readable))
    return judged


def note(connection: Connection, node_id: UUID, judged: Iterable[Judged]) -> list[Change]:
    """Have the store say so, but for what was sealed anew meanwhile; returns what has changed."""
    now = {row.id: row.blobs for row in sealed.rows(connection)}
    return [
        Change(one.row.user, one.row.source, one.is_readable)
        for one in judged
        if now.get(one.row.id) == one.row.blobs and _note(connection, node_id, one)
    ]


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


def _note(connection: Connection, node_id: UUID, one: Judged) -> bool:
    if one.is_readable:
        return _clear(connection, one.row.id, node_id)
    place = next(iter(one.row.places.values()))
    return mark(connection, int(place.user_id), int(place.source_id), node_id)


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
