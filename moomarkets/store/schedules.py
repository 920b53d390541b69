"""The ledger in which every instant that a schedule has due gets one row, with its run or the reason for none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Row, text

from moomarkets.domain import booking, failpoints
from moomarkets.domain.booking import Book, Merge, Rules, Skip, UnderWay
from moomarkets.domain.catch_up import CatchUp, Overlap
from moomarkets.domain.group import RunKind
from moomarkets.domain.schedule import Schedule
from moomarkets.store import runs
from moomarkets.store.timetable import ScheduleRow

STALE = timedelta(seconds=30)
"""What was read longer ago than this is read again before anything is booked by it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a schedule has due, as it was read at `seen_at`: the instants, oldest first, of which `take` count now."""

    row: ScheduleRow
    schedule: Schedule
    catch_up: CatchUp
    due: Sequence[datetime]
    take: int
    next_at: datetime
    seen_at: datetime

    @property
    def next_run_at(self) -> datetime | None:
        """When the next run is to be expected: never, while the group is switched off."""
        return self.next_at if self.row.is_group_enabled else None


@dataclass(frozen=True, slots=True)
class Accounted:
    """What came of it: new runs, how many instants were skipped, and the jobs that have to be stopped.

    `is_stale`: the schedule has changed since it was read, and nothing was booked.
    """

    runs: tuple[int, ...] = ()
    skipped: int = 0
    stopped: tuple[int, ...] = ()
    is_stale: bool = False


def account(connection: Connection, reading: Reading, creation_key: UUID, now: datetime | None = None) -> Accounted:
    """Give each due instant its row in the ledger, and its run where the rules give it one. Locks the group.

    Several nodes may do this at once, and a lost answer may be asked for again: what is in the ledger already is left
    alone. Nothing happens if the group is gone or the whole is paused.
    """
    state = _locked(connection, reading.row, now)
    if state is None or not state.is_scheduler_enabled:
        return Accounted()
    if _is_stale(reading, state):
        return Accounted(is_stale=True)
    _note_next(connection, reading)
    due = [at for at in reading.due if at > state.counted_from]
    taken = len(reading.due) - len(due)
    rules = Rules(reading.catch_up, Overlap(reading.row.overlap), state.is_group_enabled)
    under_way = _under_way(connection, reading.row.group_id) if due else UnderWay()
    entries = booking.decide(due, state.now, rules, under_way, max(reading.take - taken, 0))
    skipped = [entry for entry in entries if isinstance(entry, Skip)]
    _skip(connection, reading.row, skipped)
    ledger = _Ledger(connection, reading, creation_key, now)
    for entry in entries:
        if isinstance(entry, Book):
            ledger.book(entry)
        elif isinstance(entry, Merge):
            ledger.merge(entry)
    return Accounted(tuple(ledger.runs), len(skipped), tuple(ledger.stopped))


class _Ledger:
    """Writes the entries of one schedule that concern runs; the group is locked."""

    def __init__(self, connection: Connection, reading: Reading, creation_key: UUID, now: datetime | None) -> None:
        self._connection, self._reading, self._now = connection, reading, now
        self._next_key = creation_key.int
        self.runs: list[int] = []
        self.stopped: list[int] = []

    def book(self, entry: Book) -> None:
        """Open the row, make way, ask for the run."""
        occurrence_id = self._insert(entry.due_at, "pending", None, None)
        if occurrence_id is None:
            return
        failpoints.hit("occurrence_inserted")
        if entry.supersedes is not None:
            self._supersede(entry.supersedes, entry.due_at)
        run_id, _ = runs.request(
            self._connection,
            self._reading.row.group_id,
            UUID(int=self._next_key),
            RunKind.SCHEDULED,
            self._now,
            for_on=self._reading.schedule.date_of(entry.due_at),
            due_at=entry.due_at,
        )
        self._next_key = (self._next_key + 1) % 2**128
        self._connection.execute(
            text("UPDATE occurrences SET run_id = :run_id WHERE id = :id"), {"run_id": run_id, "id": occurrence_id}
        )
        self.runs.append(run_id)

    def merge(self, entry: Merge) -> None:
        """The run that waits is about the newer date from now on."""
        run_id = self.runs[-1] if entry.run_id is None else entry.run_id
        if self._insert(entry.due_at, "merged", run_id, f"run {run_id} had not started yet") is not None:
            self._connection.execute(
                text("UPDATE runs SET for_on = :for_on WHERE id = :id AND status = 'pending'"),
                {"for_on": self._reading.schedule.date_of(entry.due_at), "id": run_id},
            )

    def _supersede(self, run_id: int, due_at: datetime) -> None:
        self._connection.execute(
            text(
                "UPDATE occurrences SET status = 'superseded', reason = :reason, updated_at = clock_timestamp()"
                " WHERE run_id = :run_id AND status = 'pending'"
            ),
            {"run_id": run_id, "reason": f"overlap: cancelled for the instant {due_at.isoformat()}"},
        )
        self.stopped += runs.cancel(self._connection, run_id, self._now)

    def _insert(self, due_at: datetime, status: str, run_id: int | None, reason: str | None) -> int | None:
        found: int | None = self._connection.scalar(
            text(
                "INSERT INTO occurrences (schedule_id, due_at, status, run_id, reason)"
                " VALUES (:id, :due_at, :status, :run_id, :reason) ON CONFLICT DO NOTHING RETURNING id"
            ),
            {"id": self._reading.row.id, "due_at": due_at, "status": status, "run_id": run_id, "reason": reason},
        )
        return found


def _locked(connection: Connection, row: ScheduleRow, now: datetime | None) -> Row[tuple[object, ...]] | None:
    """Lock the group, then read: a statement that had waited for the lock would still see what was before."""
    connection.execute(text("SELECT 1 FROM job_groups WHERE id = :id FOR NO KEY UPDATE"), {"id": row.group_id})
    return connection.execute(
        text(
            """
            WITH RECURSIVE line AS (
                SELECT id, parent_id, is_enabled FROM job_groups WHERE id = :group_id
              UNION
                SELECT above.id, above.parent_id, above.is_enabled
                FROM line JOIN job_groups AS above ON above.id = line.parent_id
            )
            SELECT schedules.spec, schedules.catch_up, schedules.overlap, schedules.is_enabled,
                   (SELECT bool_and(line.is_enabled) FROM line) AS is_group_enabled,
                   coalesce(:now, clock_timestamp()) AS now,
                   coalesce((SELECT is_enabled FROM scheduler_settings), true) AS is_scheduler_enabled,
                   greatest(schedules.counted_from, (SELECT max(due_at) FROM occurrences
                                                     WHERE occurrences.schedule_id = schedules.id)) AS counted_from
            FROM schedules WHERE schedules.id = :id
            """
        ),
        {"id": row.id, "group_id": row.group_id, "now": now},
    ).first()


def _is_stale(reading: Reading, state: Row[tuple[object, ...]]) -> bool:
    row = reading.row
    is_same = (state.spec, state.catch_up, state.overlap) == (row.spec, row.catch_up, row.overlap)
    return not (is_same and state.is_enabled and state.now - reading.seen_at <= STALE)


def _note_next(connection: Connection, reading: Reading) -> None:
    connection.execute(
        text("UPDATE job_groups SET next_run_at = :next_at WHERE id = :id AND next_run_at IS DISTINCT FROM :next_at"),
        {"id": reading.row.group_id, "next_at": reading.next_run_at},
    )
    connection.execute(
        text("UPDATE schedules SET error = NULL WHERE id = :id AND error IS NOT NULL"), {"id": reading.row.id}
    )


def _under_way(connection: Connection, group_id: int) -> UnderWay:
    rows = connection.execute(
        text(
            """
            SELECT id, status = 'running' AS is_running FROM runs
            WHERE job_group_id = :id AND kind = 'scheduled' AND (status = 'running' OR status = 'pending') ORDER BY id
            """
        ),
        {"id": group_id},
    ).all()
    running = [row.id for row in rows if row.is_running]
    waiting = [row.id for row in rows if not row.is_running]
    return UnderWay(running[0] if running else None, tuple(waiting))


def _skip(connection: Connection, schedule: ScheduleRow, skipped: Sequence[Skip]) -> None:
    if skipped:
        connection.execute(
            text(
                """
                INSERT INTO occurrences (schedule_id, due_at, status, reason)
                SELECT :id, due_at, 'skipped', reason
                FROM unnest(CAST(:skipped AS timestamptz[]), CAST(:reasons AS text[])) AS instant (due_at, reason)
                ON CONFLICT DO NOTHING
                """
            ),
            {
                "id": schedule.id,
                "skipped": [entry.due_at for entry in skipped],
                "reasons": [entry.reason for entry in skipped],
            },
        )
