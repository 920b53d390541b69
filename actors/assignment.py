"""Which executor gets what, and how many more to claim; a part of the dispatch."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from actors.dispatch_messages import Assign, Effect, Later, TurnOver, Want
from actors.dispatch_state import Decision, State, number_of, with_slot
from actors.settling import give_back, put_off
from moomarkets.domain.job import Attempt

MOST_UNACKNOWLEDGED = 2000
"""With more writes than this on their way to the store nothing new is started: the store is away or behind."""

TURN_S = 20.0
"""How long the node keeps itself free for an attempt that has to run alone; then it goes back."""

AWAY_S = 60.0
"""How long such an attempt stays away; another node, or a quieter hour, may have a place for it."""

ALONE = "the node is kept for a job that has to run alone"


def assign(state: State) -> Decision:
    """Give waiting attempts to idle executors and ask for as many more as there is room for."""
    if state.is_draining:
        return state, []
    if state.unacknowledged > MOST_UNACKNOWLEDGED or state.is_exhausted:
        return state, [Want(0, state.received)]
    if (alone := _alone(state)) is not None:
        return alone
    idle = [slot for slot, attempts in state.slots.items() if not attempts]
    slots, waiting = dict(state.slots), state.waiting
    effects: list[Effect] = []
    left = len(idle)
    for slot in idle[: len(waiting)]:
        if not waiting:
            break
        count = state.pace.together(waiting, most=ceil(len(waiting) / left))
        slots[slot], waiting = waiting[:count], waiting[count:]
        effects.append(Assign(slot, slots[slot]))
        left -= 1
    if effects:
        state = replace(state, slots=slots, waiting=waiting)
    ahead = state.pace.ahead(len(slots))
    room = left - len(waiting) + ahead
    if waiting and 0 <= room < ahead / 2:
        # There is enough for a while: one large claim later costs less than many small ones now.
        return state, effects
    return state, [*effects, Want(max(room, 0), state.received)]


def turns(state: State, claimed: tuple[Attempt, ...]) -> list[Effect]:
    """The end of the patience for those of the claimed that have to run alone."""
    return [Later(TURN_S, TurnOver(number_of(attempt))) for attempt in claimed if state.runs_alone(attempt)]


def turn_over(state: State, execution_id: int) -> Decision:
    """Others have gone on for too long: nothing is kept waiting for it any more."""
    late = next((attempt for attempt in state.waiting if number_of(attempt) == execution_id), None)
    if late is None:
        return state, []
    kept = tuple(attempt for attempt in state.waiting if attempt is not late)
    return put_off(replace(state, waiting=kept), late, "it has to run alone, and others went on", AWAY_S)


def _alone(state: State) -> Decision | None:
    """What follows while an attempt that has to run alone waits or runs; None where there is none."""
    running = state.running
    if any(state.runs_alone(attempt) for attempts in running.values() for attempt in attempts):
        return _with_nothing_waiting(state)
    loner = next((attempt for attempt in state.waiting if state.runs_alone(attempt)), None)
    if loner is None:
        return None
    if running or not state.slots:
        return state, [Want(0, state.received)]
    slot = next(iter(state.slots))
    kept = tuple(attempt for attempt in state.waiting if attempt is not loner)
    state = replace(state, slots=with_slot(state, slot, (loner,)), waiting=kept)
    state, effects = _with_nothing_waiting(state)
    return state, [Assign(slot, (loner,)), *effects]


def _with_nothing_waiting(state: State) -> Decision:
    """It may go on for long: others take what waits."""
    state, effects = give_back(state, state.waiting, ALONE)
    return state, [*effects, Want(0, state.received)]
