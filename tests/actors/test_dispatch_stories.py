"""The manager's rules hold in any story that can happen."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from actors.dispatch import State, decide
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
    Finished,
    Lapsed,
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
    Want,
)
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
        self.held: dict[str, Attempt] = {}
        self.settled: dict[int, int] = {}
        self.writes = 0
        self.looks = 0
        self.done: list[Recorded] = []
        self.lapsed: set[int] = set()
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
                self.held[slot] = given
            case RecordFailure(given, _, _):
                self.settle(given)
                self.writes += 1
            case RecordDone(given, usage):
                self.done.append(Recorded(given, usage, run_ended=False))
                self.writes += 1
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

    def settle(self, given: Attempt) -> None:
        self.settled[given.lease.execution_id] += 1

    @rule(slot=st.sampled_from(["x0", "x1", "x2"]))
    def executor_starts(self, slot: str) -> None:
        self.held.pop(slot, None)
        self.take(SlotReady(slot))

    @rule(count=st.integers(1, 3))
    def attempts_are_claimed(self, count: int) -> None:
        if self.over:
            return
        made = tuple(attempt(self.numbers + offset + 1) for offset in range(count))
        self.numbers += count
        self.settled.update(dict.fromkeys((one.lease.execution_id for one in made), 0))
        self.take(Claimed(made))

    @precondition(lambda self: self.held)
    @rule(target=ends, data=st.data(), ending=st.sampled_from(ENDINGS), seconds=st.sampled_from([0.0, 5.0]))
    def attempt_ends(self, data: st.DataObject, ending: Ending, seconds: float) -> Finished:
        slot = data.draw(st.sampled_from(sorted(self.held)))
        end = Finished(slot, self.held.pop(slot), ending, seconds)
        self.take(end)
        return end

    @rule(end=consumes(ends))
    def report_comes_twice(self, end: Finished) -> None:
        self.take(end)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def executor_dies(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.held)))
        lost = self.held.pop(slot)
        self.take(SlotGone(slot))
        self.take(Finished(slot, lost, Succeeded()))

    @precondition(lambda self: self.done)
    @rule()
    def end_without_rows_is_durable(self) -> None:
        self.writes -= 1
        self.take(self.done.pop(0))

    @precondition(lambda self: self.state.waiting)
    @rule()
    def lease_of_a_waiting_attempt_is_lost(self) -> None:
        lost = self.state.waiting[0].lease.execution_id
        self.lapsed.add(lost)
        self.take(Lapsed(frozenset({lost})))

    @precondition(lambda self: self.writes > len(self.done))
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
        done = [end.attempt for end in self.done]
        open_now = {one.lease.execution_id for one in (*self.held.values(), *self.state.waiting, *done)} | self.lapsed
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
            idle = [slot for slot, one in self.state.slots.items() if one is None]
            assert len(idle) <= self.room + len(self.state.waiting)
            assert self.room <= len(idle) + len(self.state.slots) // 2
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
