"""What a server promises: starts, calls, casts, timers, monitors and ends."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

import pykka
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
    Killed,
    NoProc,
    StartError,
    UnknownMessage,
)
from actors.otp.messages import IGNORE, Continue, Down
from actors.otp.process import ProcessState
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import eventually, pass_time
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import (
    Add,
    AnswerIn,
    Block,
    CallOn,
    CancelTimer,
    Counter,
    Crash,
    Get,
    Heir,
    Later,
    Refuse,
    Silent,
    Small,
    Stopper,
    Unwatch,
    Watch,
)

# Starting.


def test_start_returns_after_init_and_its_failure_is_the_starters(runtime: ThreadRuntime) -> None:
    log: list[Any] = []

    with pytest.raises(StartError) as failed:
        runtime.start(Counter, log=log, outcome=ValueError("no"), name="clerk")

    assert isinstance(failed.value.__cause__, ValueError)
    assert log == [("init", "")]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_any_exception_in_init_is_a_failed_start(runtime: ThreadRuntime, error: BaseException) -> None:
    """t02, t03."""
    with pytest.raises(StartError) as failed:
        runtime.start(Counter, outcome=error)

    assert failed.value.reason is error


def test_nonsense_from_init_is_a_failed_start(runtime: ThreadRuntime) -> None:
    with pytest.raises(StartError, match="init: expected None, Continue or IGNORE"):
        runtime.start(Counter, outcome="ready")


def test_a_server_that_ignores_is_not_started_and_that_is_no_error(runtime: ThreadRuntime) -> None:
    """G10."""
    log: list[Any] = []

    assert runtime.start(Counter, log=log, outcome=IGNORE, name="clerk") is None
    assert log == [("init", "")]
    assert runtime.whereis("clerk") is None


def test_an_init_that_takes_too_long_is_given_up_and_fenced(still: ThreadRuntime, clock: ManualClock) -> None:
    """S12."""
    entered, release = threading.Event(), threading.Event()
    log: list[Any] = []

    def outcome() -> object:
        entered.set()
        release.wait(10)
        return Continue("more")

    start = still.spawn(lambda: still.start(Counter, log=log, outcome=outcome, name="clerk"), "starter")
    assert entered.wait(5)
    pass_time(clock, 31, start)

    with pytest.raises(StartError, match="timeout"):
        start.result()
    assert still.whereis("clerk") is None
    assert still.zombies() != []
    release.set()
    assert still.close(5) == []
    assert log == [("init", "")]


def test_handle_continue_runs_before_anything_queued(runtime: ThreadRuntime) -> None:
    def outcome() -> object:
        runtime.cast("clerk", "queued during init")
        return Continue("first")

    ref = runtime.start(Counter, outcome=outcome, name="clerk")

    assert runtime.call(ref, "seen") == [("continue", "first"), "queued during init"]


def test_a_crash_in_handle_continue_is_a_crash_of_a_started_server(runtime: ThreadRuntime) -> None:
    error = ValueError()

    ref = runtime.start(Counter, outcome=Continue(error))

    assert runtime.wait(ref, 5) is error


def test_pykkas_own_start_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Runtime\.start"):
        Counter.start()


# Calls.


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


# Casts and infos.


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


# Timers.


def test_a_timer_fires_once_it_is_due(still: ThreadRuntime, clock: ManualClock) -> None:
    ref = still.start(Counter)
    still.call(ref, Later(10, "tick"))

    clock.advance(9.9)
    assert still.call(ref, "seen") == []
    clock.advance(0.1)
    still.call(ref, Get())
    assert still.call(ref, "seen") == ["tick"]


def test_a_cancelled_timer_never_fires(still: ThreadRuntime, clock: ManualClock) -> None:
    ref = still.start(Counter)
    timer = still.call(ref, Later(10, "tick"))
    clock.advance(4)

    assert still.call(ref, CancelTimer(timer)) == 6
    clock.advance(100)
    still.call(ref, Get())
    assert still.call(ref, "seen") == []


def test_timers_die_with_their_incarnation(still: ThreadRuntime, clock: ManualClock) -> None:
    first = still.start(Counter, name="clerk")
    still.call(first, Later(10, "tick"))
    still.stop(first)
    second = still.start(Counter, name="clerk")

    clock.advance(100)

    still.call(second, Get())
    assert still.call(second, "seen") == []


# Monitors.


def test_a_monitor_reports_an_end_exactly_once(runtime: ThreadRuntime) -> None:
    """G13."""
    watcher, target = runtime.start(Counter), runtime.start(Counter)
    monitor = runtime.call(watcher, Watch(target))

    runtime.stop(target, "shutdown")
    runtime.kill(target)

    assert eventually(lambda: runtime.call(watcher, "seen")) == [Down(monitor, target, "shutdown")]


def test_a_monitor_of_nobody_reports_at_once(runtime: ThreadRuntime) -> None:
    watcher, dead = runtime.start(Counter), runtime.start(Counter)
    runtime.stop(dead)

    for dest in (dead, "nobody"):
        runtime.call(watcher, Watch(dest))

    downs = runtime.call(watcher, "seen")
    assert [down.reason for down in downs] == ["noproc", "noproc"]


def test_a_removed_monitor_reports_nothing_not_even_what_waited(runtime: ThreadRuntime) -> None:
    """G14."""
    watcher, target, block = runtime.start(Counter), runtime.start(Counter), Block()
    monitor = runtime.call(watcher, Watch(target))
    runtime.cast(watcher, block)
    assert block.entered.wait(5)
    runtime.request(watcher, Unwatch(monitor))
    runtime.stop(target)
    assert eventually(lambda: len(watcher.process.mailbox) == 2)

    block.release.set()

    assert runtime.call(watcher, "seen") == []


def test_what_a_server_sent_arrives_before_its_down(runtime: ThreadRuntime) -> None:
    watcher, target = runtime.start(Counter, name="watcher"), runtime.start(Counter)
    runtime.call(watcher, Watch(target))

    for number in range(100):
        runtime.send(watcher, number)
    runtime.stop(target)

    seen = eventually(lambda: [item for item in runtime.call(watcher, "seen") if isinstance(item, Down)])
    assert len(seen) == 1
    assert runtime.call(watcher, "seen")[:100] == list(range(100))


def test_a_name_is_free_when_its_down_arrives(runtime: ThreadRuntime) -> None:
    """G15."""
    watcher = runtime.start(Heir)
    for _ in range(20):
        target = runtime.start(Counter, name="clerk")
        runtime.call(watcher, Watch(target))

        runtime.stop(target)

        assert eventually(lambda: runtime.whereis("clerk"))
        runtime.stop("clerk")
    assert watcher.is_alive


def test_a_dead_watcher_is_forgotten_by_its_target(runtime: ThreadRuntime) -> None:
    watcher, target = runtime.start(Counter), runtime.start(Counter)
    runtime.call(watcher, Watch(target))

    runtime.stop(watcher)

    assert target.process._monitors == set()


# Ends.


@pytest.mark.parametrize("reason", ["normal", "shutdown", ("shutdown", "done")])
def test_terminate_runs_once_with_the_reason_of_the_stop(runtime: ThreadRuntime, reason: Any) -> None:
    """G09."""
    log: list[Any] = []
    ref = runtime.start(Counter, log=log)

    assert runtime.stop(ref, reason) == reason
    assert log == [("init", ""), ("terminate", "", reason)]


def test_terminate_runs_once_with_the_exception_of_the_crash(runtime: ThreadRuntime) -> None:
    """G09."""
    log: list[Any] = []
    ref, error = runtime.start(Counter, log=log), ValueError()

    runtime.cast(ref, Crash(error))
    runtime.wait(ref, 5)

    assert log == [("init", ""), ("terminate", "", error)]


def test_a_crash_in_terminate_becomes_the_exit_reason(runtime: ThreadRuntime) -> None:
    """X07."""
    error = ValueError()
    ref = runtime.start(Counter, terminate_with=error)

    assert runtime.stop(ref) is error


def test_a_stop_overtakes_what_is_queued(runtime: ThreadRuntime) -> None:
    """t04."""
    ref, block = runtime.start(Counter, log=(log := [])), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    for number in range(1000):
        runtime.cast(ref, number)

    stopping = runtime.spawn(lambda: runtime.stop(ref), "stopper")
    assert eventually(lambda: len(ref.process.mailbox) == 1001)
    block.release.set()

    assert runtime.wait(ref, 5) == "normal"
    assert ref.process.handled == 2
    assert ("terminate", "", "normal") in log
    runtime.wait_for(stopping, 5)


def test_a_stop_that_takes_too_long_is_told(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Counter), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)

    with pytest.raises(CallTimeout):
        runtime.stop(ref, timeout_s=0.02)

    block.release.set()
    assert runtime.wait(ref, 5) == "normal"


def test_one_server_may_stop_another(runtime: ThreadRuntime) -> None:
    ref, other = runtime.start(Stopper), runtime.start(Counter)

    assert runtime.call(ref, Watch(other)) == "normal"


def test_a_killed_idle_server_ends_at_once_without_terminate(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, log=(log := []), name="clerk")

    assert runtime.kill(ref) is True
    assert runtime.kill(ref) is False
    assert runtime.wait(ref) == "killed"
    assert runtime.whereis("clerk") is None
    assert runtime.close(5) == []
    assert log == [("init", "")]


def test_a_killed_busy_server_is_a_zombie_that_can_do_nothing_more(runtime: ThreadRuntime, events: Recorder) -> None:
    ref, block = runtime.start(Counter, log=(log := []), name="clerk"), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)

    runtime.kill("clerk")

    assert runtime.wait(ref) == "killed"
    assert runtime.zombies() == ["clerk"]
    assert events.all("server.killed") == [{"path": "clerk", "busy": "Block"}]
    block.release.set()
    assert runtime.close(5) == []
    assert log == [("init", ""), ("released", "")]
    assert runtime.zombies() == []


def test_a_killed_server_cannot_send_in_any_way(runtime: ThreadRuntime) -> None:
    block, tried = Block(), []

    class Late(Counter):
        def handle_cast(self, message: Any) -> None:
            message.entered.set()
            message.release.wait(10)
            for attempt in (
                lambda: self.runtime,
                lambda: self.events,
                lambda: self.monitor("other"),
                lambda: self.send_after(1, "x"),
                lambda: runtime.cast("other", "x"),
                lambda: runtime.send("other", "x"),
                lambda: runtime.call("other", "x"),
                lambda: runtime.start(Counter),
            ):
                try:
                    attempt()
                except Killed:
                    tried.append("fenced")

    runtime.start(Counter, name="other")
    ref = runtime.start(Late)
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    runtime.kill(ref)
    block.release.set()
    assert runtime.close(5) == []

    assert tried == ["fenced"] * 8


def test_a_crash_does_not_keep_the_locals_of_the_failed_handler(runtime: ThreadRuntime) -> None:
    class Big:
        pass

    watched: list[weakref.ref[Big]] = []

    class Careless(Counter):
        def handle_cast(self, message: object) -> None:
            big = Big()
            watched.append(weakref.ref(big))
            raise ValueError

    ref = runtime.start(Careless)
    runtime.cast(ref, "go")
    reason = runtime.wait(ref, 5)
    runtime.close(5)

    assert isinstance(reason, ValueError)
    assert watched[0]() is None


# Operators.


def test_the_state_is_a_redacted_copy(runtime: ThreadRuntime) -> None:
    class Secretive(Counter):
        def init(self, *_: Any, **__: Any) -> None:
            super().init()
            self.api_key = "abc"
            self.settings = {"password": "abc", "sent": [1]}
            self.lock = threading.Lock()

    ref = runtime.start(Secretive)

    state: Any = sys.get_state(ref)
    state["settings"]["sent"].append(2)

    assert "abc" not in repr(state)
    assert state["lock"] == "<lock>"
    state_now: Any = sys.get_state(ref)
    assert state_now["settings"]["sent"] == [1]


def test_the_state_is_told_ahead_of_a_long_queue(runtime: ThreadRuntime) -> None:
    """G17."""
    ref, block = runtime.start(Counter), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    for number in range(50_000):
        runtime.cast(ref, number)
    block.release.set()

    state = sys.get_state(ref)

    assert len(state["seen"]) < 50_000  # type: ignore[arg-type]
    runtime.kill(ref)


def test_a_replaced_state_is_taken_over_and_a_failing_change_leaves_it(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, 7)

    def fail(state: dict[str, Any]) -> dict[str, Any]:
        state["seen"].append("half")
        raise ValueError("half done")

    sys.replace_state(ref, lambda state: {**state, "count": 41})
    with pytest.raises(ValueError, match="half done"):
        sys.replace_state(ref, fail)

    assert runtime.call(ref, Add(1)) == 42
    assert runtime.call(ref, "seen") == []


def test_a_suspended_server_answers_only_operators_until_resumed(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, 7)
    sys.suspend(ref)
    reply = runtime.request(ref, Add(1))

    assert sys.status(ref).state is ProcessState.SUSPENDED
    assert sys.get_state(ref)["count"] == 7
    assert not reply.is_done
    sys.resume(ref)

    assert runtime.call(ref, Get()) == 8
    assert reply.result() == 8


def test_the_tree_tells_what_a_stuck_server_is_busy_with(still: ThreadRuntime, clock: ManualClock) -> None:
    """O05."""
    ref, block = still.start(Counter, name="clerk"), Block()
    still.cast(ref, block)
    assert block.entered.wait(5)
    still.cast(ref, "queued")
    clock.advance(12)

    (info,) = still.tree()

    assert (info.path, info.state, info.message) == ("clerk", ProcessState.BUSY, "Block")
    assert (info.busy_s, info.queue, info.handled) == (12, 1, 0)
    block.release.set()


# Beside a host that uses Pykka.


def test_the_hosts_actors_and_ours_do_not_touch_each_other(runtime: ThreadRuntime) -> None:
    """O06, O07."""

    class Host(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_receive(self, message: object) -> object:
            return message

    host = Host.start()
    ref = runtime.start(Counter, 7)
    with pytest.raises(CallFailed):
        runtime.call(runtime.start(Counter), Crash(SystemExit()))

    assert host.ask("alive", timeout=5) == "alive"
    assert [ref.actor_class for ref in pykka.ActorRegistry.get_all()] == [Host]
    pykka.ActorRegistry.stop_all(timeout=5)
    assert runtime.call(ref, Get()) == 7
    _join_pykka(Host.__name__)


def _join_pykka(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith(name):
            thread.join(5)
