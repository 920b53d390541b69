"""A server in the sense of OTP: own state, one message at a time, and a death that is always noticed.

Pykka gives the actor and its loop; what a message means and what a failure does are decided here, before
Pykka sees them. No exception, not even a `BaseException`, reaches Pykka's loop: there one of them would stop
every actor of the process.

Servers are not in Pykka's process-wide `ActorRegistry`: only `Actor.start` would put them there, and a
runtime starts its servers itself. So a host's `ActorRegistry.stop_all()`, or a stray exception in one of its
actors, does not reach into this tree, and this tree shows nothing to the host; its runtime alone ends it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, ClassVar, Final, NoReturn

from pykka import ThreadingActor

from actors.otp import sys
from actors.otp.calls import find
from actors.otp.child import ChildSpec, ChildType
from actors.otp.errors import CallFailed, Killed, UnknownMessage
from actors.otp.mailbox import Mailbox, Timer
from actors.otp.messages import IGNORE, NOREPLY, Call, Cast, Continue, Leave, Reply, ReplyTo, Sys, SysOp
from actors.otp.monitor import Monitor, unwatch, watch
from actors.otp.process import Process
from actors.otp.reasons import KILLED, NORMAL, ExitReason, describe, is_clean, where
from actors.otp.redaction import redact
from actors.otp.ref import Dest, Ref
from actors.otp.runtime import Runtime
from actors.otp.taps import Raised
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.events import Events

_PYKKA_ATTRIBUTES: Final = frozenset({"actor_urn", "actor_inbox", "actor_stopped"})


class GenServer(ThreadingActor):
    """A server: subclass it, build the state in `init`, and override the handlers you need.

    Every callback runs in the server's own thread. A callback that raises ends the server with that exception
    as its reason; its supervisor starts a new one, with the state that `init` builds. State is what callbacks
    put on `self`; messages are frozen dataclasses.

    Example:
        >>> from actors.otp.thread_runtime import ThreadRuntime
        >>> class Counter(GenServer):
        ...     def init(self, start: int) -> None:
        ...         self.count = start
        ...     def handle_call(self, message: object) -> object:
        ...         self.count += 1
        ...         return self.count
        >>> runtime = ThreadRuntime()
        >>> counter = runtime.start(Counter, 41, name="counter")
        >>> runtime.call("counter", "next"), runtime.stop(counter)
        (42, 'normal')
    """

    never_calls: ClassVar[bool] = False
    """Whether waiting for another server is refused (`CallNotAllowed`): for servers that must never block."""

    inbox_limit: ClassVar[int | None] = None
    """How many messages may wait before senders get `InboxFull`; default unlimited."""

    slow_after_s: ClassVar[float | None] = None
    """Handlers that take longer are reported as `server.slow`; default none, and no cost."""

    child_type: ClassVar[ChildType] = ChildType.WORKER

    def __init__(self, process: Process, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        self._process = process
        self._arguments = (args, kwargs)
        self._reason: ExitReason = NORMAL
        self._current: ReplyTo | None = None
        self._is_deferred = False
        self._is_initialised = False
        super().__init__()

    # What a subclass overrides.

    def init(self, *args: Any, **kwargs: Any) -> object:
        """Build the state; returns None, `Continue(arg)` or `IGNORE`. Must not need network or database."""
        return None

    def handle_continue(self, arg: Any) -> None:
        """Finish what `init` began, before any message is handled."""

    def handle_call(self, message: Any) -> object:
        """Answer a call: the return value is the reply; `raise Reply(error)` answers with an error."""
        raise UnknownMessage(type(self).__name__, message)

    def handle_cast(self, message: Any) -> None:
        """Handle a message that nobody waits for."""
        raise UnknownMessage(type(self).__name__, message)

    def handle_info(self, message: Any) -> None:
        """Handle everything else: `Down`, fired timers, what was sent with `send`."""
        self.events.emit("server.message_unexpected", path=self.path, message=type(message).__name__)

    def terminate(self, reason: ExitReason) -> None:
        """Clean up: on every end but a kill or a failed `init`. Not guaranteed: nothing may depend on it."""

    def format_state(self) -> dict[str, object]:
        """The state as it may be shown; default the public attributes, secrets replaced by their names."""
        return redact(self.public_state())

    # What a subclass uses.

    @property
    def ref(self) -> Ref:
        """This incarnation's address."""
        return self._process.ref

    @property
    def path(self) -> str:
        """The place in the tree."""
        return self._process.path

    @property
    def runtime(self) -> Runtime:
        """What this server runs in."""
        self._process.check()
        return self._process.runtime

    @property
    def clock(self) -> Clock:
        """The runtime's clock."""
        return self.runtime.clock

    @property
    def events(self) -> Events:
        """The runtime's sink of events."""
        return self.runtime.events

    def send_after(self, seconds: float, message: object) -> Timer:
        """Get `message` in `handle_info` after `seconds` by the clock; dies with this incarnation."""
        self._process.check()
        return self._process.mailbox.schedule(seconds, message)

    def cancel_timer(self, timer: Timer) -> float | None:
        """Take a timer back, exactly: the seconds that were left, None if it had been delivered."""
        self._process.check()
        return self._process.mailbox.cancel(timer)

    def read_timer(self, timer: Timer) -> float | None:
        """Seconds that are left; None if delivered or cancelled."""
        return self._process.mailbox.time_left(timer)

    def monitor(self, dest: Dest) -> Monitor:
        """Get exactly one `Down` with this monitor when `dest` ends; at once if nobody is there."""
        self._process.check()
        return watch(self._process, find(dest))

    def demonitor(self, monitor: Monitor, *, flush: bool = True) -> None:
        """Stop watching; with `flush` (default) not even a `Down` that waits already arrives."""
        self._process.check()
        unwatch(monitor, flush=flush)

    def defer(self) -> ReplyTo:
        """Take over the answer to the current call; `handle_call` then returns `NOREPLY`."""
        self._process.check()
        if self._current is None:
            raise InvalidInput("defer()", "to be used inside handle_call", "another callback")
        self._is_deferred = True
        return self._current

    def stop(self, reason: ExitReason = NORMAL) -> None:
        """End after the current message, with `reason`."""
        self._leave(reason)

    @classmethod
    def child_spec(cls, **overrides: Any) -> ChildSpec:
        """The spec of a child of this class: id its name in lower case, everything else the defaults."""
        return ChildSpec(**{"id": cls.__name__.lower(), "start": cls, "type": cls.child_type, **overrides})

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Pykka's way to start, which registers process-wide and does not wait for `init`: refused."""
        raise TypeError(f"{cls.__name__}.start: expected Runtime.start or a supervisor, got Pykka's start")

    def public_state(self) -> dict[str, object]:
        """The attributes that a subclass made: public ones, without Pykka's."""
        own = vars(self).items()
        return {name: value for name, value in own if name[0] != "_" and name not in _PYKKA_ATTRIBUTES}

    # What Pykka's loop runs. A runtime that has no thread for each server steps through the same four:
    # on_start, then _handle_receive for each message until actor_stopped is set, then _actor_loop_teardown.

    def on_start(self) -> None:
        """Run `init`, acknowledge the start, then `handle_continue`."""
        process = self._process
        process.busy = ("init", process.runtime.clock.monotonic())
        args, kwargs = self._arguments
        self._arguments = ((), {})
        result = self._guard(lambda _: self._accept(self.init(*args, **kwargs)))
        if self.actor_stopped.is_set():
            return
        if result is IGNORE:
            process.is_ignored = True
            self.actor_stopped.set()
            return
        self._is_initialised = True
        if not process.started.resolve(None):
            self._leave(KILLED)
            return
        if isinstance(result, Continue):
            self._guard(self.handle_continue, result.arg)
        process.busy = None

    def _handle_receive(self, message: Any) -> None:
        process = self._process
        content = message.message if isinstance(message, Call | Cast) else message
        name = message.op.value if isinstance(message, Sys) else type(content).__name__
        process.busy = (name, process.runtime.clock.monotonic())
        if process.taps:
            self._guard(self._dispatch_tapped, message)
        else:
            self._guard(self._dispatch, message)
        process.handled += 1
        process.busy = None

    def _actor_loop_teardown(self) -> None:
        """Run `terminate`, then end this incarnation, unless somebody has already."""
        process = self._process
        try:
            if self._is_initialised and not process.is_killed:
                process.busy = ("terminate", process.runtime.clock.monotonic())
                self._guard(self.terminate, self._reason)
                if not is_clean(self._reason) and not process.is_killed:
                    self._report_crash()
        finally:
            # Whatever a host's sink of events makes of the report.
            process.exit(self._reason)
        process.busy = None
        if isinstance(self._reason, BaseException):
            # The record keeps the reason for long; the locals of the failed handler may be large.
            traceback.clear_frames(self._reason.__traceback__)

    def _create_actor_inbox(self) -> Mailbox:  # type: ignore[override]  # Pykka's is static; ours is made before
        return self._process.mailbox

    def _start_actor_loop(self) -> None:
        self._process.runtime.launch(self)

    def _accept(self, result: object) -> object:
        """Check what `init` returned; a supervisor starts its children here."""
        if result is None or result is IGNORE or isinstance(result, Continue):
            return result
        raise InvalidInput(f"{self.path} init", "None, Continue or IGNORE", type(result).__name__)

    def _dispatch(self, item: Any) -> object:
        if isinstance(item, Call):
            return self._answer(item)
        if isinstance(item, Cast):
            self.handle_cast(item.message)
        elif isinstance(item, Sys):
            return sys.perform(self, item)
        else:
            self.handle_info(item)
        return NOREPLY

    def _dispatch_tapped(self, item: Any) -> None:
        taps = self._process.taps
        # A stop is answered by the end itself.
        is_stop = isinstance(item, Sys) and item.op is SysOp.STOP
        if isinstance(item, Call | Sys) and item.reply_to is not None and not is_stop:
            self._owe(item.reply_to)
        for tap in taps:
            tap.before(item)
        try:
            reply = self._dispatch(item)
        except BaseException as error:
            if not self._process.is_killed:
                for tap in reversed(taps):
                    tap.after(item, Raised(error, is_end=True))
            raise
        self._process.check()
        for tap in reversed(taps):
            tap.after(item, reply)

    def _answer(self, item: Call) -> object:
        reply_to = item.reply_to
        self._owe(reply_to)
        self._current, self._is_deferred = reply_to, False
        try:
            value = self.handle_call(item.message)
        except Reply as reply:
            reply_to.fail(reply.error)
            return Raised(reply.error, is_end=False)
        finally:
            self._current = None
        if value is not NOREPLY:
            reply_to.reply(value)
        elif not self._is_deferred:
            raise InvalidInput(f"{self.path} handle_call", "defer() before NOREPLY", "none")
        return value

    def _owe(self, reply_to: ReplyTo) -> None:
        """Have the caller told if the server ends before it has replied."""
        reply_to.owe(self._process.unanswered)
        # A killer answers what it finds unanswered; this call may have come too late for that.
        if self._process.is_killed:
            reply_to.fail(CallFailed(self.path, KILLED))

    def _guard(self, step: Callable[[Any], object], arg: object = None) -> object:
        try:
            return step(arg)
        except Leave as leave:
            self._leave(leave.reason)
        except Killed:
            self._leave(KILLED)
        except BaseException as error:  # noqa: BLE001 - the border: whatever a callback raises is an exit reason
            self._leave(error)
        return None

    def _leave(self, reason: ExitReason) -> None:
        self._reason = reason
        self.actor_stopped.set()

    def _report_crash(self) -> None:
        process, reason = self._process, describe(self._reason)
        process.runtime.supervision.add(
            "server.crashed", process.path, process.restarts, reason, reason=reason, where=where(self._reason)
        )
