"""How attempts end: each is settled exactly once, by its report or by its executor's death; a part of the dispatch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from actors.dispatch_messages import (
    DoneWork,
    Effect,
    Ended,
    Finished,
    RecordDone,
    Recorded,
    RecordFailure,
    Report,
    WakeClaimer,
)
from actors.dispatch_state import Decision, State, number_of, with_slot
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import PLAN, Attempt, Done, Failed, LostLease, Succeeded, Usage
from moomarkets.domain.retry import GiveUp, Jitter, Retry, RetryPolicy, after_failure


def finished(state: State, event: Finished, jitter: Jitter) -> tuple[State, list[Effect], bool]:
    """Settle what has ended, and keep what has come back; says also whether a run has ended with it.

    What is not the executor's any more was settled by its death: the store's fence decides about the late result.
    """
    given = {number_of(attempt) for attempt in state.slots.get(event.slot, ())}
    ended = [end for end in event.ended if number_of(end.attempt) in given]
    returned = tuple(attempt for attempt in event.returned if number_of(attempt) in given)
    if not ended and not returned:
        return state, [], False
    gone = {number_of(end.attempt) for end in ended} | {number_of(attempt) for attempt in returned}
    left = tuple(attempt for attempt in state.slots[event.slot] if number_of(attempt) not in gone)
    pace = state.pace.after((end.attempt.job_type, end.seconds) for end in ended if end.seconds is not None)
    if returned and left:
        pace = pace.stalled({attempt.job_type for attempt in left})
    state = replace(state, slots=with_slot(state, event.slot, left), waiting=(*returned, *state.waiting), pace=pace)
    return _settle(state, ended, jitter)


def _settle(state: State, ended: Iterable[Ended], jitter: Jitter) -> tuple[State, list[Effect], bool]:
    effects: list[Effect] = []
    done: list[DoneWork] = []
    run_ended = False
    for end in ended:
        match end.ending:
            case Done(usage):
                done.append(DoneWork(end.attempt, usage, end.seconds))
            case Succeeded(usage, was_last):
                state, reports = completed(state, end.attempt, usage)
                effects += reports
                run_ended = run_ended or was_last
            case LostLease():
                effects.append(Report("job.fenced", names_of(end.attempt)))
            case Failed() as failure:
                state, failed_effects = failed(state, end.attempt, failure, jitter, end.seconds)
                effects += failed_effects
    if done:
        state = replace(state, unacknowledged=state.unacknowledged + len(done))
        effects.append(RecordDone(tuple(done)))
    return state, effects, run_ended


def recorded(state: State, event: Recorded) -> tuple[State, list[Effect], bool]:
    """The ends of attempts that brought no rows are durable, or fenced; says also whether a run has ended with them."""
    effects: list[Effect] = []
    state = replace(state, unacknowledged=state.unacknowledged - len(event.done))
    for work, run_ended in zip(event.done, event.runs_ended, strict=True):
        if run_ended is not None:
            state, reports = completed(state, work.attempt, work.usage)
            effects += reports
    return state, effects, any(event.runs_ended)


def completed(state: State, attempt: Attempt, usage: Usage) -> Decision:
    """Its end, and whatever it brought, is durable."""
    report = Report("job.completed", {**names_of(attempt), "rows": usage.rows, "requests": usage.requests})
    state = replace(state, completed=state.completed + 1)
    return state, [report, WakeClaimer()] if attempt.job_type == PLAN else [report]


def failed(state: State, attempt: Attempt, failure: Failed, jitter: Jitter, seconds: float | None = None) -> Decision:
    """Have the failure stored, with what the rules make of it."""
    policy = RetryPolicy(attempt.max_retries, attempt.retry_delay_s)
    verdict = after_failure(failure.reason, attempt.number, policy, jitter, least_s=failure.again_in_s or 0.0)
    return _fail(state, attempt, failure, verdict, seconds)


def put_off(state: State, attempt: Attempt, why: str, delay_s: float) -> Decision:
    """Give an attempt back that has not begun, uncharged, for a while."""
    return _fail(state, attempt, Failed(Reason.INTERRUPTED, why), Retry(delay_s, is_charged=False), None)


def give_back(state: State, attempts: Iterable[Attempt], why: str) -> Decision:
    """Give attempts back that wait here and have not begun, uncharged and at once."""
    given = {number_of(attempt) for attempt in attempts}
    gone = [attempt for attempt in state.waiting if number_of(attempt) in given]
    effects: list[Effect] = []
    state = replace(state, waiting=tuple(kept for kept in state.waiting if number_of(kept) not in given))
    for attempt in gone:
        state, given_back = put_off(state, attempt, why, 0.0)
        effects += given_back
    return state, effects


def _fail(state: State, attempt: Attempt, failure: Failed, verdict: Retry | GiveUp, seconds: float | None) -> Decision:
    is_final = isinstance(verdict, GiveUp)
    fields = {
        **names_of(attempt),
        "reason": str(failure.reason),
        "error": failure.detail,
        "attempt": attempt.number,
    }
    if isinstance(verdict, Retry):
        fields["again_in_s"] = round(verdict.delay_s, 3)
    report = Report("job.failed" if is_final else "job.put_back", fields)
    state = replace(state, unacknowledged=state.unacknowledged + 1, failed=state.failed + (1 if is_final else 0))
    return state, [report, RecordFailure(attempt, failure, verdict, seconds)]


def names_of(attempt: Attempt) -> dict[str, object]:
    """What reports say of an attempt."""
    return {
        "job_id": attempt.lease.job_id,
        "job": attempt.name,
        "job_type": attempt.job_type,
        "run_id": attempt.run_id,
    }
