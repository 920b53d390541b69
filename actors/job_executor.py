"""Runs one attempt at a time: hands it to an engine and keeps its deadline and its cancel.

Job code never runs in this actor's thread, so the actor always hears a cancel. Short attempts come several in one
message and follow each other in the engine; what has not begun when one of them takes long goes back to the manager.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from actors.dispatch_messages import Ended, Finished, SlotReady
from actors.names import MANAGER, WRITER
from actors.otp.calls import cast, send
from actors.otp.gen_server import GenServer
from actors.otp.mailbox import Timer
from actors.pace import STALLED_S
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Fenced, Reason
from moomarkets.domain.job import Attempt, Ending, Failed, LostLease
from moomarkets.engines.engine import Engine
from moomarkets.engines.relay import Leg, Relay, Run
from moomarkets.store import suspects

Perform = Callable[[Attempt, UUID, CancelToken], Ending]
"""Does one attempt in a thread of an engine: see `moomarkets.jobtypes.perform`."""


@dataclass(frozen=True, slots=True)
class ExecutorRules:
    """`lease_s` of the lease, `deadline_s` of an attempt that has none of its own, `grace_s` after a cancel."""

    lease_s: float
    deadline_s: float = 3600.0
    grace_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Execute:
    """Run these attempts, one after the other."""

    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the attempt with that execution id, if it is one of those that are to be run."""

    execution_id: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Over:
    """The relay of that number has run to its end."""

    number: int


@dataclass(frozen=True, slots=True)
class _Stalled:
    """It should be over by now."""

    number: int


@dataclass(frozen=True, slots=True)
class _Deadline:
    """Some attempt may have come to its deadline."""

    number: int


@dataclass(frozen=True, slots=True)
class _GraceOver:
    execution_id: int


@dataclass(frozen=True, slots=True)
class _Marked:
    """Tag: it is durable that the code of a suspect begins."""

    number: int


class JobExecutor(GenServer):
    """One slot for one attempt at a time; reports to the manager how each ended."""

    def init(self, slot: str, engine: Engine, perform: Perform, rules: ExecutorRules) -> None:
        self.slot, self._engine, self._perform, self._rules = slot, engine, perform, rules
        self.jobs: dict[int, Attempt] = {}
        """The attempts that have not ended yet, by execution id."""
        self._number = 0
        self._relay: Relay[Ending] | None = None
        self._timers: list[Timer] = []
        self.ref.process.exited.subscribe(self._leave_behind)  # also when killed
        cast(MANAGER, SlotReady(slot))

    def handle_cast(self, message: Execute | Cancel) -> None:
        match message:
            case Execute(attempts):
                self.execute(attempts)
            case Cancel(execution_id, reason):
                self._cancel(execution_id, reason)

    def handle_info(self, message: object) -> None:
        match message:
            case _Over(number) | _Stalled(number) if number == self._number:
                self._report()
            case _Deadline(number) if number == self._number:
                self._look_at_deadline()
            case _GraceOver(execution_id):
                self._abandon(execution_id)
            case Written(_Marked(number)) if number == self._number and self._relay is not None:
                self._begin(self._relay)
            case NotWritten(_Marked(number), error) if number == self._number:
                self._not_marked(error)
            case _Over() | _Stalled() | _Deadline() | Written() | NotWritten():
                return  # of attempts that are over
            case _:
                super().handle_info(message)

    def _leave_behind(self) -> None:
        """Whoever runs on is fenced; asked to stop, it wastes no request and keeps no place for one."""
        if self._relay is not None:
            self._relay.take_back()
            leg = self._relay.current
            if leg is not None:
                self._relay.cancel(leg.number, Reason.INTERRUPTED)
            self._relay.abandon()

    def execute(self, attempts: tuple[Attempt, ...]) -> None:
        """Start the first attempt in the engine; the others follow it there."""
        self._number += 1
        me, over = self.ref, _Over(self._number)
        self.jobs = {attempt.lease.execution_id: attempt for attempt in attempts}
        # One id for all: it tells of a second try of the same commit, beside the id of the execution.
        completion_id = self.runtime.new_id()
        legs = [self._leg(attempt, completion_id) for attempt in attempts]
        self._relay = Relay(self._engine, legs, self.clock.monotonic, lambda: send(me, over))
        first = attempts[0]
        if not first.crash_count:
            self._begin(self._relay)
            return
        # Only code that is known to have begun may be charged with the death of this process.
        now = self.clock.sql_now()
        mark = Write(lambda connection: suspects.begin(connection, first.lease, now), me, _Marked(self._number))
        cast(WRITER, mark)

    def handle_success(self, run: Run[Ending]) -> Ending:
        """What to report of an attempt whose work is done, or whose lease was lost."""
        return run.outcome

    def handle_failure(self, run: Run[Ending], failure: Failed) -> Ending:
        """What to report of a failed attempt; one that was cancelled failed for that reason, whatever it says."""
        return failure if run.stopped_for is None else Failed(run.stopped_for, failure.detail, failure.usage)

    def _leg(self, attempt: Attempt, completion_id: UUID) -> Leg[Ending]:
        work = partial(self._perform, attempt, completion_id)
        return Leg(attempt.lease.execution_id, work, f"{attempt.job_type} {attempt.key}")

    def _begin(self, relay: Relay[Ending]) -> None:
        self._timers = [self.send_after(self._shortest_deadline_s(), _Deadline(self._number))]
        if len(self.jobs) > 1:
            self._timers.append(self.send_after(STALLED_S, _Stalled(self._number)))
        relay.start()

    def _not_marked(self, error: Exception) -> None:
        ending = LostLease() if isinstance(error, Fenced) else Failed(Reason.INTERRUPTED, "its start was not stored")
        self._report([Ended(attempt, ending) for attempt in self.jobs.values()])

    def _report(self, ended: Sequence[Ended] = (), back: Sequence[int] = ()) -> None:
        """Tell the manager what is over; what has not begun goes back with it."""
        relay = self._relay
        if relay is None:
            return
        back = [*back, *relay.take_back()]
        over = [*ended, *(self._ended(run) for run in relay.collect() if run.number in self.jobs)]
        for end in over:
            self.jobs.pop(end.attempt.lease.execution_id, None)
        returned = [self.jobs.pop(number) for number in back if number in self.jobs]
        if not self.jobs:
            for timer in self._timers:
                self.cancel_timer(timer)
            self._timers, self._relay = [], None
        if over or returned:
            cast(MANAGER, Finished(self.slot, tuple(over), tuple(returned)))

    def _ended(self, run: Run[Ending]) -> Ended:
        outcome = run.outcome
        ending = self.handle_failure(run, outcome) if isinstance(outcome, Failed) else self.handle_success(run)
        return Ended(self.jobs[run.number], ending, run.seconds)

    def _cancel(self, execution_id: int, reason: Reason) -> None:
        """What runs is asked to stop, what has not begun ends at once; whatever waits behind it goes elsewhere."""
        relay, attempt = self._relay, self.jobs.get(execution_id)
        if relay is None or attempt is None:
            return
        back = relay.take_back()
        if execution_id in back:
            self._report([Ended(attempt, Failed(reason, "stopped before it started"))], back)
            return
        if relay.cancel(execution_id, reason):
            self._timers.append(self.send_after(self._rules.grace_s, _GraceOver(execution_id)))
        if back:
            self._report(back=back)

    def _abandon(self, execution_id: int) -> None:
        """It ignored the cancel: go on without it; the fence in the store drops whatever it still does."""
        leg = self._relay.current if self._relay is not None else None
        if self._relay is None or leg is None or leg.number != execution_id or self._relay.abandon() is None:
            return
        attempt = self.jobs[execution_id]
        self.events.emit("job.abandoned", job=attempt.name, job_id=attempt.lease.job_id)
        failure = Failed(leg.token.reason or Reason.INTERRUPTED, "it did not stop when asked to")
        self._report([Ended(attempt, failure, self.clock.monotonic() - leg.began_at)])

    def _look_at_deadline(self) -> None:
        """Cancel what runs if its time is over, else look again when that may be so."""
        leg = self._relay.current if self._relay is not None else None
        if leg is None or leg.number not in self.jobs:
            return
        left_s = self._deadline_s(self.jobs[leg.number]) - (self.clock.monotonic() - leg.began_at)
        if left_s <= 0:
            self._cancel(leg.number, Reason.TIMED_OUT)
        else:
            again_s = min(left_s, self._shortest_deadline_s())
            self._timers.append(self.send_after(again_s, _Deadline(self._number)))

    def _shortest_deadline_s(self) -> float:
        return min(self._deadline_s(attempt) for attempt in self.jobs.values())

    def _deadline_s(self, attempt: Attempt) -> float:
        return self._rules.deadline_s if attempt.timeout_s is None else attempt.timeout_s
