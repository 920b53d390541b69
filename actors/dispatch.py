"""What the JobManager decides: a pure function from state and event to state and effects.

An attempt is settled exactly once: by its executor's report, or by the executor's death, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from actors.assignment import assign, turn_over, turns
from actors.dispatch_messages import (
    Abandoned,
    Acknowledged,
    Answer,
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
    Recorded,
    Report,
    Resign,
    Resting,
    Review,
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
)
from actors.dispatch_state import Decision, State, number_of, with_slot
from actors.names import MANAGER
from actors.settling import failed, finished, give_back, recorded
from moomarkets.domain import dependencies
from moomarkets.domain.dependencies import Admit, Block, Skip, WaitingRun
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Attempt, Failed
from moomarkets.domain.retry import Jitter

STOPPING = "the node stops"
EXHAUSTED = "the node takes no work: too many jobs hang in it"
RESTS = "paused before it started"


def decide(state: State, event: Event, jitter: Jitter) -> Decision:
    """What follows from `event`; the only place where the manager's rules are."""
    state, effects = _apply(state, event, jitter)
    state, dispatched = assign(state)
    return _answer_drain(state, [*effects, *dispatched])


def with_write(state: State) -> State:
    """The state once a write that is no effect of an event is on its way to the store."""
    return replace(state, unacknowledged=state.unacknowledged + 1)


def _apply(state: State, event: Event, jitter: Jitter) -> Decision:
    match event:
        case SlotReady(slot):
            # One that was busy is another incarnation now: what it was busy with died with the one before.
            state, effects = _slot_gone(state, slot, jitter)
            return replace(state, slots=with_slot(state, slot, ())), effects
        case SlotGone(slot):
            return _slot_gone(state, slot, jitter)
        case Claimed(attempts):
            return _claimed(state, attempts)
        case ClaimerReady():
            return state, []
        case ClaimsOver():
            return replace(state, claims_over=True), []
        case Finished():
            state, effects, run_ended = finished(state, event, jitter)
            return _then_look(*_keep(state, effects), run_ended)
        case Recorded():
            return _then_look(*recorded(state, event))
        case Lapsed(execution_ids):
            return _lapsed(state, execution_ids)
        case Acknowledged(looks, wakes):
            state = replace(state, unacknowledged=state.unacknowledged - 1)
            state, effects = _look(state) if looks else (state, [])
            return state, [*effects, *([WakeClaimer()] if wakes else [])]
        case RunsChanged():
            return _look(state)
        case RunsSeen(waiting):
            return _runs_seen(state, waiting)
        case Review():
            return state, [ReviewWaiting(state.waiting)] if state.waiting else []
        case Resting(execution_ids):
            return give_back(state, _waiting(state, execution_ids), RESTS)
        case TurnOver(execution_id):
            return turn_over(state, execution_id)
        case CancelJobs(job_ids):
            return _cancel(state, job_ids, jitter)
        case Drain(reply_to):
            return _begin_drain(replace(state, drained=(*state.drained, reply_to)))
        case Interrupt():
            return state, _stops(state, Reason.INTERRUPTED, lambda attempt: True)
        case Abandoned(count):
            return _abandoned(state, count)
        case PatienceOver(times):
            is_still = state.is_exhausted and state.exhaustions == times
            return _resign(state) if is_still else (state, [])
        case DrainOver():
            return replace(state, is_resigning=False), [Resign()] if state.is_resigning else []


def _claimed(state: State, attempts: tuple[Attempt, ...]) -> Decision:
    state = replace(state, waiting=state.waiting + attempts, received=state.received + len(attempts))
    return _keep(state, turns(state, attempts))


def _keep(state: State, effects: list[Effect]) -> Decision:
    """What has come in stays, unless the node takes no work now."""
    if not (state.is_draining or state.is_exhausted):
        return state, effects
    state, given_back = give_back(state, state.waiting, STOPPING if state.is_draining else EXHAUSTED)
    return state, [*effects, *given_back]


def _then_look(state: State, effects: list[Effect], run_ended: bool) -> Decision:
    if not run_ended:
        return state, effects
    state, looks = _look(state)
    return state, [*effects, *looks]


def _lapsed(state: State, execution_ids: frozenset[int]) -> Decision:
    """Stop what runs, for nothing of it can be stored; what waits goes back, or is cancelled with its run."""
    stops = _stops(state, Reason.INTERRUPTED, lambda attempt: number_of(attempt) in execution_ids)
    state, effects = give_back(state, _waiting(state, execution_ids), "its lease was lost")
    return state, [*stops, *effects]


def _waiting(state: State, execution_ids: frozenset[int]) -> list[Attempt]:
    return [attempt for attempt in state.waiting if number_of(attempt) in execution_ids]


def _slot_gone(state: State, slot: str, jitter: Jitter) -> Decision:
    attempts = state.slots.get(slot, ())
    state = replace(state, slots={name: held for name, held in state.slots.items() if name != slot})
    effects: list[Effect] = []
    for attempt in attempts:
        state, given_back = failed(state, attempt, Failed(Reason.INTERRUPTED, "its executor died"), jitter)
        effects += given_back
    return state, effects


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
            case Skip(run_id, reason):
                effects.append(SkipRun(run_id, reason))
    state = replace(state, unacknowledged=state.unacknowledged + len(effects))
    if not again:
        return state, effects
    state, looks = _look(state)
    return state, [*effects, *looks]


def _cancel(state: State, job_ids: frozenset[int], jitter: Jitter) -> Decision:
    """Stop those that run, and end at once those that have not started."""
    doomed = [attempt for attempt in state.waiting if attempt.lease.job_id in job_ids]
    effects = _stops(state, Reason.CANCELLED, lambda attempt: attempt.lease.job_id in job_ids)
    state = replace(state, waiting=tuple(attempt for attempt in state.waiting if attempt not in doomed))
    for attempt in doomed:
        state, ended = failed(state, attempt, Failed(Reason.CANCELLED, "cancelled before it started"), jitter)
        effects += ended
    return state, effects


def _begin_drain(state: State) -> Decision:
    """Nothing new starts; what was claimed and not started goes back at once."""
    state, effects = give_back(replace(state, is_draining=True), state.waiting, STOPPING)
    return state, effects if state.claims_over else [StopClaiming(), *effects]


def _abandoned(state: State, count: int) -> Decision:
    """Too many that hang: take nothing more, and tell; hope for their return, but not for ever."""
    endurance, was_exhausted = state.endurance, state.is_exhausted
    state = replace(state, abandoned=count, is_exhausted=endurance.is_exceeded_by(count))
    fields = {"abandoned": count, "limit": endurance.abandoned_limit}
    effects: list[Effect] = []
    if state.is_exhausted and not was_exhausted:
        state = replace(state, exhaustions=state.exhaustions + 1)
        effects = [Report("engine.exhausted", fields), Later(endurance.patience_s, PatienceOver(state.exhaustions))]
        state, given_back = give_back(state, state.waiting, EXHAUSTED)
        effects += given_back
    elif was_exhausted and not state.is_exhausted:
        effects = [Report("engine.recovered", fields)]
    state, resigning = _resign(state) if endurance.is_spent_by(count) else (state, [])
    return state, [*effects, *resigning]


def _resign(state: State) -> Decision:
    """Drain for the end of this process, which only a new one can help; a stop that is under way is an end too."""
    if state.is_draining:
        return state, []
    endurance, abandoned, limit = state.endurance, state.abandoned, state.endurance.abandoned_limit
    reason = f"{abandoned} jobs hang in it, at most {limit} are borne; only a new process helps"
    fields = {"path": MANAGER, "reason": reason, "abandoned": abandoned, "limit": limit}
    state, effects = _begin_drain(replace(state, is_resigning=True))
    return state, [
        Report("node.gave_up", fields),
        Later(endurance.drain_s, Interrupt()),
        Later(endurance.drain_s + endurance.give_back_s, DrainOver()),
        *effects,
    ]


def _answer_drain(state: State, effects: list[Effect]) -> Decision:
    """Drained means: nothing runs, nothing can come any more, and the store knows how all of it ended."""
    if not (state.is_draining and state.claims_over) or state.running or state.unacknowledged:
        return state, effects
    answers: list[Effect] = [Answer(reply_to, True) for reply_to in state.drained]
    resigns = [Resign()] if state.is_resigning else []
    return replace(state, drained=(), is_resigning=False), [*effects, *answers, *resigns]


def _stops(state: State, reason: Reason, concerns: Callable[[Attempt], bool]) -> list[Effect]:
    return [
        Stop(slot, number_of(attempt), reason)
        for slot, attempts in state.running.items()
        for attempt in attempts
        if concerns(attempt)
    ]
