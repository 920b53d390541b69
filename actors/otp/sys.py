"""What every server answers ahead of its queue, for operators and shells: state, status, suspend, trace, log."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from actors.otp.calls import call_system
from actors.otp.child import is_seconds
from actors.otp.messages import NOREPLY, Sys, SysOp
from actors.otp.process import ProcessInfo
from actors.otp.reasons import NORMAL, ExitReason
from actors.otp.redaction import snapshot
from actors.otp.ref import Dest
from actors.otp.taps import Raised
from actors.otp.trace import Log, Observer, Sink, Trace, TraceEvent, TraceRequest, print_event
from moomarkets.domain.errors import InvalidInput

if TYPE_CHECKING:
    from actors.otp.gen_server import GenServer

State = dict[str, object]


def get_state(dest: Dest, timeout_s: float = 5.0) -> State:
    """A deep, redacted copy of the server's state: `format_state`, secrets replaced."""
    state: State = call_system(dest, SysOp.GET_STATE, None, timeout_s)
    return state


def replace_state(dest: Dest, change: Callable[[State], State], timeout_s: float = 5.0) -> None:
    """Run `change` in the server on a copy of its public attributes and take over what it returns.

    If `change` raises, the caller gets the error and the state stays as it was.
    """
    call_system(dest, SysOp.REPLACE_STATE, change, timeout_s)


def suspend(dest: Dest, timeout_s: float = 5.0) -> None:
    """Let the server handle nothing but the system lane."""
    call_system(dest, SysOp.SUSPEND, None, timeout_s)


def resume(dest: Dest, timeout_s: float = 5.0) -> None:
    """End a suspension; what was queued is handled in its order."""
    call_system(dest, SysOp.RESUME, None, timeout_s)


def status(dest: Dest, timeout_s: float = 5.0) -> ProcessInfo:
    """The server's own line of the tree; an answer proves that it is not stuck."""
    info: ProcessInfo = call_system(dest, SysOp.STATUS, None, timeout_s)
    return info


def trace(
    dest: Dest,
    sink: Sink = print_event,
    *,
    count: int = 10,
    seconds: float | None = None,
    timeout_s: float = 5.0,
) -> None:
    """Hand an event for each message that the server handles from now on to `sink`, by default one printed line.

    Ends by itself after `count` events, or after `seconds` by the clock, whatever comes first; replaces a trace
    that is under way. `sink` runs in the server's thread; if it raises, that ends the trace and nothing else.

    Example:
        >>> from actors.otp.gen_server import GenServer
        >>> from actors.otp.thread_runtime import ThreadRuntime
        >>> runtime, seen = ThreadRuntime(), []
        >>> clerk = runtime.start(GenServer, name="clerk")
        >>> trace(clerk, seen.append, count=1)
        >>> status(clerk).path, runtime.stop(clerk), [event.message for event in seen]
        ('clerk', 'normal', ['status'])
    """
    if not callable(sink):
        raise InvalidInput("trace sink", "a function of an event", type(sink).__name__)
    if type(count) is not int or count < 1:
        raise InvalidInput("trace count", "a whole number, 1 or more", count)
    if seconds is not None and (not is_seconds(seconds) or seconds == 0):
        raise InvalidInput("trace seconds", "more than 0 seconds, or None", seconds)
    call_system(dest, SysOp.TRACE, TraceRequest(sink, count, seconds), timeout_s)


def no_trace(dest: Dest, timeout_s: float = 5.0) -> None:
    """End a trace; none is no error."""
    call_system(dest, SysOp.NO_TRACE, None, timeout_s)


def log(dest: Dest, size: int, timeout_s: float = 5.0) -> None:
    """Keep the last `size` trace events of the server from now on; 0 keeps none and forgets what was kept."""
    if type(size) is not int or size < 0:
        raise InvalidInput("log size", "a whole number, 0 or more", size)
    call_system(dest, SysOp.LOG, size, timeout_s)


def get_log(dest: Dest, timeout_s: float = 5.0) -> list[TraceEvent]:
    """The trace events that `log` kept, oldest first; empty if it keeps none."""
    events: list[TraceEvent] = call_system(dest, SysOp.GET_LOG, None, timeout_s)
    return events


def perform(server: GenServer, item: Sys) -> object:
    """Do what was asked, and answer; runs in the server's thread. Returns what a tap is told as the reply."""
    if item.op is SysOp.STOP:
        reply_to = item.reply_to
        if reply_to is not None:
            server.ref.process.exited.subscribe(partial(reply_to.reply, None))
        server.stop(_reason(item.arg))
        return NOREPLY
    if item.reply_to is not None and item.reply_to.is_abandoned:
        # Whoever asked has given up: a server that is suspended much later would surprise everybody.
        return NOREPLY
    if item.reply_to is not None:
        server._owe(item.reply_to)
    try:
        answer = _OPERATIONS[item.op](server, item.arg)
        server.ref.process.check()
    except BaseException as error:  # noqa: BLE001 - belongs to whoever asked; the server goes on
        server.ref.process.check()
        if item.reply_to is not None:
            item.reply_to.fail(error)
        return Raised(error, is_end=False)
    if item.reply_to is not None:
        item.reply_to.reply(answer)
    return answer


def _get_state(server: GenServer, _: object) -> object:
    return snapshot(server.format_state())


def _replace_state(server: GenServer, change: object) -> object:
    if not callable(change):
        raise InvalidInput("change", "a function of the state", type(change).__name__)
    before = server.public_state()
    after = change({name: _copy_or_same(value) for name, value in before.items()})
    if not isinstance(after, dict):
        raise InvalidInput("replaced state", "a dict of attributes", type(after).__name__)
    # All is checked before anything is taken over: half a state would be worse than none.
    for name in after:
        is_new = isinstance(name, str) and name.isidentifier() and name[0] != "_" and not hasattr(server, name)
        if name not in before and not is_new:
            raise InvalidInput("replaced state", "names of public attributes", name)
    attributes = vars(server)
    for name in before.keys() - after.keys():
        del attributes[name]
    attributes.update(after)
    return None


def _copy_or_same(value: object) -> object:
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - a live object refuses to be copied, in its own way; it is shared
        return value


def _suspend(server: GenServer, _: object) -> object:
    server.ref.process.mailbox.is_suspended = True
    return None


def _resume(server: GenServer, _: object) -> object:
    server.ref.process.mailbox.is_suspended = False
    return None


def _status(server: GenServer, _: object) -> object:
    return server.ref.process.info()


def _trace(server: GenServer, request: object) -> object:
    assert isinstance(request, TraceRequest)
    _end(server, Trace)
    server.ref.process.attach(Trace(server, request))
    return None


def _no_trace(server: GenServer, _: object) -> object:
    _end(server, Trace)
    return None


def _log(server: GenServer, size: object) -> object:
    assert isinstance(size, int)
    _end(server, Log)
    if size:
        server.ref.process.attach(Log(server, size))
    return None


def _get_log(server: GenServer, _: object) -> object:
    return [event for tap in server.ref.process.taps if isinstance(tap, Log) for event in tap.events]


def _end(server: GenServer, kind: type[Observer]) -> None:
    for tap in server.ref.process.taps:
        if isinstance(tap, kind):
            tap.end()


def _reason(arg: object) -> ExitReason:
    return arg if isinstance(arg, str | tuple | BaseException) else NORMAL


_OPERATIONS: dict[SysOp, Callable[[GenServer, object], object]] = {
    SysOp.GET_STATE: _get_state,
    SysOp.REPLACE_STATE: _replace_state,
    SysOp.SUSPEND: _suspend,
    SysOp.RESUME: _resume,
    SysOp.STATUS: _status,
    SysOp.TRACE: _trace,
    SysOp.NO_TRACE: _no_trace,
    SysOp.LOG: _log,
    SysOp.GET_LOG: _get_log,
}
