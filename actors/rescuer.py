"""Takes back the work of processes that died or lost their lease, and shows that this one lives."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from actors import claimer, names
from actors.dispatch_messages import RunsChanged
from actors.otp.calls import cast
from actors.otp.gen_server import GenServer
from actors.otp.mailbox import Timer
from actors.otp.messages import NOREPLY, ReplyTo
from actors.otp.runtime import Runtime
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain import failpoints
from moomarkets.domain.job import NodeIdentity
from moomarkets.store import deadlines, nodes, rescue
from moomarkets.store.deadlines import LateJob
from moomarkets.store.rescue import Rescued

SHOW_EVERY = 10
"""Every so many looks the node's row is touched, and the nodes of this machine are checked for dead ones."""

PROOF_LOOKS = 2
"""A lease that is over counts when two looks in a row have found it so."""


@dataclass(frozen=True, slots=True)
class RescueRules:
    """Look every `every_s`; a look that took longer than half a lease waits one lease before it rescues again.

    Of an attempt of this node that lasts longer than `long_running_s` there is a warning.
    """

    node: NodeIdentity
    every_s: float
    lease_s: float
    crash_limit: int
    long_running_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Look at once, as often as it takes for a proof; the reply says how many attempts were taken back."""


@dataclass(frozen=True, slots=True)
class _Cleaner:
    """Somebody who waits for that; so many looks are still to come, and have brought so much."""

    reply_to: ReplyTo
    looks: int
    rescued: int = 0


@dataclass(frozen=True, slots=True)
class _Look:
    """Look for orphans."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """Tag of a look; `asked_at` in monotonic seconds."""

    asked_at: float


@dataclass(frozen=True, slots=True)
class _GaveUp:
    """Tag: a job that killed too many processes is parked."""

    rescued: Rescued


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look brought: rescued executions, those seen overdue for the first time, and jobs that are late."""

    rescued: list[Rescued]
    overdue: set[int]
    expired: list[LateJob]
    long_running: list[LateJob] | None


class Rescuer(GenServer):
    """Looks for running executions whose lease is over, twice, before it takes them back; the dead at once.

    On the way it fails jobs that were not started by their deadline, and warns of attempts that take very long.
    """

    def init(self, rules: RescueRules) -> None:
        self._rules = rules
        self._seen: set[int] = set()
        self._looks = 0
        self._patient_until = 0.0
        self._warned: set[int] = set()
        self._cleaners: list[_Cleaner] = []
        self._timer: Timer | None = self.send_after(0, _Look())

    def handle_call(self, message: object) -> object:
        if not isinstance(message, CleanUp):
            return super().handle_call(message)
        # A look that is under way may have begun before the death that the caller knows of.
        looks = PROOF_LOOKS + (self._timer is None)
        self._look_again(0)
        self._cleaners.append(_Cleaner(self.defer(), looks))
        return NOREPLY

    def handle_info(self, message: object) -> None:
        match message:
            case _Look():
                self._look()
            case Written(_Looked(asked_at), _Found() as found):
                self._found(asked_at, found)
            case NotWritten(_Looked()):
                self.events.emit("rescue.failed", error=message.reason)
                self._be_patient()
                self._timer = self.send_after(self._rules.every_s, _Look())
            case Written(_GaveUp(rescued), _):
                self.events.emit("job.parked", job_id=rescued.job_id, deaths=rescued.crash_count)
                cast(names.MANAGER, RunsChanged())
            case NotWritten(_GaveUp()):
                self.events.emit("rescue.failed", error=message.reason)
            case _:
                super().handle_info(message)

    def _look(self) -> None:
        rules = self._rules
        is_patient = self.clock.monotonic() < self._patient_until
        seen = [] if is_patient else sorted(self._seen)
        checks_nodes = self._looks % SHOW_EVERY == 0 or bool(self._cleaners)
        self._looks += 1
        self._timer = None
        asked_at, clock, now = self.clock.monotonic(), self.clock, self.clock.sql_now()

        def look(connection: Connection) -> _Found:
            dead: list[UUID] = []
            if checks_nodes:
                nodes.see(connection, rules.node.id)
                dead = nodes.proven_dead(connection, rules.node)
            # After an outage the living could not renew either: only proof of death counts then.
            is_late = clock.monotonic() - asked_at > rules.lease_s / 2
            overdue = [] if is_late else seen
            limit = rules.crash_limit
            rescued = rescue.rescue(connection, overdue, dead, now, crash_limit=limit) if overdue or dead else []
            if dead:
                nodes.bury(connection, dead)
            expired = deadlines.fail_expired(connection, now)
            late = (
                deadlines.long_running(connection, rules.node.id, rules.long_running_s, now) if checks_nodes else None
            )
            return _Found(rescued, rescue.overdue(connection, now), expired, late)

        cast(names.RESCUE_WRITER, Write(look, self.ref, _Looked(asked_at)))

    def _found(self, asked_at: float, found: _Found) -> None:
        self._seen = found.overdue
        if self.clock.monotonic() - asked_at > self._rules.lease_s / 2:
            self._be_patient()
        if found.rescued:
            failpoints.hit("rescue_after_commit")
            cast(names.CLAIMER, claimer.Wake())
        for orphan in found.rescued:
            self.events.emit("job.rescued", job_id=orphan.job_id, execution_id=orphan.execution_id)
            if orphan.crash_count >= (orphan.crash_limit or self._rules.crash_limit):
                self._give_up(orphan)
        for late in found.expired:
            self.events.emit("job.expired", job_id=late.job_id, job=late.name)
        if found.long_running is not None:
            self._warn(found.long_running)
        self._timer = self.send_after(self._rules.every_s, _Look())
        self._tell_cleaners(len(found.rescued))

    def _warn(self, late: list[LateJob]) -> None:
        """Once for each attempt."""
        for one in late:
            if one.execution_id not in self._warned:
                fields = {"job_id": one.job_id, "job": one.name, "execution_id": one.execution_id}
                self.events.emit("job.long_running", **fields, seconds=one.seconds)
        self._warned = {one.execution_id for one in late}

    def _tell_cleaners(self, rescued: int) -> None:
        """Answer those who have seen enough looks; for the others the next one comes in its time, as a proof needs."""
        seen = [_Cleaner(one.reply_to, one.looks - 1, one.rescued + rescued) for one in self._cleaners]
        for cleaner in seen:
            if cleaner.looks == 0:
                cleaner.reply_to.reply(cleaner.rescued)
        self._cleaners = [cleaner for cleaner in seen if cleaner.looks > 0]

    def _look_again(self, after_s: float) -> None:
        """Bring the next look forward, unless one is under way."""
        if self._timer is not None:
            self.cancel_timer(self._timer)
            self._timer = self.send_after(after_s, _Look())

    def _give_up(self, orphan: Rescued) -> None:
        now = self.clock.sql_now()
        cast(
            names.RESCUE_WRITER,
            Write(lambda connection: rescue.give_up(connection, orphan, now), self.ref, _GaveUp(orphan)),
        )

    def _be_patient(self) -> None:
        """The database was away or slow: living owners could not renew either, so they get one lease to do so."""
        self._patient_until = self.clock.monotonic() + self._rules.lease_s


def clean_up(runtime: Runtime, timeout_s: float = 30.0) -> int:
    """Take back what is held by nobody any more and return how many attempts that were. Called from outside."""
    rescued: int = runtime.call(names.RESCUER, CleanUp(), timeout_s)
    return rescued
