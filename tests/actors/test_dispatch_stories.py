"""The manager's rules hold in any story that can happen."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from actors.dispatch import decide
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
    Ended,
    Event,
    Finished,
    Lapsed,
    LookAtRuns,
    PatienceOver,
    RecordDone,
    Recorded,
    RecordFailure,
    Report,
    Resign,
    Resting,
    RunsChanged,
    RunsSeen,
    SlotGone,
    SlotReady,
    StartRun,
    TurnOver,
    Want,
)
from actors.dispatch_state import State
from actors.endurance import Endurance
from actors.otp.messages import ReplyTo
from moomarkets.domain.dependencies import WaitingRun
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Attempt, Done, Ending, Failed, LostLease, Succeeded
from tests.actors.stories import CHANCE, attempt, waiter

ENDINGS: list[Ending] = [Succeeded(), Done(), LostLease(), Failed(Reason.UPSTREAM)]


class AnyStory(RuleBasedStateMachine):
    """Events in any order that can happen, with a claimer, executors and a store that keep their own books."""

    ends = Bundle("ends")

    def __init__(self) -> None:
        super().__init__()
        self.state = State(endurance=Endurance(abandoned_limit=2))
        self.abandoned = 0
        self.resigned = 0
        self.numbers = 0
        self.held: dict[str, tuple[Attempt, ...]] = {}
        self.settled: dict[int, int] = {}
        self.writes = 0
        self.looks = 0
        self.done: list[Recorded] = []
        self.room = 0
        self.drains: list[ReplyTo] = []
        self.answered: set[ReplyTo] = set()
        self.over = False

    def take(self, event: Event) -> None:
        self.state, effects = decide(self.state, event, CHANCE)
        for effect in effects:
            self.carry_out(effect)

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case Assign(slot, given):
                assert not self.is_closing
                assert self.abandoned <= 2
                assert slot not in self.held
                assert given
                assert not any(self.is_alone(one) for one in given) or (len(given) == 1 and not self.held)
                assert not any(self.is_alone(one) for held in self.held.values() for one in held)
                self.held[slot] = given
            case RecordFailure(given):
                self.settle(given)
                self.writes += 1
            case RecordDone(done):
                self.done.append(Recorded(done, tuple(False for _ in done)))
                self.writes += len(done)
            case Report("job.completed" | "job.fenced", fields):
                self.settled[int(str(fields["job_id"])) - 1000] += 1
            case StartRun() | BlockRun():
                assert not self.is_closing
                self.writes += 1
            case LookAtRuns():
                self.looks += 1
            case Want(count, received):
                assert count == 0 or not (self.is_closing or self.abandoned > 2)
                assert received == self.numbers
                self.room = count
            case Answer(reply_to, _):
                assert reply_to not in self.answered
                assert self.over
                assert not self.state.running
                assert not self.state.unacknowledged
                self.answered.add(reply_to)
            case Resign():
                self.resigned += 1

    @property
    def is_closing(self) -> bool:
        return bool(self.drains) or self.state.is_draining

    def is_alone(self, given: Attempt) -> bool:
        return given.crash_count == 4

    def settle(self, given: Attempt) -> None:
        self.settled[given.lease.execution_id] += 1

    @rule(slot=st.sampled_from(["x0", "x1", "x2"]))
    def executor_starts(self, slot: str) -> None:
        self.held.pop(slot, None)
        self.take(SlotReady(slot))

    @rule(count=st.integers(1, 6), deaths=st.sampled_from([0, 0, 0, 1, 4]))
    def attempts_are_claimed(self, count: int, deaths: int) -> None:
        if self.over:
            return
        made = tuple(attempt(self.numbers + offset + 1, crash_count=deaths) for offset in range(count))
        self.numbers += count
        self.settled.update(dict.fromkeys((one.lease.execution_id for one in made), 0))
        self.take(Claimed(made))

    @precondition(lambda self: self.held)
    @rule(target=ends, data=st.data(), ending=st.sampled_from(ENDINGS), seconds=st.sampled_from([0.0, 0.0001, 5.0]))
    def attempts_end(self, data: st.DataObject, ending: Ending, seconds: float) -> Finished:
        """Some of what an executor was given, in its order; the end of it may come back."""
        slot = data.draw(st.sampled_from(sorted(self.held)))
        given = self.held.pop(slot)
        over = data.draw(st.integers(0, len(given)))
        kept = data.draw(st.integers(0 if over else 1, len(given) - over)) if over < len(given) else 0
        end = Finished(slot, tuple(Ended(one, ending, seconds) for one in given[:over]), given[over + kept :])
        if kept:
            self.held[slot] = given[over : over + kept]
        self.take(end)
        return end

    @rule(end=consumes(ends))
    def report_comes_twice(self, end: Finished) -> None:
        given = {one.lease.execution_id for one in self.held.get(end.slot, ())}
        again = {one.lease.execution_id for one in (*end.returned, *(ended.attempt for ended in end.ended))}
        if not given & again:
            self.take(end)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def executor_dies(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.held)))
        lost = self.held.pop(slot)
        self.take(SlotGone(slot))
        self.take(Finished(slot, tuple(Ended(one, Succeeded()) for one in lost)))

    @precondition(lambda self: self.done)
    @rule()
    def ends_without_rows_are_durable(self) -> None:
        recorded = self.done.pop(0)
        self.writes -= len(recorded.done)
        self.take(recorded)

    @precondition(lambda self: self.state.waiting)
    @rule()
    def lease_of_a_waiting_attempt_is_lost(self) -> None:
        self.take(Lapsed(frozenset({self.state.waiting[0].lease.execution_id})))

    @precondition(lambda self: self.state.waiting)
    @rule(data=st.data())
    def a_turn_is_over_or_what_waits_was_paused(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([one.lease.execution_id for one in self.state.waiting]))
        self.take(data.draw(st.sampled_from([TurnOver(number), Resting(frozenset({number}))])))

    @precondition(lambda self: self.writes > sum(len(one.done) for one in self.done))
    @rule(looks=st.booleans())
    def write_is_durable(self, looks: bool) -> None:
        self.writes -= 1
        self.take(Acknowledged(looks=looks))

    @rule()
    def runs_change(self) -> None:
        self.take(RunsChanged())

    @precondition(lambda self: self.looks)
    @rule(is_paused=st.booleans())
    def look_ends(self, is_paused: bool) -> None:
        self.looks -= 1
        self.take(RunsSeen((WaitingRun(1, "a", is_paused, "s", True, False, {}),)))

    @rule(jobs=st.frozensets(st.integers(1001, 1012)))
    def jobs_are_cancelled(self, jobs: frozenset[int]) -> None:
        self.take(CancelJobs(jobs))

    @rule()
    def drain_is_asked_for(self) -> None:
        if len(self.drains) < 2:
            self.drains.append(waiter())
            self.take(Drain(self.drains[-1]))

    @rule(count=st.integers(0, 6))
    def attempts_are_abandoned_or_come_back(self, count: int) -> None:
        self.abandoned = count
        self.take(Abandoned(count))

    @precondition(lambda self: self.state.exhaustions)
    @rule(data=st.data())
    def patience_ends(self, data: st.DataObject) -> None:
        self.take(PatienceOver(data.draw(st.integers(1, self.state.exhaustions))))

    @precondition(lambda self: self.state.is_resigning)
    @rule()
    def time_for_the_drain_ends(self) -> None:
        self.take(DrainOver())

    @precondition(lambda self: self.is_closing)
    @rule()
    def claims_end(self) -> None:
        self.over = True
        self.take(ClaimsOver())

    @invariant()
    def each_attempt_is_settled_at_most_once_and_never_forgotten(self) -> None:
        done = [work.attempt for end in self.done for work in end.done]
        held = [one for given in self.held.values() for one in given]
        open_now = {one.lease.execution_id for one in (*held, *self.state.waiting, *done)}
        for number, times in self.settled.items():
            assert times == (0 if number in open_now else 1)

    @invariant()
    def books_agree(self) -> None:
        assert self.state.running == self.held
        assert self.state.unacknowledged == self.writes
        assert self.looks <= 1

    @invariant()
    def room_is_what_idle_executors_can_take_and_little_more(self) -> None:
        if not self.is_closing and self.abandoned <= 2:
            loners = [one for one in self.state.waiting if self.is_alone(one)]
            runs_alone = any(self.is_alone(one) for given in self.held.values() for one in given)
            idle = [slot for slot, given in self.state.slots.items() if not given]
            assert self.room <= len(idle) + self.state.pace.ahead(len(self.state.slots))
            if loners or runs_alone:
                assert self.room == 0
                assert not (runs_alone and self.state.waiting)
                assert self.held or not idle
            else:
                assert len(idle) <= self.room + len(self.state.waiting)
                assert not (idle and self.state.waiting)

    @invariant()
    def nothing_waits_for_an_executor_that_gets_nothing(self) -> None:
        assert not ((self.is_closing or self.abandoned > 2) and self.state.waiting)

    @invariant()
    def a_node_resigns_at_most_once(self) -> None:
        assert self.resigned <= 1

    @invariant()
    def drains_are_answered_when_all_is_over(self) -> None:
        if self.over and not self.held and not self.writes:
            assert self.answered == set(self.drains)


AnyStory.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestAnyStory = AnyStory.TestCase
