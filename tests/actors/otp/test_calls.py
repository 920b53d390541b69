"""Calls, casts and infos: who gets an answer, and which one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.otp import sys
from actors.otp.calls import call, cast, request, stop
from actors.otp.errors import (
    CallFailed,
    CallingSelf,
    CallNotAllowed,
    CallTimeout,
    Deadlock,
    InboxFull,
    NoProc,
    UnknownMessage,
)
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import (
    Add,
    AnswerIn,
    Block,
    CallOn,
    Counter,
    Crash,
    Get,
    Refuse,
    Silent,
    Small,
)


def test_a_call_that_takes_too_long_leaves_the_server_and_the_next_call_alone(runtime: ThreadRuntime) -> None:
    """G01."""
    ref, block = runtime.start(Counter, 7), Block()

    with pytest.raises(CallTimeout, match="busy with Block"):
        runtime.call(ref, block, timeout_s=0.05)
    block.release.set()

    assert runtime.call(ref, Add(1)) == 8


def test_a_call_on_itself_is_refused_at_once(runtime: ThreadRuntime) -> None:
    """G02."""
    runtime.start(Counter, name="clerk")

    with pytest.raises(CallFailed) as failed:
        runtime.call("clerk", CallOn("clerk", Get()))

    assert isinstance(failed.value.__cause__, CallingSelf)


@pytest.mark.parametrize(
    "ask", [lambda dest: call(dest, Get(), 3600), stop, sys.get_state, lambda dest: request(dest, Get())]
)
def test_asking_a_dead_or_unknown_server_fails_at_once(runtime: ThreadRuntime, ask: Callable[..., Any]) -> None:
    """G03, X08."""
    dead = runtime.start(Counter)
    runtime.stop(dead)

    for dest in (dead, runtime.named("nobody")):
        with pytest.raises(NoProc):
            ask(dest)


def test_a_deliberate_error_reaches_the_caller_and_the_server_keeps_its_state(runtime: ThreadRuntime) -> None:
    """G04."""
    ref = runtime.start(Counter, 7)

    with pytest.raises(ValueError, match="no such job"):
        runtime.call(ref, Refuse(ValueError("no such job")))

    assert runtime.call(ref, Get()) == 7


@pytest.mark.parametrize("error", [ValueError(), SystemExit(), KeyboardInterrupt(), GeneratorExit()])
def test_a_crash_in_a_call_ends_the_server_and_tells_the_caller(runtime: ThreadRuntime, error: BaseException) -> None:
    """t01, t03."""
    ref = runtime.start(Counter)

    with pytest.raises(CallFailed) as failed:
        runtime.call(ref, Crash(error))

    assert failed.value.__cause__ is error
    assert runtime.wait(ref, 5) is error


def test_an_unknown_call_ends_the_server(runtime: ThreadRuntime) -> None:
    """G08."""
    ref = runtime.start(Counter)

    with pytest.raises(CallFailed) as failed:
        runtime.call(ref, {"password": "hunter2"})

    assert isinstance(failed.value.__cause__, UnknownMessage)
    assert "hunter2" not in str(failed.value) + str(failed.value.__cause__)


def test_a_deferred_reply_comes_later_and_the_server_works_meanwhile(still: ThreadRuntime, clock: ManualClock) -> None:
    """G06."""
    ref = still.start(Counter, 7)
    reply = still.request(ref, AnswerIn(0.1))

    assert still.call(ref, Add(1)) == 8
    assert not reply.is_done
    clock.advance(0.1)

    still.call(ref, Get())
    assert reply.result() == "late"


def test_a_deferred_caller_hears_of_the_servers_end(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter)
    reply = runtime.request(ref, AnswerIn(3600))
    runtime.call(ref, Get())

    runtime.stop(ref, "shutdown")

    with pytest.raises(CallFailed, match="shutdown"):
        reply.result()


def test_calls_still_queued_at_the_end_are_answered(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Counter), Block()
    first = runtime.request(ref, block)
    queued = runtime.request(ref, Get())
    assert block.entered.wait(5)

    runtime.kill(ref)
    block.release.set()

    with pytest.raises(CallFailed, match="killed"):
        first.result()
    with pytest.raises(NoProc):
        queued.result()


def test_two_servers_calling_each_other_are_refused_instead_of_hanging(runtime: ThreadRuntime) -> None:
    """G19."""
    runtime.start(Counter, name="a")
    runtime.start(Counter, name="b")

    with pytest.raises(CallFailed) as failed:
        runtime.call("a", CallOn("b", CallOn("a", Get())))

    inner = failed.value.__cause__
    assert isinstance(inner, CallFailed)
    assert isinstance(inner.__cause__, Deadlock)


def test_a_ring_of_three_is_refused_too(runtime: ThreadRuntime) -> None:
    """G19."""
    for name in "abc":
        runtime.start(Counter, name=name)

    with pytest.raises(CallFailed):
        runtime.call("a", CallOn("b", CallOn("c", CallOn("a", Get()))))


def test_a_chain_of_calls_is_no_ring(runtime: ThreadRuntime) -> None:
    for name in "abc":
        runtime.start(Counter, 5, name=name)

    assert runtime.call("a", CallOn("b", CallOn("c", Get()))) == 5
    assert runtime.call("c", CallOn("b", CallOn("a", Get()))) == 5


def test_a_server_that_never_calls_may_not_wait(runtime: ThreadRuntime) -> None:
    runtime.start(Counter, name="other")
    ref = runtime.start(Silent)

    with pytest.raises(CallFailed) as failed:
        runtime.call(ref, CallOn("other", Get()))

    assert isinstance(failed.value.__cause__, CallNotAllowed)


def test_outside_of_a_server_a_plain_name_means_nothing() -> None:
    with pytest.raises(InvalidInput, match="destination"):
        cast("clerk", "hello")


def test_a_cast_or_info_to_nobody_is_no_error(runtime: ThreadRuntime) -> None:
    """G05."""
    dead = runtime.start(Counter)
    runtime.stop(dead)

    for dest in (dead, "nobody"):
        runtime.cast(dest, "hello")
        runtime.send(dest, "hello")
    assert runtime.kill("nobody") is False


def test_an_unexpected_info_is_reported_by_its_type_only(runtime: ThreadRuntime, events: Recorder) -> None:
    """G07."""
    ref = runtime.start(Counter, 7, name="clerk")

    runtime.send(ref, "surprise")

    assert runtime.call(ref, Get()) == 7
    assert events.all("server.message_unexpected") == [{"path": "clerk", "message": "str"}]


def test_a_crash_is_reported_without_the_text_of_the_exception(runtime: ThreadRuntime, events: Recorder) -> None:
    ref = runtime.start(Counter, name="clerk")

    runtime.cast(ref, Crash(ValueError("token=abc")))
    runtime.wait(ref, 5)

    (crash,) = events.all("server.crashed")
    assert (crash["path"], crash["reason"]) == ("clerk", "ValueError")
    assert "handle_cast" in str(crash["where"])
    assert "abc" not in repr(crash)


def test_a_full_inbox_refuses_its_senders_and_still_obeys(runtime: ThreadRuntime) -> None:
    """G18."""
    ref, block = runtime.start(Small), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    runtime.cast(ref, 1)
    runtime.cast(ref, 2)

    for send in (runtime.cast, runtime.send, runtime.call):
        with pytest.raises(InboxFull):
            send(ref, 3)
    block.release.set()
    assert sys.get_state(ref)["count"] == 0
    assert runtime.stop(ref) == "normal"
