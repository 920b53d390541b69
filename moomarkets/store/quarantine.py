"""Quarantine: answers that must not be stored, as they came, until somebody decides about them or they are too old."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from moomarkets.domain.coverage import Covered
from moomarkets.store.coverage import Owner
from moomarkets.store.reports import Record

MOST_BYTES = 16 * 1024 * 1024
"""How much of an answer is kept, packed."""

SUPERSEDED = "a later answer"
"""Who has decided, where a good answer came for the same part."""


@dataclass(frozen=True, slots=True)
class Captive:
    """An answer that must not be stored, with what it was the answer to. `bodies` are its pages as they came."""

    endpoint: str
    dataset: str
    covered: Covered
    reason: str
    detail: str
    bodies: Sequence[bytes]
    pages: int
    findings: Sequence[Mapping[str, object]] = ()
    rows: int | None = None
    execution_id: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept answer, opened: whose it is, which part it was to be, and its pages."""

    owner: Owner
    source: str
    endpoint: str
    dataset: str
    covered: Covered
    status: str
    is_whole: bool
    bodies: tuple[bytes, ...]
    execution_id: int | None
    findings: Sequence[Mapping[str, Any]]


def keep(connection: Connection, owner: Owner, captive: Captive, now: datetime) -> int:
    """Keep the answer; the very same one for the same part is counted once more, not kept twice. Returns its id."""
    packed, is_whole = _pack(captive)
    digest = digest_of(captive.bodies)
    found: int = connection.execute(
        text(
            """
            INSERT INTO quarantine (user_id, data_source_id, endpoint, dataset, key, from_on, to_on, reason, detail,
                findings, digest, bodies, is_whole, bytes, rows, pages, execution_id, fetched_at, first_at, last_at)
            VALUES (:user_id, :source_id, :endpoint, :dataset, :key, :from_on, :to_on, :reason, :detail,
                CAST(:findings AS jsonb), :digest, :bodies, :is_whole, :bytes, :rows, :pages, :execution_id,
                :fetched_at, :now, :now)
            ON CONFLICT (user_id, data_source_id, dataset, key, from_on, to_on, digest) WHERE status = 'open'
            DO UPDATE SET execution_id = excluded.execution_id, fetched_at = excluded.fetched_at,
                last_at = excluded.last_at, reason = excluded.reason, detail = excluded.detail,
                findings = excluded.findings,
                -- An attempt that is made again after a crash has seen no second answer.
                times = quarantine.times
                    + CASE WHEN quarantine.execution_id IS DISTINCT FROM excluded.execution_id THEN 1 ELSE 0 END
            RETURNING id
            """
        ),
        {
            **_part(owner, captive.dataset, captive.covered),
            "endpoint": captive.endpoint,
            "reason": captive.reason,
            "detail": captive.detail[:2000].replace("\0", "\ufffd"),
            "findings": json.dumps(list(captive.findings), ensure_ascii=False).replace("\\u0000", "\ufffd"),
            "digest": digest,
            "bodies": packed,
            "is_whole": is_whole,
            "bytes": sum(map(len, captive.bodies)),
            "rows": captive.rows,
            "pages": captive.pages,
            "execution_id": captive.execution_id,
            "fetched_at": captive.covered.fetched_at,
            "now": now,
        },
    ).scalar_one()
    return found


def is_accepted(connection: Connection, owner: Owner, dataset: str, covered: Covered, bodies: Sequence[bytes]) -> bool:
    """Whether a person has released this very answer for this part before."""
    found = connection.scalar(
        text(
            """
            SELECT 1 FROM quarantine
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
              AND from_on = :from_on AND to_on = :to_on AND status = 'released' AND digest = :digest LIMIT 1
            """
        ),
        {**_part(owner, dataset, covered), "digest": digest_of(bodies)},
    )
    return found is not None


def supersede(connection: Connection, owner: Owner, dataset: str, covered: Covered, now: datetime | None) -> int:
    """Dismiss what is open for this part, since a good answer has come; returns how many."""
    return connection.execute(
        text(
            """
            UPDATE quarantine SET status = 'dismissed', decided_by = :decided_by,
                decided_at = coalesce(:now, clock_timestamp())
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
              AND from_on >= :from_on AND to_on <= :to_on AND status = 'open'
            """
        ),
        {**_part(owner, dataset, covered), "decided_by": SUPERSEDED, "now": now},
    ).rowcount


def open_one(connection: Connection, user_id: int, quarantine_id: int, *, locks: bool = True) -> Kept | None:
    """That answer with its pages, locked by whoever decides about it; None where the user has none of that id."""
    row = connection.execute(
        text(
            f"""
            SELECT quarantine.*, data_sources.code FROM quarantine
            JOIN data_sources ON data_sources.id = quarantine.data_source_id
            WHERE quarantine.id = :id AND user_id = :user_id {"FOR UPDATE OF quarantine" if locks else ""}
            """  # noqa: S608 - words of ours
        ),
        {"id": quarantine_id, "user_id": user_id},
    ).first()
    if row is None:
        return None
    return Kept(
        Owner(row.user_id, row.data_source_id),
        row.code,
        row.endpoint,
        row.dataset,
        Covered(row.key, row.from_on, row.to_on, row.fetched_at),
        row.status,
        row.is_whole,
        tuple(_unpack(packed) for packed in row.bodies),
        row.execution_id,
        row.findings,
    )


def decide(
    connection: Connection, quarantine_id: int, status: str, decided_by: str, note: str | None, now: datetime
) -> None:
    """Write down what became of an open one, who said so, and why."""
    connection.execute(
        text(
            "UPDATE quarantine SET status = :status, decided_by = :decided_by, decided_at = :now, note = :note"
            " WHERE id = :id"
        ),
        {"id": quarantine_id, "status": status, "decided_by": decided_by, "note": note, "now": now},
    )


def page(
    connection: Connection, user_id: int, *, status: str | None, dataset: str | None, before: int | None, limit: int
) -> list[Record]:
    """What is kept, the newest first, without the bodies; narrowed to a status or a dataset where given."""
    rows = connection.execute(
        text(
            """
            SELECT * FROM v_quarantine
            WHERE user_id = :user_id AND (CAST(:status AS text) IS NULL OR status = :status)
              AND (CAST(:dataset AS text) IS NULL OR dataset = :dataset)
              AND (CAST(:before AS bigint) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :limit
            """
        ),
        {"user_id": user_id, "status": status, "dataset": dataset, "before": before, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


def find(connection: Connection, user_id: int, quarantine_id: int) -> Record | None:
    """One entry without its bodies."""
    row = (
        connection.execute(
            text("SELECT * FROM v_quarantine WHERE id = :id AND user_id = :user_id"),
            {"id": quarantine_id, "user_id": user_id},
        )
        .mappings()
        .first()
    )
    return None if row is None else dict(row)


def newest_fetch(connection: Connection, kept: Kept) -> datetime | None:
    """When anything of this part was last fetched and stored; None where nothing is."""
    found: datetime | None = connection.scalar(
        text(
            """
            SELECT max(fetched_at) FROM coverage
            WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
              AND from_on <= :to_on AND to_on >= :from_on AND status IN ('complete', 'empty')
            """
        ),
        _part(kept.owner, kept.dataset, kept.covered),
    )
    return found


def digest_of(bodies: Sequence[bytes]) -> bytes:
    """What tells answers apart."""
    digest = hashlib.sha256()
    for body in bodies:
        digest.update(len(body).to_bytes(8))
        digest.update(body)
    return digest.digest()


def _pack(captive: Captive) -> tuple[list[bytes], bool]:
    """The pages, each packed, as far as there is room; and whether that is all of them."""
    packed: list[bytes] = []
    size = 0
    for body in captive.bodies:
        # Level 1 is six times as quick as the usual one, and a tenth larger.
        one = gzip.compress(body, 1, mtime=0)
        size += len(one)
        if size > MOST_BYTES:
            return packed, False
        packed.append(one)
    return packed, len(captive.bodies) == captive.pages


def _unpack(packed: bytes) -> bytes:
    try:
        return gzip.decompress(packed)
    except (OSError, EOFError, zlib.error):
        return b""


def _part(owner: Owner, dataset: str, covered: Covered) -> dict[str, object]:
    from_on: date = covered.from_on
    return {
        "user_id": owner.user_id,
        "source_id": owner.source_id,
        "dataset": dataset,
        "key": covered.key,
        "from_on": from_on,
        "to_on": covered.to_on,
    }
