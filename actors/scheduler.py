"""Books what is due: every instant since the last one that is accounted for, never "does this minute match"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from actors import names
from actors.dispatch_messages import CancelJobs
from actors.otp.calls import cast
from actors.otp.gen_server import GenServer
from actors.otp.mailbox import Timer
from actors.otp.messages import NOREPLY, ReplyTo
from actors.otp.runtime import Runtime
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain.booking import look_ahead
from moomarkets.domain.calendar import TokyoCalendar, TradingDays
from moomarkets.domain.catch_up import CatchUp
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.market_schedule import MarketSchedule
from moomarkets.domain.schedule import Schedule
from moomarkets.store import schedules, timetable
from moomarkets.store.schedules import Accounted, Reading
from moomarkets.store.timetable import ScheduleRow, Timetable

LOOK_EVERY_S = 20.0
SOONEST_S = 0.01
MOST_DUE = 10_000
"""How many missed instants one look accounts for; the next look goes on where this one ended."""


@dataclass(frozen=True, slots=True)
class Look:
    """Book what is due now; called, the reply (how many runs were booked) comes once it is durable."""


@dataclass(frozen=True, slots=True)
class _Timer:
    """The next instant has come, or it is time to look anyway."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Tag: the schedules as they are stored."""


@dataclass(frozen=True, slots=True)
class _Booked:
    """Tag: one schedule's due instants are accounted for."""

    schedule: ScheduleRow


@dataclass(frozen=True, slots=True)
class _Rested:
    """Tag: it is on record why one schedule cannot be read."""

    schedule: ScheduleRow
    error: str


class Scheduler(GenServer):
    """Reads the schedules, books what is due in the ledger with its run, and sleeps until the next instant.

    What is due is judged by the clock of the database, which all nodes share; only the sleep is by this machine's.
    """

    def init(self) -> None:
        self._timer: Timer | None = None
        self._is_looking = False
        self._looks_again = False
        self._writing = 0
        self.booked = 0
        self._waiting: list[ReplyTo] = []
        self._wake_at_s: float | None = None
        self._known: dict[int, tuple[ScheduleRow, datetime]] = {}
        self.send_after(0, _Timer())

    def handle_cast(self, message: Look) -> None:
        self._look()

    def handle_call(self, message: object) -> object:
        if not isinstance(message, Look):
            return super().handle_call(message)
        self._waiting.append(self.defer())
        self._look()
        return NOREPLY

    def handle_info(self, message: object) -> None:
        match message:
            case _Timer():
                self._look()
            case Written(_Loaded(), Timetable() as table):
                self._book(table)
            case Written(_Booked(schedule), Accounted() as accounted):
                self._report(schedule, accounted)
                self._finish(1)
            case Written(_Rested(schedule, error), is_news):
                if is_news:
                    self.events.emit("schedule.invalid", group=schedule.group, error=error)
                self._finish(1)
            case NotWritten(tag, _):
                self.events.emit("schedule.failed", error=message.reason)
                self._wake_at_s = None
                self._finish(0 if isinstance(tag, _Loaded) else 1)
            case _:
                super().handle_info(message)

    def _look(self) -> None:
        """One look at a time; who asks meanwhile may know of a schedule that this one has not read."""
        if self._is_looking:
            self._looks_again = True
            return
        self._is_looking = True
        clock = self.clock
        cast(names.WRITER, Write(lambda connection: timetable.load(connection, clock.sql_now()), self.ref, _Loaded()))

    def _book(self, table: Timetable) -> None:
        ids = {row.id for row in table.rows}
        self._known = {id: known for id, known in self._known.items() if id in ids}
        nexts = [self._book_one(row, table) for row in table.rows] if table.is_enabled else []
        next_at = min((at for at in nexts if at is not None), default=None)
        sleep_s = (next_at - table.now).total_seconds() if next_at is not None else LOOK_EVERY_S
        self._wake_at_s = self.clock.monotonic() + sleep_s
        self._finish(0)

    def _book_one(self, row: ScheduleRow, table: Timetable) -> datetime | None:
        """Account for one schedule; returns when it is due next, None where it cannot be read."""
        known = self._known.get(row.id)
        if known is not None and known[0] == row and known[1] > table.now:
            return known[1]
        try:
            reading = _read(row, table)
        except (InvalidInput, AssertionError, ValueError, OverflowError) as error:
            # A zone may have gone with an update of the time-zone data: this schedule rests, the others go on.
            reason = str(error)
            if row.error != reason or row.next_at is not None:
                self._write(lambda connection: timetable.rest(connection, row, reason), _Rested(row, reason))
            return None
        if reading.due or row.next_at != reading.next_run_at or row.error is not None:
            creation_key, clock = self.runtime.new_id(), self.clock
            self._write(
                lambda connection: schedules.account(connection, reading, creation_key, clock.sql_now()), _Booked(row)
            )
        elif not isinstance(reading.schedule, MarketSchedule):
            # The calendar of a market may be stored anew at any time; everything else stands in the row.
            self._known[row.id] = (row, reading.next_at)
        self._looks_again |= len(reading.due) > reading.take
        return reading.next_at

    def _write(self, work: Callable[[Connection], object], tag: object) -> None:
        self._writing += 1
        cast(names.WRITER, Write(work, self.ref, tag))

    def _report(self, schedule: ScheduleRow, accounted: Accounted) -> None:
        self.booked += len(accounted.runs)
        self._looks_again |= accounted.is_stale
        for run_id in accounted.runs:
            self.events.emit("occurrence.booked", group=schedule.group, run_id=run_id)
        if accounted.skipped:
            self.events.emit("occurrence.skipped", group=schedule.group, count=accounted.skipped)
        if accounted.stopped:
            cast(names.MANAGER, CancelJobs(frozenset(accounted.stopped)))

    def _finish(self, written: int) -> None:
        """When all is booked: answer, and sleep until the next instant."""
        self._writing -= written
        if self._writing > 0:
            return
        self._is_looking = False
        if self._looks_again:
            self._looks_again = False
            self._look()
            return
        for reply_to in self._waiting:
            reply_to.reply(self.booked)
        self._waiting, self.booked = [], 0
        if self._timer is not None:
            self.cancel_timer(self._timer)
        until_s = LOOK_EVERY_S
        if self._wake_at_s is not None:
            until_s = min(until_s, max(self._wake_at_s - self.clock.monotonic(), SOONEST_S))
        self._timer = self.send_after(until_s, _Timer())


def look(runtime: Runtime, timeout_s: float = 30.0) -> int:
    """Book what is due now and return how many runs that brought, once they are durable. Called from outside."""
    booked: int = runtime.call(names.SCHEDULER, Look(), timeout_s)
    return booked


def _read(row: ScheduleRow, table: Timetable) -> Reading:
    """What the schedule has due by now, and a little more than is accounted for at once."""
    stored = table.divisions.get(row.user_id)
    calendars: dict[str, TradingDays] = {"XTKS": TokyoCalendar(stored)} if stored else {}
    schedule, catch_up = Schedule.from_json(row.spec, calendars), CatchUp.from_json(row.catch_up)
    due = schedule.due_between(row.counted_from, table.now, MOST_DUE + look_ahead(catch_up))
    return Reading(row, schedule, catch_up, due, MOST_DUE, schedule.next_after(table.now), table.now)
