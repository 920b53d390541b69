"""Notices that the clock of the database was set, and mends what counts by it: nothing is free early, nothing stuck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

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


def replace_look(connection: Connection, bucket_id: int, look: Look, boot_id: str) -> Look | None:
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


def mend(
    connection: Connection, bucket_id: int, longest_s: float, at: datetime, last_at: datetime | None, step_s: float
) -> None:
    """After the clock was set: what comes from the future begins now.

    Where the clock went forwards `last_at` is given: all that counted then is moved along, at most to now; what was
    noted after the step already is then taken for later than it was, never for earlier.
    """
    known = {"id": bucket_id, "at": at, "last_at": last_at, "longest_s": longest_s, "step_s": step_s}
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
            SET silent_until = CASE WHEN silent_until > CAST(:last_at AS timestamptz)
                    THEN silent_until + make_interval(secs => :step_s) ELSE silent_until END,
                silenced_at = silenced_at + make_interval(secs => :step_s)
            WHERE id = :id AND CAST(:last_at AS timestamptz) IS NOT NULL
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
