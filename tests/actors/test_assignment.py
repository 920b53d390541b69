"""Which executor gets what: short attempts together, a job's last chance alone."""

from __future__ import annotations

from actors.assignment import AWAY_S, TURN_S
from actors.dispatch import decide
from actors.dispatch_messages import (
    Assign,
    Claimed,
    Effect,
    Ended,
    Event,
    Finished,
    Lapsed,
    Later,
    RecordDone,
    RecordFailure,
    Resting,
    Review,
    ReviewWaiting,
    SlotGone,
    SlotReady,
    Stop,
    TurnOver,
    Want,
)
from actors.dispatch_state import State
from actors.pace import Pace
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Attempt, Done, Succeeded
from moomarkets.domain.retry import Retry
from tests.actors.stories import CHANCE, attempt, finished

QUICK = State(pace=Pace({"work": 0.001}, 0.001))
LAST_CHANCE = attempt(9, crash_count=4)


def after(*events: Event, state: State = QUICK) -> tuple[State, list[Effect]]:
    """The state after all events, and the effects of the last."""
    effects: list[Effect] = []
    for event in events:
        state, effects = decide(state, event, CHANCE)
    return state, effects


def assigned(effects: list[Effect]) -> list[tuple[str, list[int]]]:
    return [
        (effect.slot, [one.lease.execution_id for one in effect.attempts])
        for effect in effects
        if isinstance(effect, Assign)
    ]


def given_back(effects: list[Effect]) -> list[tuple[Attempt, object]]:
    return [(effect.attempt, effect.verdict) for effect in effects if isinstance(effect, RecordFailure)]


def claimed(*numbers: int) -> Claimed:
    return Claimed(tuple(attempt(number) for number in numbers))


def test_short_attempts_are_spread_evenly_over_those_that_are_idle() -> None:
    _, effects = after(SlotReady("x0"), SlotReady("x1"), claimed(1, 2, 3, 4, 5))

    assert assigned(effects) == [("x0", [1, 2, 3]), ("x1", [4, 5])]


def test_an_executor_is_idle_once_all_that_it_was_given_is_settled() -> None:
    state, _ = after(SlotReady("x0"), claimed(1, 2, 3), claimed(4))
    one, two, three = state.running["x0"]

    state, first = after(Finished("x0", (Ended(one, Done(), 0.001), Ended(two, Succeeded(), 0.001))), state=state)
    state, second = after(finished("x0", three, Done()), state=state)

    assert assigned(first) == []
    assert [work.attempt for effect in first if isinstance(effect, RecordDone) for work in effect.done] == [one]
    assert assigned(second) == [("x0", [4])]


def test_what_comes_back_unstarted_is_next_without_a_word_to_the_store() -> None:
    state, _ = after(SlotReady("x0"), claimed(1, 2, 3), claimed(4))
    state, came_back = after(Finished("x0", (), state.running["x0"][1:]), state=state)

    _, effects = after(SlotReady("x1"), state=state)

    assert given_back(came_back) == []
    assert assigned(effects)[0] == ("x1", [2])


def test_the_death_of_an_executor_settles_all_that_it_was_given() -> None:
    state, _ = after(SlotReady("x0"), claimed(1, 2, 3))

    _, effects = after(SlotGone("x0"), state=state)

    assert given_back(effects) == [(attempt(number), Retry(0.0, is_charged=False)) for number in (1, 2, 3)]


def test_what_has_lost_its_lease_is_stopped_where_it_runs_and_goes_back_where_it_waits() -> None:
    state, _ = after(SlotReady("x0"), claimed(1), claimed(2, 3))

    state, effects = after(Lapsed(frozenset({1, 2, 77})), state=state)

    assert [effect for effect in effects if isinstance(effect, Stop)] == [Stop("x0", 1, Reason.INTERRUPTED)]
    assert [one for one, _ in given_back(effects)] == [attempt(2)]
    assert state.waiting == (attempt(3),)


def test_after_a_pause_what_waits_is_looked_through_and_what_rests_goes_back_uncharged() -> None:
    state, _ = after(SlotReady("x0"), claimed(1), claimed(2, 3))

    state, review = after(Review(), state=state)
    state, effects = after(Resting(frozenset({1, 3})), state=state)

    assert review[0] == ReviewWaiting((attempt(2), attempt(3)))
    assert given_back(effects) == [(attempt(3), Retry(0.0, is_charged=False))]
    assert state.running == {"x0": (attempt(1),)}


def test_a_jobs_last_chance_waits_until_nothing_else_runs_and_meanwhile_nothing_starts() -> None:
    state, _ = after(SlotReady("x0"), SlotReady("x1"), claimed(1))

    state, waits = after(Claimed((LAST_CHANCE, attempt(2))), state=state)
    state, starts = after(finished("x0", attempt(1), Succeeded()), state=state)

    assert (assigned(waits), waits[-1]) == ([], Want(0, 3))
    assert Later(TURN_S, TurnOver(9)) in waits
    assert assigned(starts) == [("x0", [9])]
    assert given_back(starts) == [(attempt(2), Retry(0.0, is_charged=False))]


def test_beside_a_jobs_last_chance_nothing_starts_and_after_it_all_goes_on() -> None:
    state, _ = after(SlotReady("x0"), SlotReady("x1"), Claimed((LAST_CHANCE,)))

    state, beside = after(claimed(1), state=state)
    state, over = after(finished("x0", LAST_CHANCE, Succeeded()), state=state)
    state, later = after(claimed(2), state=state)

    assert assigned(beside) == []
    assert [one for one, _ in given_back(beside)] == [attempt(1)]
    assert any(isinstance(effect, Want) and effect.count >= 2 for effect in over)
    assert assigned(later) == [("x0", [2])]


def test_a_last_chance_that_does_not_get_its_turn_goes_away_for_a_while_and_the_others_go_on() -> None:
    state, _ = after(SlotReady("x0"), SlotReady("x1"), claimed(1), Claimed((LAST_CHANCE, attempt(2))))

    state, effects = after(TurnOver(9), state=state)
    _, again = after(TurnOver(9), state=state)

    assert given_back(effects) == [(LAST_CHANCE, Retry(AWAY_S, is_charged=False))]
    assert assigned(effects) == [("x1", [2])]
    assert given_back(again) == []


def test_the_jobs_own_limit_says_which_chance_is_the_last() -> None:
    runs_alone = QUICK.runs_alone

    assert [runs_alone(attempt(1, crash_count=deaths)) for deaths in (0, 1, 3, 4)] == [False, False, False, True]
    assert [runs_alone(attempt(1, crash_count=1, crash_limit=limit)) for limit in (1, 2, 3)] == [True, True, False]
    assert not runs_alone(attempt(1, crash_limit=1))
