"""What the JobManager decides: a pure function from state and event to state and effects.

An attempt is settled exactly once: by its executor's report, or by the executor's death, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from actors.dispatch_messages import (
    Abandoned,
    Acknowledged,
    Answer,
    Assign,
    BlockRun,
    CancelJobs,
    Claimed,
    ClaimerReady,
    ClaimsOver,
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
    RunsChanged,
    RunsSeen,
    SlotGone,
    SlotReady,
    StartRun,
    Stop,
    StopClaiming,
    WakeClaimer,
    Want,
)
from actors.endurance import Endurance
from actors.names import MANAGER
from actors.otp.messages import ReplyTo
from moomarkets.domain import dependencies
from moomarkets.domain.dependencies import Admit, Block, WaitingRun
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import PLAN, Attempt, Done, Failed, LostLease, Succeeded
from moomarkets.domain.retry import GiveUp, Jitter, Retry, RetryPolicy, after_failure

SHORT_S = 0.2
"""While attempts usually last less than this, the wait for a claim would cost more than a claim in advance."""

USUAL_WEIGHT = 0.1
STOPPING = "the node stops"
EXHAUSTED = "the node takes no work: too many jobs hang in it"
MOST_UNACKNOWLEDGED = 2000
"""With more writes than this on their way to the store nothing new is started: the store is away or behind."""


@dataclass(frozen=True, slots=True)
class State:
    """What the manager knows; the database is the truth, this is rebuilt from it.

    `slots` maps the name of each living executor to its attempt, None while idle. `waiting` are attempts that are
    claimed and have no executor yet, `received` counts all that were ever claimed. `unacknowledged` counts writes
    that the store has not confirmed. `claims_over` says that the claimer has promised to claim nothing more.
    `usual_s` is how long attempts have lasted lately.

    `abandoned` counts attempts that hang in threads of their own; with more than `endurance` allows the engine
    `is_exhausted`, for the `exhaustions`-th time. The node `is_resigning` while it drains for its own end.
    """

    slots: Mapping[str, Attempt | None] = field(default_factory=dict)
    waiting: tuple[Attempt, ...] = ()
    received: int = 0
    unacknowledged: int = 0
    is_draining: bool = False
    claims_over: bool = False
    is_looking: bool = False
    looks_again: bool = False
    drained: tuple[ReplyTo, ...] = ()
    completed: int = 0
    failed: int = 0
    usual_s: float = 1.0
    endurance: Endurance = field(default_factory=Endurance)
    abandoned: int = 0
    is_exhausted: bool = False
    exhaustions: int = 0
    is_resigning: bool = False

    @property
    def running(self) -> dict[str, Attempt]:
        """The attempts under way, by executor."""
        return {slot: attempt for slot, attempt in self.slots.items() if attempt is not None}


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
            # One that was busy is another incarnation now: what it was busy with died with the one before.
            state, effects = _slot_gone(state, slot, jitter)
            return replace(state, slots=_with(state.slots, slot, None)), effects
        case SlotGone(slot):
            return _slot_gone(state, slot, jitter)
        case Claimed(attempts):
            return _claimed(state, attempts, jitter)
        case ClaimerReady():
            return state, []
        case ClaimsOver():
            return replace(state, claims_over=True), []
        case Finished():
            return _finished(state, event, jitter)
        case Recorded(attempt, usage, run_ended):
            return _completed(
                replace(state, unacknowledged=state.unacknowledged - 1), attempt, Succeeded(usage, run_ended)
            )
        case Lapsed(execution_ids):
            kept = tuple(held for held in state.waiting if held.lease.execution_id not in execution_ids)
            return replace(state, waiting=kept), []
        case Acknowledged(looks, wakes):
            state = replace(state, unacknowledged=state.unacknowledged - 1)
            state, effects = _look(state) if looks else (state, [])
            return state, [*effects, *([WakeClaimer()] if wakes else [])]
        case RunsChanged():
            return _look(state)
        case RunsSeen(waiting):
            return _runs_seen(state, waiting)
        case CancelJobs(job_ids):
            return _cancel(state, job_ids, jitter)
        case Drain(reply_to):
            return _drain(state, reply_to, jitter)
        case Interrupt():
            return state, _stops(state, Reason.INTERRUPTED, None)
        case Abandoned(count):
            return _abandoned(state, count, jitter)
        case PatienceOver(times):
            is_still = state.is_exhausted and state.exhaustions == times
            return _resign(state, jitter) if is_still else (state, [])
        case DrainOver():
            return replace(state, is_resigning=False), [Resign()] if state.is_resigning else []


def _claimed(state: State, attempts: tuple[Attempt, ...], jitter: Jitter) -> Decision:
    state = replace(state, waiting=state.waiting + attempts, received=state.received + len(attempts))
    if state.is_draining:
        return _give_back(state, STOPPING, jitter)
    return _give_back(state, EXHAUSTED, jitter) if state.is_exhausted else (state, [])


def _finished(state: State, event: Finished, jitter: Jitter) -> Decision:
    if state.slots.get(event.slot) != event.attempt:
        # Settled before, by the executor's death: the store's fence decides about the late result.
        return state, []
    state = replace(
        state,
        slots=_with(state.slots, event.slot, None),
        usual_s=state.usual_s + (event.seconds - state.usual_s) * USUAL_WEIGHT,
    )
    match event.ending:
        case Succeeded() as succeeded:
            return _completed(state, event.attempt, succeeded)
        case Done(usage):
            return replace(state, unacknowledged=state.unacknowledged + 1), [RecordDone(event.attempt, usage)]
        case LostLease():
            return state, [Report("job.fenced", _names(event.attempt))]
        case Failed() as failure:
            return _failed(state, event.attempt, failure, jitter)


def _completed(state: State, attempt: Attempt, success: Succeeded) -> Decision:
    """Its end, and whatever it brought, is durable."""
    usage = success.usage
    report = Report("job.completed", {**_names(attempt), "rows": usage.rows, "requests": usage.requests})
    state = replace(state, completed=state.completed + 1)
    state, effects = _look(state) if success.run_ended else (state, [])
    if attempt.job_type == PLAN:
        effects.append(WakeClaimer())
    return state, [report, *effects]


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
    if state.is_draining:
        return state, []
    if state.unacknowledged > MOST_UNACKNOWLEDGED or state.is_exhausted:
        return state, [Want(0, state.received)]
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
    ahead = _ahead(state)
    room = len(idle) - len(effects) - len(waiting) + ahead
    if waiting and 0 <= room < ahead / 2:
        # There is enough for a while: one large claim later costs less than many small ones now.
        return state, effects
    return state, [*effects, Want(max(room, 0), state.received)]


def _ahead(state: State) -> int:
    """How many attempts to claim before there is an executor for them: some while jobs are short, else none."""
    return len(state.slots) // 2 if state.usual_s < SHORT_S else 0


def _look(state: State) -> Decision:
    """One look at a time; what changes meanwhile is looked at after it."""
    if state.is_draining:
        # Asked again with each poll, for a claimer that was just being restarted has not heard it.
        return state, [] if state.claims_over else [StopClaiming()]
    if state.is_looking:
        return replace(state, looks_again=True), []
    return replace(state, is_looking=True, looks_again=False), [LookAtRuns()]


def _runs_seen(state: State, waiting: tuple[WaitingRun, ...] | None) -> Decision:
    again = state.looks_again
    state = replace(state, is_looking=False, looks_again=False)
    if state.is_draining:
        return state, []
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


def _cancel(state: State, job_ids: frozenset[int], jitter: Jitter) -> Decision:
    """Stop those that run, and end at once those that have not started."""
    doomed = [attempt for attempt in state.waiting if attempt.lease.job_id in job_ids]
    effects = _stops(state, Reason.CANCELLED, job_ids)
    state = replace(state, waiting=tuple(attempt for attempt in state.waiting if attempt not in doomed))
    for attempt in doomed:
        state, ended = _failed(state, attempt, Failed(Reason.CANCELLED, "cancelled before it started"), jitter)
        effects += ended
    return state, effects


def _drain(state: State, reply_to: ReplyTo, jitter: Jitter) -> Decision:
    """Nothing new starts; what was claimed and not started goes back at once."""
    return _begin_drain(replace(state, drained=(*state.drained, reply_to)), jitter)


def _begin_drain(state: State, jitter: Jitter) -> Decision:
    state, effects = _give_back(replace(state, is_draining=True), STOPPING, jitter)
    return state, effects if state.claims_over else [StopClaiming(), *effects]


def _abandoned(state: State, count: int, jitter: Jitter) -> Decision:
    """Too many that hang: take nothing more, and tell; hope for their return, but not for ever."""
    endurance, was_exhausted = state.endurance, state.is_exhausted
    state = replace(state, abandoned=count, is_exhausted=endurance.is_exceeded_by(count))
    fields = {"abandoned": count, "limit": endurance.abandoned_limit}
    effects: list[Effect] = []
    if state.is_exhausted and not was_exhausted:
        state = replace(state, exhaustions=state.exhaustions + 1)
        effects = [Report("engine.exhausted", fields), Later(endurance.patience_s, PatienceOver(state.exhaustions))]
        state, given_back = _give_back(state, EXHAUSTED, jitter)
        effects += given_back
    elif was_exhausted and not state.is_exhausted:
        effects = [Report("engine.recovered", fields)]
    state, resigning = _resign(state, jitter) if endurance.is_spent_by(count) else (state, [])
    return state, [*effects, *resigning]


def _resign(state: State, jitter: Jitter) -> Decision:
    """Drain for the end of this process, which only a new one can help; a stop that is under way is an end too."""
    if state.is_draining:
        return state, []
    endurance, abandoned, limit = state.endurance, state.abandoned, state.endurance.abandoned_limit
    reason = f"{abandoned} jobs hang in it, at most {limit} are borne; only a new process helps"
    fields = {"path": MANAGER, "reason": reason, "abandoned": abandoned, "limit": limit}
    state, effects = _begin_drain(replace(state, is_resigning=True), jitter)
    return state, [
        Report("node.gave_up", fields),
        Later(endurance.drain_s, Interrupt()),
        Later(endurance.drain_s + endurance.give_back_s, DrainOver()),
        *effects,
    ]


def _give_back(state: State, why: str, jitter: Jitter) -> Decision:
    effects: list[Effect] = []
    waiting, state = state.waiting, replace(state, waiting=())
    for attempt in waiting:
        state, given_back = _failed(state, attempt, Failed(Reason.INTERRUPTED, why), jitter)
        effects += given_back
    return state, effects


def _answer_drain(state: State, effects: list[Effect]) -> Decision:
    """Drained means: nothing runs, nothing can come any more, and the store knows how all of it ended."""
    if not (state.is_draining and state.claims_over) or state.running or state.unacknowledged:
        return state, effects
    answers: list[Effect] = [Answer(reply_to, True) for reply_to in state.drained]
    resigns = [Resign()] if state.is_resigning else []
    return replace(state, drained=(), is_resigning=False), [*effects, *answers, *resigns]


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
