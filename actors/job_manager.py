"""The JobManager: takes every event to `dispatch.decide` and carries out what that says; it never waits for anyone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from actors import claimer, dispatch, fuse, job_executor, names
from actors.dispatch_messages import (
    Abandoned,
    Acknowledged,
    Answer,
    Assign,
    BlockRun,
    CancelJobs,
    DoneWork,
    Drain,
    DrainOver,
    Effect,
    Event,
    Finished,
    Interrupt,
    Lapsed,
    Later,
    LookAtRuns,
    PatienceOver,
    RecordDone,
    Recorded,
    RecordFailure,
    Report,
    Resign,
    ReviewWaiting,
    RunsChanged,
    RunsSeen,
    SkipRun,
    SlotGone,
    SlotReady,
    StartRun,
    Stop,
    StopClaiming,
    TurnOver,
    WakeClaimer,
    Want,
)
from actors.dispatch_state import State, summary
from actors.endurance import Endurance
from actors.otp.calls import cast
from actors.otp.gen_server import GenServer
from actors.otp.messages import NOREPLY, Down, ReplyTo
from actors.otp.ref import Ref
from actors.otp.runtime import Runtime
from actors.store_writer import MergedWrite, NotWritten, Write, Written
from moomarkets.domain import failpoints
from moomarkets.domain.errors import Fenced
from moomarkets.domain.retry import CRASH_LIMIT, Retry
from moomarkets.engines.engine import Engine
from moomarkets.store import executions, jobs, runs
from moomarkets.store.completions import Completion, complete_chunks

WAKE_MARGIN_S = 0.02


@dataclass(frozen=True, slots=True)
class Perform:
    """A change that a person asked for: `work` is committed, then its result is the reply.

    `cancels` tells whether the result is a list of job ids whose running attempts are to be stopped.
    """

    work: Callable[[Connection], object]
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class GetStatus:
    """What runs here now."""


@dataclass(frozen=True, slots=True)
class _DrainCall:
    """Start nothing more and answer once nothing runs."""


@dataclass(frozen=True, slots=True)
class _Poll:
    """Look at the runs once in a while, whatever was or was not notified."""


@dataclass(frozen=True, slots=True)
class _WakeLater:
    """A retry has become due."""


@dataclass(frozen=True, slots=True)
class _Persisted:
    """Tag of a write of ours: what follows when it is durable."""

    looks: bool = False
    wakes: bool = False
    reply_to: ReplyTo | None = None
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class _Beat:
    """Keep the leases of all that this node holds."""


@dataclass(frozen=True, slots=True)
class _Renewed:
    """Tag of a renewal: of these executions."""

    execution_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class _DoneTag:
    """Tag of the ends of attempts that brought no rows."""

    done: tuple[DoneWork, ...]


@dataclass(frozen=True, slots=True)
class _Looked:
    """Tag of a look at the runs."""


class JobManager(GenServer):
    """Dispatches claimed attempts to executors and starts runs whose dependencies allow it.

    No database, no HTTP and no call to anyone happens in its thread, so it answers whatever else is stuck.
    """

    never_calls = True
    slow_after_s = 0.05

    def init(
        self,
        poll_s: float,
        lease_s: float,
        engine: Engine | None = None,
        endurance: Endurance | None = None,
        jitter: random.Random | None = None,
        crash_limit: int = CRASH_LIMIT,
    ) -> None:
        """`engine` is asked how many attempts hang in it, and `endurance` says how many may; None: nobody counts."""
        self.state = State(endurance=endurance or Endurance(), crash_limit=crash_limit)
        self._poll_s, self._lease_s, self._engine = poll_s, lease_s, engine
        self._jitter = jitter or self.runtime.random()
        self._slots: dict[str, Ref] = {}
        self._monitors: dict[object, str] = {}
        self._is_renewing = False
        self.send_after(0, _Poll())
        self.send_after(lease_s / 3, _Beat())

    def handle_cast(self, message: Event) -> None:
        self._take(message)

    def handle_call(self, message: object) -> object:
        match message:
            case GetStatus():
                return summary(self.state)
            case _DrainCall():
                self._take(Drain(self.defer()))
                self.events.emit("drain.begun", running=len(self.state.running))
                failpoints.hit("drain_started")
                return NOREPLY
            case Perform(work, cancels):
                self._persist(work, _Persisted(looks=True, wakes=True, reply_to=self.defer(), cancels=cancels))
                return NOREPLY
            case _:
                return super().handle_call(message)

    def handle_info(self, message: object) -> None:
        match message:
            case Written(_Persisted() as tag, result):
                self._acknowledge(tag, result)
            case NotWritten(_Persisted() as tag):
                self._refused(tag, message)
            case Written(_DoneTag(done), results):
                self._recorded(done, results)
            case NotWritten(_DoneTag(done)):
                self._not_recorded(done, message)
            case Written(_Renewed(execution_ids), set() as kept):
                self._is_renewing = False
                self._take(Lapsed(execution_ids - kept))
            case NotWritten(_Renewed(), _):
                self._is_renewing = False  # the next beat tries again
            case _Beat():
                self.send_after(self._lease_s / 3, _Beat())
                self._count_abandoned()
                self._renew_leases()
            case Interrupt() | PatienceOver() | DrainOver() | TurnOver():
                self._take(message)
            case Written(_Looked(), result):
                self._take(RunsSeen(tuple(result)))  # type: ignore[arg-type]  # what runs.waiting returns
            case NotWritten(_Looked()):
                self.events.emit("runs.look_failed", error=message.reason)
                self._take(RunsSeen(None))
            case Down(monitor, ref, _) if monitor in self._monitors:
                slot = self._monitors.pop(monitor)
                # Else a newer incarnation has reported already.
                if self._slots.get(slot) is ref:
                    del self._slots[slot]
                    self._take(SlotGone(slot))
            case _Poll():
                self.send_after(self._poll_s, _Poll())
                self._take(RunsChanged())
            case _WakeLater():
                cast(names.CLAIMER, claimer.Wake())
            case _:
                super().handle_info(message)

    def _take(self, event: Event) -> None:
        if isinstance(event, Finished | Recorded):
            failpoints.hit("finish_acknowledged")
        if isinstance(event, SlotReady) and not self._watch(event):
            return
        # First of all: the place that this event frees may have been freed by abandoning an attempt.
        self._count_abandoned()
        self._decide(event)

    def _count_abandoned(self) -> None:
        count = 0 if self._engine is None else self._engine.abandoned
        if count != self.state.abandoned:
            self._decide(Abandoned(count))

    def _decide(self, event: Event) -> None:
        self.state, effects = dispatch.decide(self.state, event, self._jitter)
        for effect in effects:
            self._carry_out(effect)

    def _watch(self, ready: SlotReady) -> bool:
        """Know the executor's incarnation, so that its death settles its attempt; false where there is no news.

        The executor may be gone already, or known: of two that started one after the other, the first one's message
        has led to the second.
        """
        ref = self.runtime.whereis(names.executor(ready.slot))
        if ref is None or self._slots.get(ready.slot) is ref:
            return False
        self._slots[ready.slot] = ref
        self._monitors[self.monitor(ref)] = ready.slot
        return True

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Want(count, received):
                cast(names.CLAIMER, claimer.Want(count, received, self.ref))
            case StopClaiming():
                cast(names.CLAIMER, claimer.Stop())
            case WakeClaimer():
                cast(names.CLAIMER, claimer.Wake())
            case Assign(slot, attempts):
                cast(self._slots[slot], job_executor.Execute(attempts))
            case Stop(slot, execution_id, reason):
                cast(self._slots[slot], job_executor.Cancel(execution_id, reason))
            case RecordDone(done):
                self._record_done(done)
            case RecordFailure():
                self._record_failure(effect)
            case ReviewWaiting(attempts):
                cast(names.CLAIMER, claimer.Review(attempts))
            case LookAtRuns():
                cast(names.WRITER, Write(runs.waiting, self.ref, _Looked()))
            case StartRun(run_id):
                now = self.clock.sql_now()
                self._write(lambda connection: runs.admit(connection, run_id, now), _Persisted(wakes=True))
            case BlockRun(run_id, blocked_by):
                self.events.emit("run.waiting", run_id=run_id, by=blocked_by)
                self._write(lambda connection: runs.block(connection, run_id, blocked_by), _Persisted())
            case SkipRun(run_id, reason):
                self.events.emit("run.skipped", run_id=run_id, reason=reason)
                now = self.clock.sql_now()
                self._write(lambda connection: runs.skip(connection, run_id, reason, now), _Persisted(looks=True))
            case Answer(reply_to, value):
                reply_to.reply(value)
            case Report(name, fields):
                self.events.emit(name, **fields)
            case Later(seconds, event):
                self.send_after(seconds, event)
            case Resign():
                cast(names.FUSE, fuse.Blow())

    def _record_failure(self, effect: RecordFailure) -> None:
        completion_id, now = self.runtime.new_id(), self.clock.sql_now()
        self._write(
            lambda connection: executions.fail(
                connection, effect.attempt, completion_id, effect.failure, effect.verdict, now, lasted_s=effect.seconds
            ),
            _Persisted(looks=True, wakes=True),
        )
        if isinstance(effect.verdict, Retry) and effect.verdict.delay_s > 0:
            self.send_after(effect.verdict.delay_s + WAKE_MARGIN_S, _WakeLater())

    def _record_done(self, done: tuple[DoneWork, ...]) -> None:
        now, completion_id = self.clock.sql_now(), self.runtime.new_id()
        completions = [Completion(work.attempt, completion_id, work.usage, now, work.seconds) for work in done]
        cast(names.WRITER, MergedWrite(complete_chunks, completions, self.ref, _DoneTag(done), weight=len(done)))

    def _recorded(self, done: tuple[DoneWork, ...], results: object) -> None:
        assert isinstance(results, list)
        for result in results:
            if isinstance(result, Fenced):
                self.events.emit("job.fenced", error=f"Fenced: {result}")
        self._take(Recorded(done, tuple(None if isinstance(result, Fenced) else result for result in results)))

    def _not_recorded(self, done: tuple[DoneWork, ...], refusal: NotWritten) -> None:
        """One of them may be at fault: each gets a try of its own."""
        if len(done) > 1:
            for work in done:
                self._record_done((work,))
            return
        self._refused(_Persisted(), refusal)

    def _renew_leases(self) -> None:
        """Those of all attempts that executors have or that wait for one, in one statement."""
        held = [attempt.lease for attempts in self.state.running.values() for attempt in attempts]
        leases = [*held, *(attempt.lease for attempt in self.state.waiting)]
        # One at a time: while the store is away they would pile up, and after it be in each other's way.
        if leases and not self._is_renewing:
            self._is_renewing = True
            lease_s, now = self._lease_s, self.clock.sql_now()
            tag = _Renewed(frozenset(lease.execution_id for lease in leases))
            work = Write(lambda connection: jobs.renew(connection, leases, lease_s=lease_s, now=now), self.ref, tag)
            cast(names.LEASES, work)

    def _persist(self, work: Callable[[Connection], object], tag: _Persisted) -> None:
        """A write that the state does not know of yet."""
        self.state = dispatch.with_write(self.state)
        self._write(work, tag)

    def _write(self, work: Callable[[Connection], object], tag: _Persisted) -> None:
        cast(names.WRITER, Write(work, self.ref, tag))

    def _acknowledge(self, tag: _Persisted, result: object) -> None:
        if tag.cancels and isinstance(result, list):
            self._take(CancelJobs(frozenset(result)))
        if tag.reply_to is not None:
            tag.reply_to.reply(result)
        self._take(Acknowledged(tag.looks, tag.wakes))

    def _refused(self, tag: _Persisted, refusal: NotWritten) -> None:
        if tag.reply_to is not None:
            tag.reply_to.fail(refusal.error)
        elif isinstance(refusal.error, Fenced):
            self.events.emit("job.fenced", error=refusal.reason)
        else:
            self.events.emit("store.refused", error=refusal.reason)
        self._take(Acknowledged(tag.looks, tag.wakes))


def perform(
    runtime: Runtime, work: Callable[[Connection], Any], *, cancels: bool = False, timeout_s: float = 10
) -> Any:
    """Have the manager commit a change that a person asked for, and return its result. Called from outside."""
    return runtime.call(names.MANAGER, Perform(work, cancels), timeout_s)


def status(runtime: Runtime, timeout_s: float = 5.0) -> dict[str, object]:
    """What runs on this node now; needs no database."""
    answer: dict[str, object] = runtime.call(names.MANAGER, GetStatus(), timeout_s)
    return answer


def drain(runtime: Runtime, timeout_s: float) -> None:
    """Start nothing more and wait until nothing runs; raises `CallTimeout` when that takes longer."""
    runtime.call(names.MANAGER, _DrainCall(), timeout_s)


def interrupt(runtime: Runtime) -> None:
    """Stop whatever runs; the jobs are given back, uncharged."""
    runtime.cast(names.MANAGER, Interrupt())


def wake_claimer(runtime: Runtime) -> None:
    """Say that jobs have become due. Called from outside."""
    runtime.cast(names.CLAIMER, claimer.Wake())
