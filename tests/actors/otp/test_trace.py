"""Watching a server at work."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from actors.otp import sys
from actors.otp.errors import CallFailed, NoProc
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from actors.otp.trace import MessageKind, TraceEvent
from moomarkets.domain.errors import InvalidInput
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import eventually
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Add, AnswerIn, Block, Counter, Crash, Get, Refuse
from tests.actors.otp.trees import child


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    api_key: str
    options: dict[str, object]


def taps(runtime: ThreadRuntime, name: str) -> tuple[object, ...]:
    ref = runtime.whereis(name)
    assert ref is not None
    return ref.process.taps


def test_a_trace_shows_ten_messages_and_switches_itself_off(
    runtime: ThreadRuntime, capsys: pytest.CaptureFixture[str]
) -> None:
    """G20."""
    ref = runtime.start(Counter, 7, name="clerk")

    sys.trace(ref, count=10)
    for _ in range(15):
        runtime.call(ref, Add(1))

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert "clerk call Add(amount=1) -> int changed count by 1" in lines[0]
    assert taps(runtime, "clerk") == ()


def test_an_event_tells_kind_message_reply_and_what_changed(runtime: ThreadRuntime) -> None:
    """G20."""
    seen: list[TraceEvent] = []
    ref = runtime.start(Counter, 7, name="clerk")
    sys.trace(ref, seen.append, count=5)

    runtime.cast(ref, 12)
    runtime.send(ref, 34)
    runtime.call(ref, Add(100))
    sys.status(ref)
    runtime.request(ref, AnswerIn(3600))
    runtime.call(ref, Get())

    shown = [(event.kind.value, event.message, event.reply, event.changed, event.difference) for event in seen]
    assert shown == [
        ("cast", "int", None, ("seen",), 2),
        ("info", "int", None, ("seen",), 4),
        ("call", "Add", "int", ("count",), 2),
        ("sys", "status", "ProcessInfo", (), 0),
        ("call", "AnswerIn", None, (), 0),
    ]


def test_an_event_tells_a_deliberate_error_from_an_end(runtime: ThreadRuntime) -> None:
    """G20."""
    seen: list[TraceEvent] = []
    ref = runtime.start(Counter)
    sys.trace(ref, seen.append)

    for message in (Refuse(ValueError("no")), Crash(KeyError("secret text"))):
        with pytest.raises((ValueError, CallFailed)):
            runtime.call(ref, message)
    runtime.wait(ref, 5)

    assert [(event.reply, event.ended) for event in seen] == [("ValueError", ""), (None, "KeyError")]


def test_an_event_tells_how_long_the_handler_took(still: ThreadRuntime, clock: ManualClock) -> None:
    """G20."""

    class Slow(Counter):
        def handle_cast(self, message: object) -> None:
            clock.advance(0.25)

    seen: list[TraceEvent] = []
    ref = still.start(Slow)
    sys.trace(ref, seen.append)

    still.cast(ref, "work")
    still.call(ref, Get())

    assert seen[0].seconds == 0.25
    assert seen[0].at == clock.now()


def test_no_secret_is_traced(runtime: ThreadRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    """G20."""
    ref = runtime.start(Counter)
    sys.trace(ref)

    runtime.cast(ref, Login("bob", "hunter2", {"password": "hunter2", "url": "https://x?key=hunter2"}))
    runtime.cast(ref, {"refreshToken": "hunter2"})
    runtime.send(ref, "hunter2")
    runtime.send(ref, ValueError("hunter2"))
    runtime.call(ref, Get())

    out = capsys.readouterr().out
    assert "Login(user=bob, api_key=***, options={password=***, url=<str of 21>})" in out
    assert "hunter2" not in out


def test_a_trace_ends_when_its_time_is_over(still: ThreadRuntime, clock: ManualClock) -> None:
    """G20."""
    seen: list[TraceEvent] = []
    ref = still.start(Counter, name="clerk")
    sys.trace(ref, seen.append, count=100, seconds=10)

    clock.advance(9.9)
    still.call(ref, Get())
    clock.advance(0.1)
    still.call(ref, Get())

    assert len(seen) == 1
    assert taps(still, "clerk") == ()


def test_a_trace_can_be_ended_and_replaced(runtime: ThreadRuntime) -> None:
    """G20."""
    first: list[TraceEvent] = []
    second: list[TraceEvent] = []
    ref = runtime.start(Counter, name="clerk")

    sys.trace(ref, first.append)
    sys.trace(ref, second.append)
    runtime.call(ref, Get())
    sys.no_trace(ref)
    runtime.call(ref, Get())
    sys.no_trace(ref)

    assert (len(first), len(second)) == (0, 1)
    assert taps(runtime, "clerk") == ()


@pytest.mark.parametrize("error", [ValueError("secret text"), SystemExit(), KeyboardInterrupt()])
def test_a_sink_that_raises_ends_the_trace_and_nothing_else(
    runtime: ThreadRuntime, events: Recorder, error: BaseException
) -> None:
    """G20."""

    def fail(event: TraceEvent) -> None:
        raise error

    ref = runtime.start(Counter, 7, name="clerk")
    sys.trace(ref, fail)

    assert [runtime.call(ref, Add(1)) for _ in range(3)] == [8, 9, 10]
    assert events.all("trace.failed") == [{"path": "clerk", "reason": type(error).__name__}]
    assert taps(runtime, "clerk") == ()


def test_a_state_that_cannot_be_shown_ends_the_trace_and_nothing_else(runtime: ThreadRuntime, events: Recorder) -> None:
    """G20."""

    class Shy(Counter):
        def format_state(self) -> dict[str, object]:
            raise ValueError("not today")

    ref = runtime.start(Shy, 7)
    sys.trace(ref, lambda event: None)

    assert runtime.call(ref, Add(1)) == 8
    assert len(events.all("trace.failed")) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"count": 0}, "trace count"), ({"count": True}, "trace count"), ({"seconds": -1}, "trace seconds")],
)
def test_a_trace_that_makes_no_sense_is_refused(runtime: ThreadRuntime, fields: dict[str, Any], named: str) -> None:
    ref = runtime.start(Counter, name="clerk")

    with pytest.raises(InvalidInput, match=named):
        sys.trace(ref, **fields)
    with pytest.raises(InvalidInput, match="sink"):
        sys.trace(ref, "stdout")  # type: ignore[arg-type]

    assert taps(runtime, "clerk") == ()


def test_the_last_messages_are_kept_and_looking_is_none_of_them(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, name="clerk")
    sys.log(ref, 3)
    for amount in range(5):
        runtime.call(ref, Add(amount))

    assert [event.summary for event in sys.get_log(ref)] == [f"Add(amount={amount})" for amount in (2, 3, 4)]
    assert len(sys.get_log(ref)) == 3
    sys.log(ref, 0)
    assert sys.get_log(ref) == []
    assert taps(runtime, "clerk") == ()


def test_a_supervisor_can_be_traced_too(runtime: ThreadRuntime) -> None:
    seen: list[TraceEvent] = []
    root = runtime.start(Supervisor, SupervisorSpec(children=(child("a", name="a"),)), name="root")
    sys.trace(root, seen.append, count=1)

    runtime.kill("a")

    assert eventually(lambda: seen)
    assert (seen[0].kind, seen[0].message, seen[0].changed) == (
        MessageKind.INFO,
        "Exit",
        ("restarts_spent", "children"),
    )


def test_operators_are_served_ahead_of_fifty_thousand_messages(runtime: ThreadRuntime) -> None:
    """G17, G20."""
    ref, block = runtime.start(Counter, name="clerk"), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    for number in range(50_000):
        runtime.cast(ref, number)
    asked = runtime.spawn(lambda: sys.log(ref, 5), "operator")
    assert eventually(lambda: len(ref.process.mailbox) > 50_000)  # type: ignore[union-attr]

    block.release.set()

    assert runtime.wait_for(asked, 5)
    sys.trace(ref, lambda event: None, count=1)
    sys.no_trace(ref)
    sys.log(ref, 0)
    assert runtime.tree()[0].queue > 0
    runtime.kill(ref)


def test_operators_are_served_while_a_server_is_suspended(runtime: ThreadRuntime) -> None:
    seen: list[TraceEvent] = []
    ref = runtime.start(Counter)
    sys.suspend(ref)

    sys.trace(ref, seen.append, count=1)
    assert sys.get_log(ref) == []
    sys.resume(ref)

    assert [event.message for event in seen] == ["resume"]


def test_a_trace_of_nobody_fails_at_once(runtime: ThreadRuntime) -> None:
    dead = runtime.start(Counter)
    runtime.stop(dead)

    for ask in (sys.trace, sys.no_trace, sys.get_log):
        with pytest.raises(NoProc):
            ask(dead)


def test_a_sink_runs_in_the_servers_thread(runtime: ThreadRuntime) -> None:
    threads: list[str] = []
    ref = runtime.start(Counter, name="clerk")

    sys.trace(ref, lambda event: threads.append(threading.current_thread().name))
    runtime.call(ref, Get())

    assert eventually(lambda: threads) == ["clerk"]
