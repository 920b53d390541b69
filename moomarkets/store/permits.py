"""Permits: spent before the request leaves, counted until a whole window after it is over.

A provider counts a request at an unknown moment between our send and its end. So a slot is free again only one window
after the request was done, or after its deadline where nobody said that it was done (the process died).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain import failpoints
from moomarkets.domain.limits import Window
from moomarkets.store import buckets
from moomarkets.store.buckets import Bucket, BucketState
from moomarkets.store.clock_steps import Look, mend, replace_look
from moomarkets.store.sql import statement

Key = tuple[str | None, Window]
"""A window, and the endpoint that it is for; None: for all that are not apart."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One permit that somebody wants; the id is made by the caller."""

    permit_id: UUID
    endpoint: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Reservation:
    """What became of a request for permits: which were granted, and when it is worth asking for the others again.

    `wait_s` is None where nobody was left over, or where nothing tells. `look` is to be given to the next request once
    this one is durable; `step_s` tells of a clock that was set. Nothing is granted while the source `is_paused`.
    """

    granted: tuple[UUID, ...]
    wait_s: float | None
    look: Look | None = None
    step_s: float = 0.0
    is_paused: bool = False


@dataclass(slots=True)
class Room:
    """What one window has left, and in how many seconds it has room for the lightest request that wants it.

    `next_s` is the same for when all that is free has been taken.
    """

    free: int
    wait_s: float | None
    next_s: float | None

    def take(self, weight: int) -> None:
        """So much of it is gone."""
        self.free -= weight
        self.wait_s = self.next_s


def reserve(
    connection: Connection,
    bucket: Bucket,
    asks: Sequence[Ask],
    *,
    node_id: UUID,
    deadline_s: float,
    now: datetime | None = None,
    boottime: Callable[[], float] | None = None,
    boot_id: str = "",
    last: Look | None = None,
) -> Reservation:
    """Reserve as many of the asked permits as all windows allow, first come first; the caller commits before it sends.

    Who does not fit lets those behind him pass, where they do not want the window that he waits for. The ids are made
    by the caller: asking again with the same ones after a lost answer finds what was granted. With
    `boottime` and a last look a clock of the database that was set is noticed: it frees nothing early, and nothing is
    counted for longer than it takes from now. The last look is that of anybody under the same `boot_id`, whose boot
    times mean the same; else the caller's own, `last`.
    """
    state, at = buckets.lock(connection, bucket.id, now)
    look = None if boottime is None else Look(at, boottime())
    if look is not None and boot_id:
        last = replace_look(connection, bucket.id, look, boot_id) or last
    step_s = look.step_s(last) if look and last else 0.0
    if last is None or step_s:
        mend(connection, bucket.id, bucket.longest_s(), at, last.at if last and step_s > 0 else None, step_s)
        state, at = buckets.lock(connection, bucket.id, at)
    reservation = _reserve(connection, bucket, asks, state, at, node_id, deadline_s)
    return replace(reservation, look=look, step_s=step_s)


def _reserve(
    connection: Connection,
    bucket: Bucket,
    asks: Sequence[Ask],
    state: BucketState,
    at: datetime,
    node_id: UUID,
    deadline_s: float,
) -> Reservation:
    before = _granted_before(connection, asks)
    if before:
        # An answer was lost. Whoever got nothing then asks again.
        return Reservation(before, 0.0 if len(before) < len(asks) else None)
    if state.is_paused:
        return Reservation((), None, is_paused=True)
    if state.is_silent(at):
        return Reservation((), state.left_s(at))
    rooms = rooms_of(connection, bucket, asks, state.share_at(at, bucket), at, deadline_s)
    most, probe_wait_s = len(asks), None
    if state.until is not None:
        # After a silence one request goes first; the others wait for its end.
        probe_wait_s = _probe_wait_s(connection, bucket.id, state.until, at)
        most = 1 if probe_wait_s is None else 0
    granted, wait_s = share_out(bucket, asks, rooms, most)
    if probe_wait_s is not None:
        wait_s = max(wait_s or 0.0, probe_wait_s)
    _insert(connection, bucket.id, granted, node_id, at, deadline_s)
    return Reservation(tuple(ask.permit_id for ask in granted), wait_s)


def rooms_of(
    connection: Connection, bucket: Bucket, asks: Iterable[Ask], share: float, at: datetime, deadline_s: float
) -> dict[Key, Room]:
    """What every window that these asks need has left, where `share` of each may be used."""
    weights: dict[Key, list[int]] = {}
    for ask in asks:
        for key in bucket.windows_of(ask.endpoint):
            weights.setdefault(key, []).append(ask.weight)
    wanted = []
    for place, ((endpoint, window), needs) in enumerate(weights.items()):
        usable = window.reduced_to(share)
        # A request that weighs more than what is left of the limit goes alone, rather than never.
        count = max(usable.count, *needs)
        wanted.append(
            {"place": place, "count": count, "seconds": usable.seconds, "endpoint": endpoint, "need": min(needs)}
        )
    if not wanted:
        return {}
    rows = connection.execute(
        statement("read_windows"),
        {
            "bucket_id": bucket.id,
            "at": at,
            "deadline_s": deadline_s,
            "longest_s": bucket.longest_s(),
            "windows": json.dumps(wanted),
            "apart": sorted(bucket.apart),
        },
    )
    found = [Room(int(row.free), _seconds(row.wait_s), _seconds(row.next_s)) for row in rows]
    return dict(zip(weights, found, strict=True))


def _seconds(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def share_out(
    bucket: Bucket, asks: Sequence[Ask], rooms: Mapping[Key, Room], most: int
) -> tuple[list[Ask], float | None]:
    """Who gets a permit now, up to `most`; and in how many seconds there may be room for one of the others.

    A window in which somebody does not fit is closed to all behind him: many light requests would keep a heavy one
    waiting for ever. Windows that he does not wait for stay open.
    """
    granted: list[Ask] = []
    waits: list[float] = []
    closed: set[Key] = set()
    for ask in asks:
        keys = bucket.windows_of(ask.endpoint)
        short = [key for key in keys if key in closed or rooms[key].free < ask.weight]
        closed.update(short)
        if short:
            known = [wait_s for key in short if (wait_s := rooms[key].wait_s) is not None]
            waits += [max(known)] if known else []
        elif len(granted) < most:
            granted.append(ask)
            for key in keys:
                rooms[key].take(ask.weight)
    return granted, min(waits, default=None)


def done(
    connection: Connection, permit_ids: Sequence[UUID], now: datetime | None = None, weight: int | None = None
) -> None:
    """Record that those requests are over: each slot is free one window later. A probe's end ends the silence.

    `weight`: what each has really used; None: what was reserved.
    """
    connection.execute(
        text(
            "UPDATE permits SET done_at = coalesce(:now, clock_timestamp()), weight = coalesce(:weight, weight)"
            " WHERE id = ANY (:ids) AND done_at IS NULL"
        ),
        {"ids": list(permit_ids), "now": now, "weight": weight},
    )
    connection.execute(
        text(
            """
            UPDATE permit_buckets SET silent_until = NULL FROM permits
            WHERE permits.id = ANY (:ids) AND permit_buckets.id = permits.bucket_id AND reserved_at >= silent_until
            """
        ),
        {"ids": list(permit_ids)},
    )
    failpoints.hit("permit_done")


def give_back(connection: Connection, permit_ids: Sequence[UUID]) -> None:
    """Forget permits whose requests certainly never left."""
    connection.execute(text("DELETE FROM permits WHERE id = ANY (:ids)"), {"ids": list(permit_ids)})


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


def _granted_before(connection: Connection, asks: Sequence[Ask]) -> tuple[UUID, ...]:
    ids = [ask.permit_id for ask in asks]
    found = set(connection.execute(text("SELECT id FROM permits WHERE id = ANY (:ids)"), {"ids": ids}).scalars())
    return tuple(permit_id for permit_id in ids if permit_id in found)


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
    connection: Connection, bucket_id: int, granted: Sequence[Ask], node_id: UUID, at: datetime, deadline_s: float
) -> None:
    if not granted:
        return
    connection.execute(
        text(
            """
            INSERT INTO permits (id, bucket_id, endpoint, weight, node_id, reserved_at, deadline_at)
            SELECT asked.id, :bucket_id, asked.endpoint, asked.weight, :node_id, :at,
                   :at + make_interval(secs => :deadline_s)
            FROM unnest(CAST(:ids AS uuid[]), CAST(:endpoints AS text[]), CAST(:weights AS int[]))
                AS asked (id, endpoint, weight)
            """
        ),
        {
            "ids": [ask.permit_id for ask in granted],
            "endpoints": [ask.endpoint for ask in granted],
            "weights": [ask.weight for ask in granted],
            "bucket_id": bucket_id,
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
