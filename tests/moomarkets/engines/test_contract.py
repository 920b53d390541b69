"""What every engine keeps: each attempt ends once, with what came of it, whatever its code does."""

from __future__ import annotations

import threading

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Failed
from tests.actors.otp.patience import eventually
from tests.moomarkets.engines import works
from tests.moomarkets.engines.bench import WAIT_S, Bench
from tests.moomarkets.engines.works import ERRORS, task


@pytest.mark.parametrize(
    "value", [None, True, 1.5, "株式 \ud800", [1, [2]], {"code": "7203", "nothing": None}], ids=str
)
def test_what_the_work_returns_is_its_outcome(bench: Bench, value: object) -> None:
    assert bench.run(task(works.echo, value=value)) == value


@pytest.mark.parametrize("error", ERRORS)
def test_whatever_the_work_raises_is_a_failure_that_names_its_type(bench: Bench, error: str) -> None:
    """O12."""
    failure = bench.fails(task(works.fail, error=error))

    assert failure.reason is Reason.INVALID
    assert failure.detail.startswith(error)
    assert bench.run(task(works.echo, value=1)) == 1


def test_an_endless_recursion_is_a_failure(bench: Bench) -> None:
    """O12."""
    assert "RecursionError" in bench.fails(task(works.recurse)).detail


def test_an_attempt_error_keeps_its_reason(bench: Bench) -> None:
    assert bench.run(task(works.refuse)) == Failed(Reason.UPSTREAM, "503")


def test_a_function_that_does_not_exist_is_a_failure_that_names_it(bench: Bench) -> None:
    def nothing() -> None: ...

    failure = bench.fails(task(nothing))

    assert failure.reason is Reason.INVALID
    assert failure.detail.startswith("function tests.moomarkets.engines.works:nothing: AttributeError")


@pytest.mark.parametrize(
    ("kind", "reason"), [("set", Reason.INVALID), ("nan", Reason.INVALID), ("huge", Reason.TOO_LARGE)]
)
def test_a_result_that_is_no_json_or_too_much_of_it_is_a_failure(bench: Bench, kind: str, reason: Reason) -> None:
    failure = bench.fails(task(works.misshapen, kind=kind))

    assert failure.reason is reason
    assert failure.detail.startswith("result of tests.moomarkets.engines.works:misshapen: expected ")


def test_what_the_work_does_to_its_arguments_is_its_own_affair(bench: Bench) -> None:
    given = ["fresh"]
    spoiling = task(works.spoil, value=given)

    outcomes = [bench.run(spoiling), bench.run(spoiling)]

    assert outcomes == [["fresh", "spoilt"]] * 2
    assert given == ["fresh"]


@pytest.mark.parametrize("work", [works.sleep, works.wake])
def test_the_work_learns_that_it_is_cancelled_and_why(bench: Bench, work: object) -> None:
    token = CancelToken()
    bench.start(task(work, port=bench.port.number), token)
    bench.port.next()

    token.cancel(Reason.TIMED_OUT)

    assert bench.next() == Failed(Reason.TIMED_OUT)


def test_an_abandoned_work_leaves_its_place_and_its_outcome_is_dropped(bench: Bench) -> None:
    token = CancelToken()
    started = bench.start(task(works.deaf, port=bench.port.number), token)
    hung = bench.port.next()
    token.cancel()

    started.abandon()
    started.abandon()
    other = bench.run(task(works.echo, value="other"))
    hung.let_go()

    assert other == "other"
    assert eventually(lambda: bench.engine.abandoned == 0)
    assert bench.outcomes.empty()


def test_abandoning_what_is_over_changes_nothing(bench: Bench) -> None:
    started = bench.start(task(works.who))
    first = bench.next()

    started.abandon()

    assert bench.engine.abandoned == 0
    assert bench.run(task(works.who)) == first


def test_a_thread_or_process_is_used_again(bench: Bench) -> None:
    assert len({bench.run(task(works.who)) for _ in range(10)}) == 1


def test_the_place_of_a_work_is_free_by_the_time_that_its_end_is_told(bench: Bench) -> None:
    seen, all_seen = list[object](), threading.Event()

    def go_on(outcome: object) -> None:
        seen.append(outcome)
        if len(seen) < 10:
            bench.engine.start(task(works.who), CancelToken(), go_on, "next")
        else:
            all_seen.set()

    bench.engine.start(task(works.who), CancelToken(), go_on, "first")

    assert all_seen.wait(WAIT_S)
    assert len(set(seen)) == 1


def test_works_run_side_by_side(bench: Bench) -> None:
    for _ in range(4):
        bench.start(task(works.deaf, port=bench.port.number))
    together = [bench.port.next() for _ in range(4)]

    for held in together:
        held.let_go()

    assert [bench.next() for _ in range(4)] == ["late"] * 4


def test_many_at_once_all_end_once(bench: Bench) -> None:
    for number in range(200):
        bench.start(task(works.echo, value=number))

    assert sorted(bench.next() for _ in range(200)) == list(range(200))


def test_a_cancel_at_any_moment_leaves_one_outcome(bench: Bench) -> None:
    for number in range(50):
        token = CancelToken()
        bench.start(task(works.echo, value=number), token)
        token.cancel()

    outcomes = [bench.next() for _ in range(50)]

    assert all(isinstance(outcome, int) or outcome.reason is Reason.CANCELLED for outcome in outcomes)


def test_a_closed_engine_starts_nothing(bench: Bench) -> None:
    bench.run(task(works.echo, value=1))

    bench.engine.close()

    assert bench.run(task(works.echo, value=2)) == Failed(Reason.INTERRUPTED, "the engine is closed")
    assert bench.threads.join()
