"""Books what is due: every instant since the last one that is accounted for, never "does this minute match"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actors import names
from actors.otp.calls import cast
from actors.otp.gen_server import GenServer
from actors.otp.mailbox import Timer
from actors.otp.messages import NOREPLY, ReplyTo
from actors.otp.runtime import Runtime
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.schedule import Schedule
from moomarkets.store import schedules
from moomarkets.store.schedules import ScheduleRow

LOOK_EVERY_S = 60.0
MOST_DUE = 10_000
"""How many missed instants one look accounts for; the next look goes on where this one ended."""


@dataclass(frozen=True, slots=True)
class Look:
    """Book what is due now; called, the reply (how many runs were booked) comes once it is durable."""


@dataclass(frozen=True, slots=True)
class _Timer:
    """The next instant has come, or a minute has passed."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Tag: the schedules as they are stored."""


@dataclass(frozen=True, slots=True)
class _Booked:
    """Tag: one schedule's due instants are accounted for."""

    schedule: ScheduleRow


class Scheduler(GenServer):
    """Reads the schedules, books what is due in the ledger with its run, and sleeps until the next instant."""

    def init(self) -> None:
        self._timer: Timer | None = None
        self._is_looking = False
        self._looks_again = False
        self._booking = 0
        self.booked = 0
        self._waiting: list[ReplyTo] = []
        self.next_at: datetime | None = None
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
            case Written(_Loaded(), list() as rows):
                self._book(rows)
            case Written(_Booked(schedule), run_id):
                self._booking -= 1
                if run_id is not None:
                    self.booked += 1
                    self.events.emit("occurrence.booked", group=schedule.group, run_id=run_id)
                self._finish()
            case NotWritten(tag, _):
                self.events.emit("schedule.failed", error=message.reason)
                self._booking -= 1 if isinstance(tag, _Booked) else 0
                self._finish()
            case _:
                super().handle_info(message)

    def _look(self) -> None:
        """One look at a time; who asks meanwhile may know of a schedule that this one has not read."""
        if self._is_looking:
            self._looks_again = True
            return
        self._is_looking = True
        cast(names.WRITER, Write(schedules.load, self.ref, _Loaded()))

    def _book(self, rows: list[ScheduleRow]) -> None:
        now = self.clock.now()
        nexts = [self._book_one(row, now) for row in rows]
        self.next_at = min((at for at in nexts if at is not None), default=None)
        self._finish()

    def _book_one(self, row: ScheduleRow, now: datetime) -> datetime | None:
        """Account for one schedule; returns when it is due next, None where it cannot be read."""
        try:
            schedule = Schedule.from_json(row.spec)
            due = schedule.due_between(row.counted_from, now, MOST_DUE)
            next_at = schedule.next_after(now)
        except (InvalidInput, AssertionError) as error:
            # A zone may have gone with an update of the time-zone data: this schedule rests, the others go on.
            self.events.emit("schedule.invalid", group=row.group, error=str(error))
            return None
        creation_key = self.runtime.new_id()
        self._booking += 1
        cast(
            names.WRITER,
            Write(
                lambda connection: schedules.account(connection, row, due, next_at, creation_key),
                self.ref,
                _Booked(row),
            ),
        )
        return next_at

    def _finish(self) -> None:
        """When all is booked: answer, wake the manager, sleep until the next instant."""
        if self._booking > 0:
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
        until = LOOK_EVERY_S
        if self.next_at is not None:
            until = min(until, max((self.next_at - self.clock.now()).total_seconds(), 0.01))
        self._timer = self.send_after(until, _Timer())


def look(runtime: Runtime, timeout_s: float = 30.0) -> int:
    """Book what is due now and return how many runs that brought, once they are durable. Called from outside."""
    booked: int = runtime.call(names.SCHEDULER, Look(), timeout_s)
    return booked
