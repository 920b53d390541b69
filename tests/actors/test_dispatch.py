"""The manager's rules, one by one."""

from __future__ import annotations

from actors.assignment import MOST_UNACKNOWLEDGED
from actors.dispatch import decide, with_write
from actors.dispatch_messages import (
    Abandoned,
    Acknowledged,
    Answer,
    Assign,
    BlockRun,
    CancelJobs,
    Claimed,
    ClaimsOver,
    Drain,
    DrainOver,
    Effect,
    Event,
    Interrupt,
    Later,
    LookAtRuns,
    PatienceOver,
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
from actors.dispatch_state import State
from actors.endurance import Endurance
from moomarkets.domain.dependencies import WaitingRun
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import PLAN, Failed, LostLease, Succeeded
from moomarkets.domain.retry import GiveUp, Retry
from tests.actors.stories import CHANCE, attempt, finished, waiter


def after(*events: Event, state: State | None = None) -> tuple[State, list[Effect]]:
    """The state after all events, and the effects of the last."""
    state, effects = state or State(), []
    for event in events:
        state, effects = decide(state, event, CHANCE)
    return state, effects


def test_an_idle_executor_gets_what_was_claimed() -> None:
    state, effects = after(SlotReady("x0"), Claimed((attempt(1),)))

    assert effects == [Assign("x0", (attempt(1),)), Want(0, 1)]
    assert state.running == {"x0": (attempt(1),)}


def test_what_finds_no_executor_waits_for_one() -> None:
    _, effects = after(SlotReady("x0"), Claimed((attempt(1), attempt(2))), finished("x0", attempt(1), Succeeded()))

    assert Assign("x0", (attempt(2),)) in effects


def test_the_claimer_is_told_of_the_room_and_of_what_has_arrived() -> None:
    _, effects = after(SlotReady("x0"), SlotReady("x1"), SlotReady("x2"), Claimed((attempt(1),)))

    assert effects[-1] == Want(2, 1)


def test_a_late_report_of_an_attempt_that_its_executors_death_has_settled_counts_nothing() -> None:
    state, _ = after(SlotReady("x0"), Claimed((attempt(1),)), SlotGone("x0"))

    later, effects = decide(state, finished("x0", attempt(1), Succeeded()), CHANCE)

    assert later == state
    assert effects == [Want(0, 1)]


def test_an_executor_that_dies_gives_its_attempt_back_uncharged() -> None:
    state, effects = after(SlotReady("x0"), Claimed((attempt(1),)), SlotGone("x0"))

    record = next(effect for effect in effects if isinstance(effect, RecordFailure))
    assert (record.failure.reason, record.verdict) == (Reason.INTERRUPTED, Retry(0.0, is_charged=False))
    assert state.slots == {}


def test_an_executor_that_starts_anew_unnoticed_settles_what_it_was_busy_with() -> None:
    state, effects = after(SlotReady("x0"), Claimed((attempt(1),)), SlotReady("x0"))

    assert [effect.attempt for effect in effects if isinstance(effect, RecordFailure)] == [attempt(1)]
    assert state.slots == {"x0": ()}


def test_a_lost_lease_is_recorded_nowhere() -> None:
    state, effects = after(SlotReady("x0"), Claimed((attempt(1),)), finished("x0", attempt(1), LostLease()))

    assert [effect.name for effect in effects if isinstance(effect, Report)] == ["job.fenced"]
    assert state.unacknowledged == 0


def test_the_last_retry_is_followed_by_giving_up() -> None:
    last = attempt(1, number=4)

    state, effects = after(SlotReady("x0"), Claimed((last,)), finished("x0", last, Failed(Reason.UPSTREAM, "HTTP 500")))

    assert RecordFailure(last, Failed(Reason.UPSTREAM, "HTTP 500"), GiveUp(Reason.UPSTREAM), 1.0) in effects
    assert state.failed == 1


def test_the_end_of_a_run_leads_to_a_look_at_those_that_wait() -> None:
    _, effects = after(SlotReady("x0"), Claimed((attempt(1),)), finished("x0", attempt(1), Succeeded(run_ended=True)))

    assert LookAtRuns() in effects


def test_a_plan_wakes_the_claimer_for_the_jobs_that_it_has_made() -> None:
    plan = attempt(1, job_type=PLAN)

    _, effects = after(SlotReady("x0"), Claimed((plan,)), finished("x0", plan, Succeeded()))

    assert WakeClaimer() in effects


def test_runs_are_looked_at_one_look_at_a_time_and_again_when_something_changed_meanwhile() -> None:
    state, first = after(RunsChanged())
    state, second = after(RunsChanged(), RunsChanged(), state=state)
    state, third = after(RunsSeen(()), state=state)
    state, fourth = after(RunsSeen(()), state=state)

    looks = [effects.count(LookAtRuns()) for effects in (first, second, third, fourth)]
    assert looks == [1, 0, 1, 0]
    assert not state.is_looking


def test_a_look_that_failed_is_over_too() -> None:
    state, effects = after(RunsChanged(), RunsSeen(None), RunsChanged())

    assert LookAtRuns() in effects
    assert state.unacknowledged == 0


def test_runs_that_may_start_are_started_and_the_others_are_told_why_not() -> None:
    free = WaitingRun(1, "a", False, "s", True, False, {})
    paused = WaitingRun(2, "b", True, "s", True, False, {})

    state, effects = after(RunsChanged(), RunsSeen((free, paused)))

    assert effects[:2] == [StartRun(1), BlockRun(2, "paused")]
    assert state.unacknowledged == 2


def test_nothing_new_is_started_while_too_much_is_unacknowledged() -> None:
    state = State(unacknowledged=MOST_UNACKNOWLEDGED + 1)

    state, effects = after(SlotReady("x0"), Claimed((attempt(1),)), state=state)
    _, later = after(Acknowledged(), state=state)

    assert effects == [Want(0, 1)]
    assert Assign("x0", (attempt(1),)) in later


def test_cancelled_jobs_are_stopped_where_they_run_and_ended_where_they_wait() -> None:
    state, _ = after(SlotReady("x0"), Claimed((attempt(1), attempt(2), attempt(3))))

    state, effects = after(CancelJobs(frozenset({1001, 1002})), state=state)

    assert Stop("x0", 1, Reason.CANCELLED) in effects
    ended = [effect for effect in effects if isinstance(effect, RecordFailure)]
    assert [(end.attempt, end.verdict) for end in ended] == [(attempt(2), GiveUp(Reason.CANCELLED))]
    assert state.waiting == (attempt(3),)


def test_what_is_claimed_and_not_started_goes_back_at_the_drain_and_what_arrives_later_too() -> None:
    state, _ = after(SlotReady("x0"), Claimed((attempt(1), attempt(2))))

    state, first = after(Drain(waiter()), state=state)
    state, second = after(Claimed((attempt(3),)), state=state)

    assert StopClaiming() in first
    assert [effect.attempt for effect in first if isinstance(effect, RecordFailure)] == [attempt(2)]
    assert [effect.attempt for effect in second if isinstance(effect, RecordFailure)] == [attempt(3)]
    assert state.waiting == ()


def test_a_drain_is_answered_when_nothing_runs_nothing_can_come_and_all_is_stored() -> None:
    reply_to = waiter()
    state, _ = after(SlotReady("x0"), Claimed((attempt(1),)), Drain(reply_to))

    state, claims_over = after(ClaimsOver(), state=state)
    state, ended = after(finished("x0", attempt(1), Failed(Reason.UPSTREAM)), state=state)
    state, acknowledged = after(Acknowledged(), state=state)

    assert not any(isinstance(effect, Answer) for effect in [*claims_over, *ended])
    assert acknowledged == [Answer(reply_to, True)]


def test_a_drain_is_sticky() -> None:
    state, _ = after(SlotReady("x0"), Drain(waiter()), ClaimsOver())

    for event in (SlotReady("x1"), RunsChanged(), Acknowledged(looks=True, wakes=False)):
        state, effects = decide(with_write(state), event, CHANCE)
        assert [effect for effect in effects if isinstance(effect, Assign | Want | LookAtRuns | StartRun)] == []


def test_a_run_that_a_look_found_before_the_drain_is_left_to_others() -> None:
    free = WaitingRun(1, "a", False, "s", True, False, {})

    state, _ = after(RunsChanged(), Drain(waiter()))
    _, effects = after(RunsSeen((free,)), state=state)

    assert StartRun(1) not in effects


def test_the_claimer_is_asked_again_to_stop_until_it_has_said_so() -> None:
    state, _ = after(Drain(waiter()))

    _, before = after(RunsChanged(), state=state)
    _, later = after(ClaimsOver(), RunsChanged(), state=state)

    assert before == [StopClaiming()]
    assert later == []


def test_an_interrupt_stops_everything_that_runs() -> None:
    _, effects = after(SlotReady("x0"), SlotReady("x1"), Claimed((attempt(1), attempt(2))), Interrupt())

    stops = [effect for effect in effects if isinstance(effect, Stop)]
    assert [(stop.slot, stop.reason) for stop in stops] == [("x0", Reason.INTERRUPTED), ("x1", Reason.INTERRUPTED)]


FRAIL = State(endurance=Endurance(abandoned_limit=2, patience_s=60, drain_s=30, give_back_s=8))


def reports(effects: list[Effect]) -> list[str]:
    return [effect.name for effect in effects if isinstance(effect, Report)]


def test_as_many_abandoned_attempts_as_are_allowed_change_nothing() -> None:
    state, effects = after(SlotReady("x0"), Abandoned(2), state=FRAIL)

    assert effects == [Want(1, 0)]
    assert (state.abandoned, state.is_exhausted) == (2, False)


def test_above_the_limit_nothing_is_claimed_and_what_waits_goes_back_uncharged() -> None:
    """O02."""
    state, effects = after(SlotReady("x0"), Claimed((attempt(1), attempt(2))), Abandoned(3), state=FRAIL)
    state, later = after(Claimed((attempt(3),)), state=state)

    assert Report("engine.exhausted", {"abandoned": 3, "limit": 2}) in effects
    assert Want(0, 2) in effects
    put_back = [effect for effect in [*effects, *later] if isinstance(effect, RecordFailure)]
    assert [(one.attempt, one.verdict) for one in put_back] == [
        (attempt(2), Retry(0.0, is_charged=False)), (attempt(3), Retry(0.0, is_charged=False)),
    ]  # fmt: skip
    assert state.running == {"x0": (attempt(1),)}


def test_an_exhausted_engine_is_told_of_once_and_its_recovery_once() -> None:
    """O02."""
    state, told = FRAIL, []
    for count in (3, 4, 3, 2, 1, 0):
        state, effects = after(Abandoned(count), state=state)
        told.append(reports(effects))

    assert told == [["engine.exhausted"], [], [], ["engine.recovered"], [], []]


def test_a_recovered_engine_takes_work_again() -> None:
    state, _ = after(SlotReady("x0"), Abandoned(3), state=FRAIL)

    _, effects = after(Abandoned(2), state=state)

    assert effects[-1] == Want(1, 0)


def test_above_twice_the_limit_the_node_drains_and_then_resigns() -> None:
    """O02."""
    state, asked = after(SlotReady("x0"), Claimed((attempt(1),)), Abandoned(5), state=FRAIL)
    state, over = after(ClaimsOver(), state=state)
    state, ended = after(finished("x0", attempt(1), Succeeded()), state=state)
    _, later = after(Acknowledged(), DrainOver(), state=with_write(state))

    assert reports(asked) == ["engine.exhausted", "node.gave_up"]
    assert Later(30, Interrupt()) in asked
    assert Later(38, DrainOver()) in asked
    assert StopClaiming() in asked
    assert Resign() not in [*asked, *over, *later]
    assert ended[-1] == Resign()


def test_a_node_that_stays_exhausted_resigns_when_the_patience_is_over() -> None:
    """O02."""
    state, exhausted = after(Abandoned(3), state=FRAIL)
    state, first_time_over = after(Abandoned(2), Abandoned(3), PatienceOver(1), state=state)
    _, over = after(ClaimsOver(), PatienceOver(2), state=state)

    assert Later(60, PatienceOver(1)) in exhausted
    assert reports(first_time_over) == []
    assert reports(over) == ["node.gave_up"]
    assert over[-1] == Resign()


def test_a_node_that_cannot_drain_resigns_all_the_same() -> None:
    state, _ = after(SlotReady("x0"), Claimed((attempt(1),)), Abandoned(5), state=FRAIL)

    state, effects = after(DrainOver(), state=state)
    _, later = after(ClaimsOver(), finished("x0", attempt(1), Succeeded()), DrainOver(), state=state)

    assert effects == [Resign()]
    assert Resign() not in later


def test_a_node_that_stops_anyway_does_not_resign() -> None:
    _, effects = after(Drain(waiter()), ClaimsOver(), Abandoned(5), DrainOver(), state=FRAIL)

    assert Resign() not in effects
