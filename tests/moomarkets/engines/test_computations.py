"""Computations: the caller waits for the result, and for no longer than its token and a grace allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actors.otp.promise import Promise
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, Cancelled, Reason
from moomarkets.engines.computations import GRACE_S, Computations
from moomarkets.engines.process import ProcessEngine
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import pass_time
from tests.moomarkets.engines import works
from tests.moomarkets.engines.bench import WAIT_S, Port


class Lab:
    """Computations on a clock that only the test moves."""

    def __init__(self) -> None:
        self.clock, self.port = ManualClock(), Port()
        self.runtime = ThreadRuntime(self.clock)
        self.engine = ProcessEngine(self.runtime.spawn, workers=1)
        self.computations = Computations(self.engine, self.runtime.wait_for)

    def compute(self, work: object, token: CancelToken, **arguments: object) -> Any:
        return self.computations.compute(f"{works.__name__}:{work.__name__}", arguments, token)  # type: ignore[attr-defined]

    def begin(self, work: object, token: CancelToken) -> Promise[None]:
        """Compute beside the test."""
        return self.runtime.spawn(lambda: self.compute(work, token, port=self.port.number), "attempt")


@pytest.fixture
def lab(nothing_is_left: None) -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.computations.close()
    assert lab.runtime.close(WAIT_S) == []
    lab.port.close()


def test_the_result_is_what_the_function_returned(lab: Lab) -> None:
    assert lab.compute(works.echo, CancelToken(), value=[1, {"a": None}]) == [1, {"a": None}]


@pytest.mark.parametrize(
    ("work", "reason", "detail"),
    [
        (works.refuse, Reason.UPSTREAM, "503"),
        (works.crash, Reason.CRASHED, "the worker process ended with signal 11 (SIGSEGV)"),
        (works.fail, Reason.INVALID, "KeyError: 'error'"),
    ],
)
def test_a_failure_is_raised_with_its_reason(lab: Lab, work: object, reason: Reason, detail: str) -> None:
    with pytest.raises(AttemptError) as caught:
        lab.compute(work, CancelToken())

    assert (caught.value.reason, caught.value.detail) == (reason, detail)


@pytest.mark.parametrize("function", ["no_module", "__main__:f", "a b:c", "m:f.g", ""])
def test_a_name_that_no_other_process_could_find_is_invalid(lab: Lab, function: str) -> None:
    with pytest.raises(AttemptError, match=r"expected a name such as package\.module:function") as caught:
        lab.computations.compute(function, {}, CancelToken())

    assert caught.value.reason is Reason.INVALID


@pytest.mark.parametrize("value", [{1, 2}, float("inf"), object()])
def test_arguments_that_are_no_json_are_invalid(lab: Lab, value: object) -> None:
    with pytest.raises(AttemptError, match=r"arguments of .*echo: expected JSON, got ") as caught:
        lab.compute(works.echo, CancelToken(), value=value)

    assert caught.value.reason is Reason.INVALID


def test_more_than_a_frame_holds_is_refused_before_it_is_sent(lab: Lab) -> None:
    with pytest.raises(AttemptError, match="expected at most 67,108,864 bytes of JSON"):
        lab.compute(works.echo, CancelToken(), value="x" * 67_108_864)


def test_nothing_is_computed_for_an_attempt_that_is_cancelled(lab: Lab) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        lab.compute(works.echo, token, value=1)


def test_a_computation_that_heeds_a_cancel_ends_with_its_reason_and_keeps_its_process(lab: Lab) -> None:
    token = CancelToken()
    before = lab.compute(works.who, CancelToken())
    computing = lab.begin(works.sleep, token)
    lab.port.next()

    token.cancel(Reason.TIMED_OUT)
    lab.runtime.wait_for(computing, None)

    with pytest.raises(Cancelled, match="timed_out"):
        computing.result()
    assert lab.compute(works.who, CancelToken()) == before


def test_a_computation_that_does_not_heed_a_cancel_is_killed_after_the_grace(lab: Lab) -> None:
    token = CancelToken()
    computing = lab.begin(works.stuck, token)
    held = lab.port.next()

    token.cancel(Reason.INTERRUPTED)
    pass_time(lab.clock, GRACE_S, computing)

    with pytest.raises(Cancelled, match="interrupted"):
        computing.result()
    assert held.wait_dead()
    assert lab.compute(works.echo, CancelToken(), value=1) == 1


def test_closing_interrupts_what_is_computed(lab: Lab) -> None:
    computing = lab.begin(works.stuck, CancelToken())
    lab.port.next()

    lab.computations.close()
    lab.runtime.wait_for(computing, None)

    with pytest.raises(AttemptError, match="interrupted: the engine is closed"):
        computing.result()
