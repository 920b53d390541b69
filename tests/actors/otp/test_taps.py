"""What looks on while a server works, and what it may do to it."""

from __future__ import annotations

from typing import Any

import pytest

from actors.otp import sys
from actors.otp.errors import CallFailed
from actors.otp.messages import NOREPLY, Call, Cast, Sys
from actors.otp.ref import Ref
from actors.otp.taps import Raised
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Add, AnswerIn, Block, Counter, Crash, Get, Refuse


class Looker:
    """Notes what it is told; raises what it is given, before or after the handler."""

    def __init__(self, before: BaseException | None = None, after: BaseException | None = None) -> None:
        self.seen: list[tuple[str, Any]] = []
        self._before, self._after = before, after

    def before(self, item: object) -> None:
        self.seen.append(("before", item))
        if self._before is not None:
            raise self._before

    def after(self, item: object, reply: object) -> None:
        self.seen.append(("after", reply))
        if self._after is not None:
            raise self._after


def watched(runtime: ThreadRuntime, tap: Looker, **fields: Any) -> Ref:
    ref = runtime.start(Counter, 7, **fields)
    assert ref is not None
    ref.process.attach(tap)
    return ref


def test_a_tap_is_told_of_every_kind_of_message_and_its_reply(runtime: ThreadRuntime) -> None:
    looker = Looker()
    ref = watched(runtime, looker)

    runtime.cast(ref, "cast")
    runtime.send(ref, "info")
    assert runtime.call(ref, Get()) == 7
    sys.resume(ref)
    runtime.request(ref, AnswerIn(3600))
    runtime.call(ref, Get())

    kinds = [type(item) for when, item in looker.seen if when == "before"]
    assert kinds[:5] == [Cast, str, Call, Sys, Call]
    assert [reply for when, reply in looker.seen if when == "after"][:5] == [NOREPLY, NOREPLY, 7, None, NOREPLY]


def test_a_tap_hears_what_a_handler_raised_and_whether_the_server_ends_by_it(runtime: ThreadRuntime) -> None:
    looker, refused, crash = Looker(), ValueError("no"), ValueError("boom")
    ref = watched(runtime, looker)

    for message in (Refuse(refused), Crash(crash)):
        with pytest.raises((ValueError, CallFailed)):
            runtime.call(ref, message)
    runtime.wait(ref, 5)

    replies = [reply for when, reply in looker.seen if when == "after"]
    assert replies == [Raised(refused, is_end=False), Raised(crash, is_end=True)]


def test_what_a_tap_raises_before_the_handler_is_a_crash_that_the_caller_hears_of(runtime: ThreadRuntime) -> None:
    log: list[Any] = []
    error = ValueError()
    ref = watched(runtime, Looker(before=error), log=log)

    with pytest.raises(CallFailed) as failed:
        runtime.call(ref, Add(1))

    assert failed.value.__cause__ is error
    assert runtime.wait(ref, 5) is error
    assert log == [("init", ""), ("terminate", "", error)]


def test_what_a_tap_raises_after_the_handler_is_a_crash_once_the_caller_has_its_reply(runtime: ThreadRuntime) -> None:
    error = SystemExit()
    ref = watched(runtime, Looker(after=error))

    assert runtime.call(ref, Add(1)) == 8
    assert runtime.wait(ref, 5) is error


@pytest.mark.parametrize("send", ["cast", "request"])
def test_a_killed_server_tells_its_taps_nothing_more(runtime: ThreadRuntime, send: str) -> None:
    """A cast of `Block` ends with `Killed` by its next framework call; a call of it returns."""
    looker, block = Looker(), Block()
    ref = watched(runtime, looker)
    getattr(runtime, send)(ref, block)
    assert block.entered.wait(5)

    runtime.kill(ref)
    block.release.set()

    assert runtime.close(5) == []
    assert [when for when, _ in looker.seen] == ["before"]


def test_taps_are_told_in_order_before_and_in_reverse_after(runtime: ThreadRuntime) -> None:
    order: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        def before(self, item: object) -> None:
            order.append(f"before {self.name}")

        def after(self, item: object, reply: object) -> None:
            order.append(f"after {self.name}")

    ref = runtime.start(Counter)
    for name in "ab":
        ref.process.attach(Named(name))  # type: ignore[union-attr]
    runtime.cast(ref, "one")  # type: ignore[arg-type]
    runtime.stop(ref)  # type: ignore[arg-type]

    assert order[:4] == ["before a", "before b", "after b", "after a"]


class Prompt(Counter):
    """Declares that its handlers take 50 ms at most."""

    slow_after_s = 0.05

    def handle_cast(self, message: Any) -> None:
        message()


@pytest.mark.parametrize(("seconds", "is_reported"), [(0.05, False), (0.06, True)])
def test_a_slow_handler_of_a_server_that_must_not_block_is_reported(
    still: ThreadRuntime, clock: ManualClock, events: Recorder, seconds: float, is_reported: bool
) -> None:
    ref = still.start(Prompt, name="clerk")

    def slowly() -> None:
        clock.advance(seconds)

    still.cast(ref, slowly)
    still.call(ref, Get())

    expected = [{"path": "clerk", "message": "function", "seconds": seconds}] if is_reported else []
    assert events.all("server.slow") == expected
    assert sys.status(ref).handled == 2


def test_a_server_that_declares_nothing_has_no_tap(runtime: ThreadRuntime) -> None:
    assert runtime.start(Counter).process.taps == ()  # type: ignore[union-attr]
