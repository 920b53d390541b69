"""Takes back the work of processes that died or lost their lease, and shows that this one lives."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from actors import claimer, names
from actors.dispatch_messages import RunsChanged
from actors.otp.calls import cast
from actors.otp.gen_server import GenServer
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain.job import NodeIdentity
from moomarkets.store import nodes, rescue
from moomarkets.store.rescue import Rescued

SHOW_EVERY = 10
"""Every so many looks the node's row is touched and the nodes of this machine are checked for dead ones."""


@dataclass(frozen=True, slots=True)
class RescueRules:
    """Look every `every_s`; a look that took longer than half a lease waits one lease before it rescues again."""

    node: NodeIdentity
    every_s: float
    lease_s: float
    crash_limit: int


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
    """What one look brought: rescued executions, and those seen overdue for the first time."""

    rescued: list[Rescued]
    overdue: set[int]


class Rescuer(GenServer):
    """Looks for running executions whose lease is over, twice, before it takes them back; the dead at once."""

    def init(self, rules: RescueRules) -> None:
        self._rules = rules
        self._seen: set[int] = set()
        self._looks = 0
        self._patient_until = 0.0
        self.send_after(0, _Look())

    def handle_info(self, message: object) -> None:
        match message:
            case _Look():
                self._look()
            case Written(_Looked(asked_at), _Found(rescued, overdue)):
                self._found(asked_at, rescued, overdue)
            case NotWritten(_Looked()):
                self.events.emit("rescue.failed", error=message.reason)
                self._be_patient()
                self.send_after(self._rules.every_s, _Look())
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
        checks_nodes = self._looks % SHOW_EVERY == 0
        self._looks += 1
        asked_at, clock, now = self.clock.monotonic(), self.clock, self.clock.sql_now()

        def look(connection: Connection) -> _Found:
            dead: list[UUID] = []
            if checks_nodes:
                nodes.see(connection, rules.node.id)
                dead = nodes.proven_dead(connection, rules.node)
            # After an outage the living could not renew either: only proof of death counts then.
            is_late = clock.monotonic() - asked_at > rules.lease_s / 2
            overdue = [] if is_late else seen
            rescued = rescue.rescue(connection, overdue, dead, now) if overdue or dead else []
            if dead:
                nodes.bury(connection, dead)
            return _Found(rescued, rescue.overdue(connection, now))

        cast(names.RESCUE_WRITER, Write(look, self.ref, _Looked(asked_at)))

    def _found(self, asked_at: float, rescued: list[Rescued], overdue: set[int]) -> None:
        self._seen = overdue
        if self.clock.monotonic() - asked_at > self._rules.lease_s / 2:
            self._be_patient()
        if rescued:
            cast(names.CLAIMER, claimer.Wake())
        for orphan in rescued:
            self.events.emit("job.rescued", job_id=orphan.job_id, execution_id=orphan.execution_id)
            if orphan.crash_count >= self._rules.crash_limit:
                self._give_up(orphan)
        self.send_after(self._rules.every_s, _Look())

    def _give_up(self, orphan: Rescued) -> None:
        now = self.clock.sql_now()
        cast(
            names.RESCUE_WRITER,
            Write(lambda connection: rescue.give_up(connection, orphan, now), self.ref, _GaveUp(orphan)),
        )

    def _be_patient(self) -> None:
        """The database was away or slow: living owners could not renew either, so they get one lease to do so."""
        self._patient_until = self.clock.monotonic() + self._rules.lease_s
