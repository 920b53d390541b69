"""Runs one attempt at a time: hands it to an engine and keeps its lease, its deadline and its cancel.

Job code never runs in this actor's thread, so the actor always hears a cancel and never loses a lease to slow work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from actors.dispatch_messages import Finished, SlotReady
from actors.names import LEASES, MANAGER
from actors.otp.calls import cast, send
from actors.otp.gen_server import GenServer
from actors.otp.mailbox import Timer
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Attempt, Ending, Failed, Lease
from moomarkets.engines import border
from moomarkets.engines.engine import Engine, Started
from moomarkets.store import jobs

Perform = Callable[[Attempt, UUID, CancelToken], Ending]
"""Does one attempt in a thread of an engine: see `moomarkets.jobtypes.perform`."""


@dataclass(frozen=True, slots=True)
class ExecutorRules:
    """`lease_s` of the lease (renewed three times in it), `deadline_s` of an attempt, `grace_s` after a cancel."""

    lease_s: float
    deadline_s: float = 3600.0
    grace_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Execute:
    """Run this attempt."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the attempt with that execution id, if it is the one that runs."""

    execution_id: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Done:
    execution_id: int
    ending: Ending


@dataclass(frozen=True, slots=True)
class _Beat:
    execution_id: int


@dataclass(frozen=True, slots=True)
class _Deadline:
    execution_id: int


@dataclass(frozen=True, slots=True)
class _GraceOver:
    execution_id: int


class JobExecutor(GenServer):
    """One slot for one attempt at a time; reports to the manager how each ended."""

    def init(self, slot: str, engine: Engine, perform: Perform, rules: ExecutorRules) -> None:
        self.slot, self._engine, self._perform, self._rules = slot, engine, perform, rules
        self.job: Attempt | None = None
        self._token = CancelToken()
        self._began_at = 0.0
        self._started: Started | None = None
        self._timers: dict[str, Timer] = {}
        self._is_renewing = False
        self.ref.process.exited.subscribe(self._leave_behind)  # also when killed
        cast(MANAGER, SlotReady(slot))

    def handle_cast(self, message: Execute | Cancel) -> None:
        match message:
            case Execute(attempt):
                self.execute(attempt)
            case Cancel(execution_id, reason):
                if self._is_current(execution_id):
                    self._cancel(reason)

    def handle_info(self, message: object) -> None:
        match message:
            case _Done(execution_id, ending) if self._is_current(execution_id):
                self._settle(ending)
            case _Beat(execution_id) if self._is_current(execution_id):
                self._renew()
            case _Deadline(execution_id) if self._is_current(execution_id):
                self._cancel(Reason.TIMED_OUT)
            case _GraceOver(execution_id) if self._is_current(execution_id):
                self._abandon()
            case Written(Lease() as lease, result) if self._is_current(lease.execution_id):
                self._is_renewing = False
                if not result:
                    self._cancel(Reason.INTERRUPTED)
            case NotWritten(Lease() as lease) if self._is_current(lease.execution_id):
                self._is_renewing = False
            case _Done() | _Beat() | _Deadline() | _GraceOver() | Written() | NotWritten():
                return  # of an attempt that is over
            case _:
                super().handle_info(message)

    def _leave_behind(self) -> None:
        """Whoever runs on is fenced; asked to stop, it wastes no request and keeps no place for one."""
        border.attempt(lambda token: token.cancel(Reason.INTERRUPTED), self._token)
        if self._started is not None:
            self._started.abandon()

    def execute(self, attempt: Attempt) -> None:
        """Start the attempt in the engine."""
        execution_id, me = attempt.lease.execution_id, self.ref
        token, completion_id, perform = CancelToken(), self.runtime.new_id(), self._perform
        self.job, self._token, self._began_at = attempt, token, self.clock.monotonic()
        self._is_renewing = False
        self._timers = {
            "deadline": self.send_after(self._rules.deadline_s, _Deadline(execution_id)),
            "beat": self.send_after(self._rules.lease_s / 3, _Beat(execution_id)),
        }
        self._started = self._engine.start(
            lambda cancel: perform(attempt, completion_id, cancel),
            token,
            lambda ending: send(me, _Done(execution_id, ending)),
            f"{attempt.job_type} {attempt.key}",
        )

    def handle_success(self, ending: Ending) -> None:
        """Report an attempt whose data are committed, or whose lease was lost."""
        self._report(ending)

    def handle_failure(self, failure: Failed) -> None:
        """Report a failed attempt; one that was cancelled failed for the cancel's reason, whatever it says."""
        reason = self._token.reason
        self._report(failure if reason is None else Failed(reason, failure.detail, failure.usage))

    def _settle(self, ending: Ending) -> None:
        if isinstance(ending, Failed):
            self.handle_failure(ending)
        else:
            self.handle_success(ending)

    def _report(self, ending: Ending) -> None:
        attempt = self.job
        assert attempt is not None
        for timer in self._timers.values():
            self.cancel_timer(timer)
        self.job, self._started, self._timers = None, None, {}
        cast(MANAGER, Finished(self.slot, attempt, ending, self.clock.monotonic() - self._began_at))

    def _cancel(self, reason: Reason) -> None:
        if self._token.is_cancelled or self.job is None:
            return
        # What is run at a cancel may be code of the job's: it must not end this actor.
        border.attempt(lambda token: token.cancel(reason), self._token)
        self._timers["grace"] = self.send_after(self._rules.grace_s, _GraceOver(self.job.lease.execution_id))

    def _abandon(self) -> None:
        """It ignored the cancel: go on without it; the fence in the store drops whatever it still does."""
        assert self._started is not None
        assert self.job is not None
        self._started.abandon()
        self.events.emit("job.abandoned", job=self.job.name, job_id=self.job.lease.job_id)
        self._report(Failed(self._token.reason or Reason.INTERRUPTED, "it did not stop when asked to"))

    def _renew(self) -> None:
        assert self.job is not None
        lease, lease_s, now = self.job.lease, self._rules.lease_s, self.clock.sql_now()
        # One at a time: while the store is away they would pile up, and after it be in each other's way.
        if not self._is_renewing:
            self._is_renewing = True
            work = Write(lambda connection: jobs.renew(connection, [lease], lease_s=lease_s, now=now), self.ref, lease)
            cast(LEASES, work)
        self._timers["beat"] = self.send_after(lease_s / 3, _Beat(lease.execution_id))

    def _is_current(self, execution_id: int) -> bool:
        return self.job is not None and self.job.lease.execution_id == execution_id
