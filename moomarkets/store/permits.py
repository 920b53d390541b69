"""Permits: spent before the request leaves, counted until a whole window after it is over.

A provider counts a request at an unknown moment between our send and its end. So a slot is free again only one window
after the request was done, or after its deadline where nobody said that it was done (the process died).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain.limits import Window, next_silence_s
from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class Reservation:
    """What became of a request for permits: which were granted, and when it is worth asking for more."""

    granted: tuple[UUID, ...]
    wait_s: float | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What the permits of one credential count against: the windows of its source and those of single endpoints."""

    id: int
    windows: tuple[Window, ...]
    endpoint_windows: dict[str, tuple[Window, ...]]

    def longest_s(self) -> float:
        """The longest window, in seconds: permits matter that long after their end."""
        nested = [window for windows in self.endpoint_windows.values() for window in windows]
        return max((window.seconds for window in (*self.windows, *nested)), default=0.0)

    def to_json(self, endpoint: str) -> str:
        """The windows that a request to `endpoint` needs, as the statement takes them."""
        shared = [{"count": w.count, "seconds": w.seconds, "endpoint": None} for w in self.windows]
        nested = self.endpoint_windows.get(endpoint, ())
        return json.dumps([*shared, *({"count": w.count, "seconds": w.seconds, "endpoint": endpoint} for w in nested)])


def bucket_id(connection: Connection, source_id: int, user_id: int) -> int:
    """The bucket of that credential, made when there is none."""
    connection.execute(
        text(
            "INSERT INTO permit_buckets (data_source_id, user_id) VALUES (:source_id, :user_id) ON CONFLICT DO NOTHING"
        ),
        {"source_id": source_id, "user_id": user_id},
    )
    found: int | None = connection.scalar(
        text("SELECT id FROM permit_buckets WHERE data_source_id = :source_id AND user_id = :user_id"),
        {"source_id": source_id, "user_id": user_id},
    )
    assert found is not None
    return found


def reserve(
    connection: Connection,
    bucket: Bucket,
    endpoint: str,
    permit_ids: Sequence[UUID],
    *,
    node_id: UUID,
    deadline_s: float,
    now: datetime | None = None,
) -> Reservation:
    """Reserve as many of the asked permits as all windows allow; the caller commits before anything is sent.

    The ids are made by the caller: asking again with the same ones after a lost answer finds what was granted.
    """
    silent_until, at = connection.execute(
        text("SELECT silent_until, coalesce(:now, clock_timestamp()) FROM permit_buckets WHERE id = :id FOR UPDATE"),
        {"id": bucket.id, "now": now},
    ).one()
    # The clock is read again, now that the lock is held: waiting for it may have taken a while.
    at = now or connection.scalar(text("SELECT clock_timestamp()")) or at
    before = _granted_before(connection, permit_ids)
    if before:
        return Reservation(before, None)
    if silent_until is not None and silent_until > at:
        return Reservation((), (silent_until - at).total_seconds())
    free, wait_s = _free(connection, bucket, endpoint, at, deadline_s)
    if silent_until is not None:
        free = min(free, _probes_left(connection, bucket.id, silent_until))
    granted = tuple(permit_ids[: max(free, 0)])
    _insert(connection, bucket.id, endpoint, granted, node_id, at, deadline_s)
    return Reservation(granted, wait_s if not granted else None)


def done(connection: Connection, bucket_id: int, permit_ids: Sequence[UUID], now: datetime | None = None) -> None:
    """Record that those requests are over: each slot is free one window later. A probe's end ends the silence."""
    connection.execute(
        text(
            "UPDATE permits SET done_at = coalesce(:now, clock_timestamp()) WHERE id = ANY (:ids) AND done_at IS NULL"
        ),
        {"ids": list(permit_ids), "now": now},
    )
    connection.execute(
        text(
            """
            UPDATE permit_buckets SET silent_until = NULL
            WHERE id = :bucket_id AND silent_until IS NOT NULL AND EXISTS (
                SELECT 1 FROM permits WHERE permits.id = ANY (:ids) AND permits.reserved_at >= silent_until)
            """
        ),
        {"bucket_id": bucket_id, "ids": list(permit_ids)},
    )


def give_back(connection: Connection, permit_ids: Sequence[UUID]) -> None:
    """Forget permits whose requests certainly never left."""
    connection.execute(text("DELETE FROM permits WHERE id = ANY (:ids)"), {"ids": list(permit_ids)})


def silence(
    connection: Connection,
    bucket_id: int,
    retry_after_s: float | None,
    default_s: float,
    now: datetime | None = None,
) -> float:
    """Stop everything of this credential after a 429; returns for how many seconds.

    Without a word from the provider the source's own rule counts, longer each time within ten minutes.
    """
    at, silent_until, silenced_at, times = connection.execute(
        text(
            "SELECT coalesce(:now, clock_timestamp()), silent_until, silenced_at, silence_count"
            " FROM permit_buckets WHERE id = :id FOR UPDATE"
        ),
        {"id": bucket_id, "now": now},
    ).one()
    if silent_until is not None and silent_until > at:
        # A request that was already on the wire when the first 429 came: the same overrun, not a second one.
        return float((silent_until - at).total_seconds())
    is_repeated = silenced_at is not None and (at - silenced_at).total_seconds() <= 600
    times = times + 1 if is_repeated else 1
    wait_s = next_silence_s(times, retry_after_s, default_s)
    connection.execute(
        text(
            """
            UPDATE permit_buckets SET silent_until = :at + make_interval(secs => :wait_s), silenced_at = :at,
                silence_count = :times
            WHERE id = :id
            """
        ),
        {"id": bucket_id, "at": at, "wait_s": wait_s, "times": times},
    )
    return wait_s


def prune(connection: Connection, bucket: Bucket, now: datetime | None = None) -> int:
    """Delete permits that no window counts any more; returns how many."""
    return connection.execute(
        text(
            """
            DELETE FROM permits WHERE bucket_id = :id AND coalesce(done_at, deadline_at)
                < coalesce(:now, clock_timestamp()) - make_interval(secs => :longest_s + 60)
            """
        ),
        {"id": bucket.id, "longest_s": bucket.longest_s(), "now": now},
    ).rowcount


def _granted_before(connection: Connection, permit_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    rows = connection.execute(text("SELECT id FROM permits WHERE id = ANY (:ids)"), {"ids": list(permit_ids)})
    return tuple(rows.scalars())


def _free(
    connection: Connection, bucket: Bucket, endpoint: str, at: datetime, deadline_s: float
) -> tuple[int, float | None]:
    """How many permits all windows together allow now, and the wait for the next where that is none."""
    rows = connection.execute(
        statement("read_windows"),
        {
            "bucket_id": bucket.id,
            "at": at,
            "deadline_s": deadline_s,
            "longest_s": bucket.longest_s(),
            "windows": bucket.to_json(endpoint),
        },
    ).all()
    free = min((row.free for row in rows), default=1_000_000)
    waits = [float(row.wait_s) for row in rows if row.free <= 0]
    return free, max(waits, default=None)


def _probes_left(connection: Connection, bucket_id: int, silent_until: datetime) -> int:
    """After a silence one request goes first: 1 while none is under way, else 0."""
    under_way = connection.scalar(
        text(
            "SELECT count(*) FROM permits WHERE bucket_id = :id AND reserved_at >= :since AND done_at IS NULL"
            " AND deadline_at > clock_timestamp()"
        ),
        {"id": bucket_id, "since": silent_until},
    )
    return 0 if under_way else 1


def _insert(
    connection: Connection,
    bucket_id: int,
    endpoint: str,
    granted: Sequence[UUID],
    node_id: UUID,
    at: datetime,
    deadline_s: float,
) -> None:
    if not granted:
        return
    connection.execute(
        text(
            """
            INSERT INTO permits (id, bucket_id, endpoint, node_id, reserved_at, deadline_at)
            SELECT unnest(CAST(:ids AS uuid[])), :bucket_id, :endpoint, :node_id, :at,
                   :at + make_interval(secs => :deadline_s)
            """
        ),
        {
            "ids": list(granted),
            "bucket_id": bucket_id,
            "endpoint": endpoint,
            "node_id": node_id,
            "at": at,
            "deadline_s": deadline_s,
        },
    )
