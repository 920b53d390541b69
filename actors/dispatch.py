"""What the JobManager decides: a pure function from state and event to state and effects.

An attempt is settled exactly once: by its executor's report, or by the executor's death, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from actors.otp.messages import ReplyTo
from moomarkets.domain import dependencies
from moomarkets.domain.dependencies import Admit, Block, WaitingRun
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import PLAN, Attempt, Ending, Failed, LostLease, Succeeded
from moomarkets.domain.retry import GiveUp, Jitter, Retry, RetryPolicy, after_failure

MOST_UNACKNOWLEDGED = 2000
"""With more writes than this on their way to the store nothing new is started: the store is away or behind."""


@dataclass(frozen=True, slots=True)
class State:
    """What the manager knows; the database is the truth, this is rebuilt from it.

    `slots` maps the name of each living executor to its attempt, None while idle. `waiting` are attempts that are
    claimed and have no executor yet. `unacknowledged` counts writes that the store has not confirmed.
    """

    slots: Mapping[str, Attempt | None] = field(default_factory=dict)
    waiting: tuple[Attempt, ...] = ()
    unacknowledged: int = 0
    is_draining: bool = False
    is_looking: bool = False
    looks_again: bool = False
    drained: tuple[ReplyTo, ...] = ()
    completed: int = 0
    failed: int = 0

    @property
    def running(self) -> dict[str, Attempt]:
        """The attempts under way, by executor."""
        return {slot: attempt for slot, attempt in self.slots.items() if attempt is not None}


# Events.


@dataclass(frozen=True, slots=True)
class SlotReady:
    """An executor has started and is idle."""

    slot: str


@dataclass(frozen=True, slots=True)
class SlotGone:
    """An executor died; its attempt, if it had one, is settled by this."""

    slot: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """These attempts are ours now."""

    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """An executor's attempt has ended."""

    slot: str
    attempt: Attempt
    ending: Ending


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write of ours is durable. It may have changed what runs wait for, or brought jobs that are due."""

    looks: bool = False
    wakes: bool = False


@dataclass(frozen=True, slots=True)
class RunsChanged:
    """A run was asked for or has ended, here or elsewhere: look which may start."""


@dataclass(frozen=True, slots=True)
class RunsSeen:
    """What a look found; None where the look itself failed."""

    waiting: tuple[WaitingRun, ...] | None


@dataclass(frozen=True, slots=True)
class CancelJobs:
    """Stop the attempts of these jobs that run here."""

    job_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Drain:
    """Start nothing more; answer `reply_to` when nothing runs any more. Sticky."""

    reply_to: ReplyTo


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop whatever still runs here; the jobs are given back, uncharged."""


Event = (
    SlotReady | SlotGone | Claimed | Finished | Acknowledged | RunsChanged | RunsSeen | CancelJobs | Drain | Interrupt
)


# Effects.


@dataclass(frozen=True, slots=True)
class Want:
    """Tell the claimer for how many attempts there is room."""

    count: int


@dataclass(frozen=True, slots=True)
class Assign:
    """Give the attempt to that executor."""

    slot: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Stop:
    """Tell that executor to cancel its attempt."""

    slot: str
    execution_id: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """Store that the attempt failed, and what becomes of its job."""

    attempt: Attempt
    failure: Failed
    verdict: Retry | GiveUp


@dataclass(frozen=True, slots=True)
class LookAtRuns:
    """Read which runs are pending and what they wait for."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """Store that the run starts."""

    run_id: int


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Store what the run waits for."""

    run_id: int
    blocked_by: str


@dataclass(frozen=True, slots=True)
class WakeClaimer:
    """Tell the claimer that jobs have become due."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Reply to a caller that has been waiting."""

    reply_to: ReplyTo
    value: object


@dataclass(frozen=True, slots=True)
class Report:
    """Emit an event."""

    name: str
    fields: Mapping[str, object] = field(default_factory=dict)


Effect = Want | Assign | Stop | RecordFailure | LookAtRuns | StartRun | BlockRun | WakeClaimer | Answer | Report
Decision = tuple[State, list[Effect]]


def decide(state: State, event: Event, jitter: Jitter) -> Decision:
    """What follows from `event`; the only place where the manager's rules are."""
    state, effects = _apply(state, event, jitter)
    state, dispatched = _dispatch(state)
    return _answer_drain(state, [*effects, *dispatched])


def with_write(state: State) -> State:
    """The state once a write that is no effect of an event is on its way to the store."""
    return replace(state, unacknowledged=state.unacknowledged + 1)


def _apply(state: State, event: Event, jitter: Jitter) -> Decision:
    match event:
        case SlotReady(slot):
            return replace(state, slots=_with(state.slots, slot, None)), []
        case SlotGone(slot):
            return _slot_gone(state, slot, jitter)
        case Claimed(attempts):
            return replace(state, waiting=state.waiting + attempts), []
        case Finished():
            return _finished(state, event, jitter)
        case Acknowledged(looks, wakes):
            state = replace(state, unacknowledged=state.unacknowledged - 1)
            state, effects = _look(state) if looks else (state, [])
            return state, [*effects, *([WakeClaimer()] if wakes else [])]
        case RunsChanged():
            return _look(state)
        case RunsSeen(waiting):
            return _runs_seen(state, waiting)
        case CancelJobs(job_ids):
            return state, _stops(state, Reason.CANCELLED, job_ids)
        case Drain(reply_to):
            return _drain(state, reply_to, jitter)
        case Interrupt():
            return state, _stops(state, Reason.INTERRUPTED, None)


def _finished(state: State, event: Finished, jitter: Jitter) -> Decision:
    if state.slots.get(event.slot) != event.attempt:
        # Settled before, by the executor's death: the store's fence decides about the late result.
        return state, []
    state = replace(state, slots=_with(state.slots, event.slot, None))
    match event.ending:
        case Succeeded(usage, run_ended):
            report = Report("job.completed", {**_names(event.attempt), "rows": usage.rows, "requests": usage.requests})
            state = replace(state, completed=state.completed + 1)
            state, effects = _look(state) if run_ended else (state, [])
            if event.attempt.job_type == PLAN:
                effects.append(WakeClaimer())
            return state, [report, *effects]
        case LostLease():
            return state, [Report("job.fenced", _names(event.attempt))]
        case Failed() as failure:
            return _failed(state, event.attempt, failure, jitter)


def _failed(state: State, attempt: Attempt, failure: Failed, jitter: Jitter) -> Decision:
    policy = RetryPolicy(attempt.max_retries, attempt.retry_delay_s)
    verdict = after_failure(failure.reason, attempt.number, policy, jitter)
    is_final = isinstance(verdict, GiveUp)
    fields = {
        **_names(attempt),
        "reason": str(failure.reason),
        "error": failure.detail,
        "attempt": attempt.number,
    }
    if isinstance(verdict, Retry):
        fields["again_in_s"] = round(verdict.delay_s, 3)
    report = Report("job.failed" if is_final else "job.put_back", fields)
    state = replace(state, unacknowledged=state.unacknowledged + 1, failed=state.failed + (1 if is_final else 0))
    return state, [report, RecordFailure(attempt, failure, verdict)]


def _slot_gone(state: State, slot: str, jitter: Jitter) -> Decision:
    attempt = state.slots.get(slot)
    state = replace(state, slots={name: held for name, held in state.slots.items() if name != slot})
    if attempt is None:
        return state, []
    return _failed(state, attempt, Failed(Reason.INTERRUPTED, "its executor died"), jitter)


def _dispatch(state: State) -> Decision:
    """Give waiting attempts to idle executors and ask for as many more as there is room for."""
    if state.is_draining or state.unacknowledged > MOST_UNACKNOWLEDGED:
        return state, []
    idle = [slot for slot, attempt in state.slots.items() if attempt is None]
    effects: list[Effect] = []
    slots = dict(state.slots)
    waiting = state.waiting
    for slot in idle[: len(waiting)]:
        attempt, waiting = waiting[0], waiting[1:]
        slots[slot] = attempt
        effects.append(Assign(slot, attempt))
    if effects:
        state = replace(state, slots=slots, waiting=waiting)
    room = len(idle) - len(effects) - len(waiting)
    return state, [*effects, Want(max(room, 0))]


def _look(state: State) -> Decision:
    """One look at a time; what changes meanwhile is looked at after it."""
    if state.is_draining:
        return state, []
    if state.is_looking:
        return replace(state, looks_again=True), []
    return replace(state, is_looking=True, looks_again=False), [LookAtRuns()]


def _runs_seen(state: State, waiting: tuple[WaitingRun, ...] | None) -> Decision:
    again = state.looks_again
    state = replace(state, is_looking=False, looks_again=False)
    effects: list[Effect] = []
    for decision in dependencies.decide(waiting or ()):
        match decision:
            case Admit(run_id):
                effects.append(StartRun(run_id))
            case Block(run_id, blocked_by):
                effects.append(BlockRun(run_id, blocked_by))
    state = replace(state, unacknowledged=state.unacknowledged + len(effects))
    if not again:
        return state, effects
    state, looks = _look(state)
    return state, [*effects, *looks]


def _drain(state: State, reply_to: ReplyTo, jitter: Jitter) -> Decision:
    """Nothing new starts; what was claimed and not started goes back at once."""
    effects: list[Effect] = [Want(0)]
    waiting, state = state.waiting, replace(state, is_draining=True, waiting=())
    for attempt in waiting:
        state, given_back = _failed(state, attempt, Failed(Reason.INTERRUPTED, "the node stops"), jitter)
        effects += given_back
    return replace(state, drained=(*state.drained, reply_to)), effects


def _answer_drain(state: State, effects: list[Effect]) -> Decision:
    if not state.is_draining or state.running or state.unacknowledged:
        return state, effects
    answers = [Answer(reply_to, True) for reply_to in state.drained]
    return replace(state, drained=()), [*effects, *answers]


def _stops(state: State, reason: Reason, job_ids: frozenset[int] | None) -> list[Effect]:
    return [
        Stop(slot, attempt.lease.execution_id, reason)
        for slot, attempt in state.running.items()
        if job_ids is None or attempt.lease.job_id in job_ids
    ]


def _with(slots: Mapping[str, Attempt | None], slot: str, attempt: Attempt | None) -> dict[str, Attempt | None]:
    return {**slots, slot: attempt}


def _names(attempt: Attempt) -> dict[str, object]:
    return {
        "job_id": attempt.lease.job_id,
        "job": attempt.name,
        "job_type": attempt.job_type,
        "run_id": attempt.run_id,
    }
