"""Permits: spent before the request leaves, counted until a whole window after it is over.

A provider counts a request at an unknown moment between our send and its end. So a slot is free again only one window
after the request was done, or after its deadline where nobody said that it was done (the process died).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain import failpoints
from moomarkets.domain.limits import Window, next_silence_s
from moomarkets.store.sql import statement

SAME_TROUBLE_S = 600.0
"""A 429 that comes within that time of the one before waits longer."""


STEP_S = 0.05
"""The clock of the database has been set when it moved so much more or less than the time that passed.

A reading that merely came late looks like a small step; taken for one, it costs no more than its own length.
"""


@dataclass(frozen=True, slots=True)
class Look:
    """Two clocks at one moment: the database's, and the boot time of this machine, which nobody sets."""

    at: datetime
    boot_s: float

    def step_s(self, last: Look) -> float:
        """By how much the clock of the database was set since `last`; 0 where it was not."""
        step_s = (self.at - last.at).total_seconds() - (self.boot_s - last.boot_s)
        return step_s if abs(step_s) > STEP_S else 0.0


@dataclass(frozen=True, slots=True)
class Reservation:
    """What became of a request for permits: which were granted, and when it is worth asking for more.

    `look` is to be given to the next request once this one is durable; `step_s` tells of a clock that was set. Nothing
    is granted while the source `is_paused`.
    """

    granted: tuple[UUID, ...]
    wait_s: float | None
    look: Look | None = None
    step_s: float = 0.0
    is_paused: bool = False


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
    boottime: Callable[[], float] | None = None,
    boot_id: str = "",
    last: Look | None = None,
) -> Reservation:
    """Reserve as many of the asked permits as all windows allow; the caller commits before anything is sent.

    The ids are made by the caller: asking again with the same ones after a lost answer finds what was granted. With
    `boottime` and a last look a clock of the database that was set is noticed: it frees nothing early, and nothing is
    counted for longer than it takes from now. The last look is that of anybody under the same `boot_id`, whose boot
    times mean the same; else the caller's own, `last`.
    """
    silence, at = _lock(connection, bucket.id, now)
    look = None if boottime is None else Look(at, boottime())
    if look is not None and boot_id:
        last = _replace_look(connection, bucket.id, look, boot_id) or last
    step_s = look.step_s(last) if look and last else 0.0
    if last is None or step_s:
        _mend(connection, bucket, at, last.at if last and step_s > 0 else None, step_s)
        silence, at = _lock(connection, bucket.id, at)
    reservation = _reserve(connection, bucket, endpoint, permit_ids, silence, at, node_id, deadline_s)
    return replace(reservation, look=look, step_s=step_s)


def _reserve(
    connection: Connection,
    bucket: Bucket,
    endpoint: str,
    permit_ids: Sequence[UUID],
    silence: _Silence,
    at: datetime,
    node_id: UUID,
    deadline_s: float,
) -> Reservation:
    before = _granted_before(connection, permit_ids)
    if before:
        return Reservation(before, None)
    if silence.is_paused:
        return Reservation((), None, is_paused=True)
    if silence.is_on(at):
        return Reservation((), silence.left_s(at))
    free, wait_s = _free(connection, bucket, endpoint, at, deadline_s)
    if silence.until is not None:
        # After a silence one request goes first; the others wait for its end.
        probe_wait_s = _probe_wait_s(connection, bucket.id, silence.until, at)
        free = min(free, 1 if probe_wait_s is None else 0)
        wait_s = max(wait_s or 0.0, probe_wait_s or 0.0)
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
    failpoints.hit("permit_done")


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
    before, at = _lock(connection, bucket_id, now)
    if before.is_on(at):
        # A request that was already on the wire when the first 429 came: the same overrun, not a second one.
        # Only where its own answer asks for longer does it count.
        asked_s = 0.0 if retry_after_s is None else next_silence_s(before.times, retry_after_s, 0.0)
        times, wait_s = before.times, max(before.left_s(at), asked_s)
    else:
        times = before.times + 1 if before.is_recent(at) else 1
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


@dataclass(frozen=True, slots=True)
class _Silence:
    """What a bucket's row says about its newest 429: silent until when, since when, the how many-th in a row.

    `is_paused`: somebody has paused the source.
    """

    until: datetime | None
    silenced_at: datetime | None
    times: int
    is_paused: bool

    def is_on(self, at: datetime) -> bool:
        return self.until is not None and self.until > at

    def left_s(self, at: datetime) -> float:
        return (self.until - at).total_seconds() if self.until is not None else 0.0

    def is_recent(self, at: datetime) -> bool:
        """Whether another 429 now belongs to the same trouble."""
        return self.silenced_at is not None and (at - self.silenced_at).total_seconds() <= SAME_TROUBLE_S


def _lock(connection: Connection, bucket_id: int, now: datetime | None) -> tuple[_Silence, datetime]:
    """Lock the bucket's row; the time is read once the lock is held, for waiting for it may have taken a while."""
    row = connection.execute(
        text(
            "SELECT silent_until, silenced_at, silence_count, is_paused"
            " FROM permit_buckets JOIN data_sources ON data_sources.id = data_source_id"
            " WHERE permit_buckets.id = :id FOR UPDATE OF permit_buckets"
        ),
        {"id": bucket_id},
    ).one()
    at: datetime = now or connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return _Silence(*row), at


def _replace_look(connection: Connection, bucket_id: int, look: Look, boot_id: str) -> Look | None:
    """Keep this look and return the one before; None where that was under another boot, or there was none."""
    before = connection.execute(
        text(
            """
            UPDATE permit_buckets SET looked_at = :at, looked_boot_s = :boot_s, looked_boot_id = :boot_id
            FROM permit_buckets AS before WHERE permit_buckets.id = :id AND before.id = :id
            RETURNING before.looked_at, before.looked_boot_s, before.looked_boot_id
            """
        ),
        {"id": bucket_id, "at": look.at, "boot_s": look.boot_s, "boot_id": boot_id},
    ).one()
    return Look(before[0], before[1]) if before[2] == boot_id else None


def _mend(connection: Connection, bucket: Bucket, at: datetime, last_at: datetime | None, step_s: float) -> None:
    """After the clock was set: what comes from the future begins now.

    Where the clock went forwards `last_at` is given: all that counted then is moved along, at most to now; what was
    noted after the step already is then taken for later than it was, never for earlier.
    """
    known = {"id": bucket.id, "at": at, "last_at": last_at, "longest_s": bucket.longest_s(), "step_s": step_s}
    known["shift_s"] = max(step_s, 0.0)
    connection.execute(
        text(
            """
            UPDATE permits
            SET reserved_at = least(reserved_at + make_interval(secs => :shift_s), :at),
                deadline_at = least(reserved_at + make_interval(secs => :shift_s), :at) + (deadline_at - reserved_at),
                done_at = CASE WHEN done_at IS NOT NULL
                    THEN least(done_at + make_interval(secs => :shift_s), :at) END
            WHERE bucket_id = :id AND (reserved_at > :at OR coalesce(done_at, deadline_at)
                > CAST(:last_at AS timestamptz) - make_interval(secs => :longest_s + 0.001))
            """
        ),
        known,
    )
    connection.execute(
        text(
            """
            UPDATE permit_buckets
            SET silent_until = silent_until + make_interval(secs => :step_s),
                silenced_at = silenced_at + make_interval(secs => :step_s)
            WHERE id = :id AND silent_until > CAST(:last_at AS timestamptz)
            """
        ),
        known,
    )
    connection.execute(
        text(
            "UPDATE permit_buckets SET silent_until = :at + (silent_until - silenced_at), silenced_at = :at"
            " WHERE id = :id AND silenced_at > :at"
        ),
        known,
    )


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


def _probe_wait_s(connection: Connection, bucket_id: int, silent_until: datetime, at: datetime) -> float | None:
    """In how many seconds the probe that is under way must be over; None while there is none."""
    deadline_at: datetime | None = connection.scalar(
        text(
            "SELECT max(deadline_at) FROM permits WHERE bucket_id = :id AND reserved_at >= :since"
            " AND done_at IS NULL AND deadline_at > :at"
        ),
        {"id": bucket_id, "since": silent_until, "at": at},
    )
    return None if deadline_at is None else (deadline_at - at).total_seconds()


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


def used_s_ago(connection: Connection, source_id: int, user_id: int, within_s: float = 86_400.0) -> list[float]:
    """How long ago the source's newest requests were over, in seconds; what runs still is over in the future."""
    rows = connection.execute(
        text(
            """
            SELECT extract(epoch FROM clock_timestamp() - coalesce(permits.done_at, permits.deadline_at))::float8
            FROM permits JOIN permit_buckets ON permit_buckets.id = permits.bucket_id
            WHERE permit_buckets.data_source_id = :source_id AND permit_buckets.user_id = :user_id
              AND coalesce(permits.done_at, permits.deadline_at) > clock_timestamp() - make_interval(secs => :within_s)
            """
        ),
        {"source_id": source_id, "user_id": user_id, "within_s": within_s},
    )
    return list(rows.scalars())
