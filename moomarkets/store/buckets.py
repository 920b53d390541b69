"""The bucket of a credential: its windows, its silence after a 429, and the share of its limits that it has learnt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.domain.limits import (
    LEARNT_WITHIN_S,
    LEAST_SHARE,
    SilenceRule,
    Window,
    recovered_share,
    smaller_share,
)

SAME_TROUBLE_S = 600.0
"""A 429 that comes within that time after the silence before was over waits longer."""

_COLUMNS = "silent_until, silenced_at, silence_count, silence_s, share, learnt_for, is_paused"


@dataclass(frozen=True, slots=True)
class Bucket:
    """What the permits of one credential count against: the windows of its source and those of single endpoints.

    A request to one of the `apart` endpoints counts against that endpoint's windows alone.
    """

    id: int
    windows: tuple[Window, ...]
    endpoint_windows: dict[str, tuple[Window, ...]]
    apart: frozenset[str] = field(default=frozenset())

    def longest_s(self) -> float:
        """The longest window, in seconds, however much it is stretched: permits matter that long after their end."""
        nested = [window for windows in self.endpoint_windows.values() for window in windows]
        return max((window.reduced_to(LEAST_SHARE).seconds for window in (*self.windows, *nested)), default=0.0)

    def windows_of(self, endpoint: str) -> tuple[tuple[str | None, Window], ...]:
        """All windows that a request to `endpoint` needs, each with the endpoint that it is for; None: all of them."""
        shared = () if endpoint in self.apart else tuple((None, window) for window in self.windows)
        return (*shared, *((endpoint, window) for window in self.endpoint_windows.get(endpoint, ())))

    def most_weight(self, endpoint: str) -> int:
        """The heaviest request to `endpoint` that its windows can ever hold."""
        return min((window.count for _, window in self.windows_of(endpoint)), default=1_000_000)

    def fingerprint(self) -> str:
        """Tells these limits from others: what was learnt under others says nothing about them."""
        nested = {name: [[w.count, w.seconds] for w in ws] for name, ws in sorted(self.endpoint_windows.items())}
        return json.dumps([[[w.count, w.seconds] for w in self.windows], nested, sorted(self.apart)])


@dataclass(frozen=True, slots=True)
class BucketState:
    """What a bucket's row says: silent until when after a 429, since when, the how many-th in a row, for how long.

    `share` is what was learnt when it was silenced last, under the limits `learnt_for`. `is_paused`: somebody has
    paused the source.
    """

    until: datetime | None
    silenced_at: datetime | None
    times: int
    silence_s: float
    share: float
    learnt_for: str | None
    is_paused: bool

    def is_silent(self, at: datetime) -> bool:
        return self.until is not None and self.until > at

    def left_s(self, at: datetime) -> float:
        return (self.until - at).total_seconds() if self.until is not None else 0.0

    def since_refusal_s(self, at: datetime) -> float | None:
        """How long ago the newest 429 was read; None where there was none."""
        return None if self.silenced_at is None else (at - self.silenced_at).total_seconds()

    def is_same_trouble(self, at: datetime) -> bool:
        """Whether another 429 now follows the one before."""
        since_s = self.since_refusal_s(at)
        return since_s is not None and since_s <= self.silence_s + SAME_TROUBLE_S

    def share_at(self, at: datetime, bucket: Bucket) -> float:
        """The share of its limits that the credential may use now: grown by the quiet days since."""
        since_s = self.since_refusal_s(at)
        if since_s is None or self.learnt_for != bucket.fingerprint():
            return 1.0
        return recovered_share(self.share, since_s)


@dataclass(frozen=True, slots=True)
class Silenced:
    """A 429 is recorded: nothing leaves for so many seconds, and then at most `share` of the limits is used."""

    seconds: float
    share: float = 1.0
    has_learnt: bool = False


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


def lock(connection: Connection, bucket_id: int, now: datetime | None) -> tuple[BucketState, datetime]:
    """Lock the bucket's row; the time is read once the lock is held, for waiting for it may have taken a while."""
    row = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM permit_buckets JOIN data_sources ON data_sources.id = data_source_id"  # noqa: S608 - names of ours
            " WHERE permit_buckets.id = :id FOR UPDATE OF permit_buckets"
        ),
        {"id": bucket_id},
    ).one()
    at: datetime = now or connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return BucketState(*row), at


def look(connection: Connection, source_id: int, user_id: int) -> tuple[int, BucketState] | None:
    """The bucket of that credential as it is now, without a lock; None where nothing was ever asked with it."""
    row = connection.execute(
        text(
            f"SELECT permit_buckets.id, {_COLUMNS} FROM permit_buckets"  # noqa: S608 - names of ours
            " JOIN data_sources ON data_sources.id = data_source_id"
            " WHERE data_source_id = :source_id AND user_id = :user_id"
        ),
        {"source_id": source_id, "user_id": user_id},
    ).first()
    return None if row is None else (row[0], BucketState(*row[1:]))


def silence(
    connection: Connection,
    bucket: Bucket,
    retry_after_s: float | None,
    rule: SilenceRule,
    now: datetime | None = None,
    luck: float = 0.0,
) -> Silenced:
    """Stop everything of this credential after a 429.

    Without a word from the provider the source's own rule counts, longer each time in a row. Where it refuses us again
    within a day, although we kept to our count and it had answered meanwhile, the count is too much: we use less of it.
    """
    before, at = lock(connection, bucket.id, now)
    share, has_learnt = before.share_at(at, bucket), False
    if before.is_silent(at):
        # A request that was already on the wire when the first 429 came: the same overrun, not a second one.
        # Only where its own answer asks for longer does it count.
        asked_s = 0.0 if retry_after_s is None else rule.next_s(before.times, retry_after_s)
        times, wait_s = before.times, max(before.left_s(at), asked_s)
    else:
        times = before.times + 1 if before.is_same_trouble(at) else 1
        wait_s = rule.next_s(times, retry_after_s, luck)
        since_s = before.since_refusal_s(at)
        # A probe that is refused belongs to the overrun that it followed.
        if before.until is None and since_s is not None and since_s <= LEARNT_WITHIN_S:
            share, has_learnt = smaller_share(share), True
    connection.execute(
        text(
            """
            UPDATE permit_buckets SET silent_until = :at + make_interval(secs => :wait_s), silenced_at = :at,
                silence_count = :times, silence_s = :wait_s, share = :share, learnt_for = :learnt_for
            WHERE id = :id
            """
        ),
        {
            "id": bucket.id,
            "at": at,
            "wait_s": wait_s,
            "times": times,
            "share": share,
            "learnt_for": bucket.fingerprint(),
        },
    )
    return Silenced(wait_s, share, has_learnt)
