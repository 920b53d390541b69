"""The client side of servers: call, cast, send, stop, kill.

A destination is a `Ref`, a `Name`, or, inside a server, a plain registered name. Names are resolved for each
message, so they survive restarts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actors.otp.errors import CallingSelf, CallNotAllowed, CallTimeout, Deadlock, NoProc
from actors.otp.messages import Call, Cast, ReplyTo, Sys, SysOp
from actors.otp.process import Process, acting
from actors.otp.promise import Promise
from actors.otp.reasons import NORMAL, ExitReason
from actors.otp.ref import Dest, Name, Ref
from moomarkets.domain.errors import InvalidInput


def call(dest: Dest, message: object, timeout_s: float = 5.0) -> Any:
    """Send `message` and wait for the reply of the server's `handle_call`.

    Raises what the server answered with `Reply(error)`, or a `CallError`: see `actors.otp.errors`.
    """
    caller = acting()
    target = _find_live(dest)
    reply_to = ReplyTo(None if caller is None else caller.ref, target.unanswered)
    with calling(caller, target):
        if not target.mailbox.push(Call(message, reply_to), is_bounded=True):
            raise NoProc(target.path)
        return _await(caller, target, reply_to, timeout_s)


def call_system(dest: Dest, op: SysOp, arg: object = None, timeout_s: float = 5.0) -> Any:
    """Like `call`, on the system lane: ahead of everything queued."""
    caller = acting()
    target = _find_live(dest)
    reply_to = ReplyTo(None if caller is None else caller.ref, target.unanswered)
    with calling(caller, target):
        if not target.mailbox.push_system(Sys(op, arg, reply_to)):
            raise NoProc(target.path)
        return _await(caller, target, reply_to, timeout_s)


def request(dest: Dest, message: object) -> Promise[Any]:
    """Like `call` without waiting: the promise of the reply, for callers that have their own loop."""
    acting()
    target = _find_live(dest)
    reply_to = ReplyTo(None, target.unanswered)
    if not target.mailbox.push(Call(message, reply_to), is_bounded=True):
        raise NoProc(target.path)
    return reply_to.promise


def cast(dest: Dest, message: object) -> None:
    """Send `message` to the server's `handle_cast` and go on; nobody there is no error."""
    acting()
    target = find(dest)
    if target is not None:
        target.mailbox.push(Cast(message), is_bounded=True)


def send(dest: Dest, message: object) -> None:
    """Send `message` to the server's `handle_info` and go on; nobody there is no error."""
    acting()
    target = find(dest)
    if target is not None:
        target.mailbox.push(message, is_bounded=True)


def stop(dest: Dest, reason: ExitReason = NORMAL, timeout_s: float = 30.0) -> ExitReason:
    """Have the server end after the message it is at, and wait until it has; returns its exit reason.

    Raises `NoProc` if it is dead already and `CallTimeout` if it does not end in time (it still will).
    """
    caller = acting()
    target = _find_live(dest)
    with calling(caller, target):
        if not target.mailbox.push_system(Sys(SysOp.STOP, reason)):
            raise NoProc(target.path)
        if not target.runtime.wait_for(target.exited, timeout_s):
            raise CallTimeout(target.path, timeout_s, target.describe_busy())
    return target.exited.result()


def kill(dest: Dest) -> bool:
    """Give the server up, with all below it, without its `terminate`; False if nobody is there."""
    acting()
    target = find(dest)
    return target is not None and target.kill()


def whereis(name: str) -> Ref | None:
    """The ref of the server that holds `name` now; for use inside a server."""
    target = find(name)
    return None if target is None else target.ref


def find(dest: Dest) -> Process | None:
    """Whom `dest` means now; None if no live server holds the name."""
    if type(dest) is Ref:
        return dest.process
    if isinstance(dest, Name):
        return dest.runtime.registry.find(dest.name)
    if not isinstance(dest, str):
        raise InvalidInput("destination", "a ref or a name", type(dest).__name__)
    here = acting()
    if here is None:
        raise InvalidInput("destination", "a ref outside of a server (or use Runtime.call and the like)", dest)
    return here.runtime.registry.find(dest)


@contextmanager
def calling(caller: Process | None, target: Process) -> Iterator[None]:
    """Wait for `target` on behalf of `caller`; refuses what could never end, or must not be."""
    if caller is None:
        yield
        return
    if caller.never_calls:
        raise CallNotAllowed(caller.path)
    if caller is target:
        raise CallingSelf(caller.path)
    with caller.runtime.waits_lock:
        link: Process | None = target
        while link is not None:
            if link is caller:
                raise Deadlock(caller.path, target.path)
            link = link.waiting_for
        caller.waiting_for = target
    try:
        yield
    finally:
        caller.waiting_for = None
    caller.check()


@contextmanager
def waiting(caller: Process | None, target: Process) -> Iterator[None]:
    """Wait for the start or end of a child: noted for those who call the caller meanwhile, never refused."""
    if caller is None:
        yield
        return
    caller.waiting_for = target
    try:
        yield
    finally:
        caller.waiting_for = None
    caller.check()


def _find_live(dest: Dest) -> Process:
    target = find(dest)
    if target is None or target.exited.is_done:
        raise NoProc(_shown(dest))
    return target


def _await(caller: Process | None, target: Process, reply_to: ReplyTo, timeout_s: float) -> Any:
    runtime = target.runtime if caller is None else caller.runtime
    try:
        is_settled = runtime.wait_for(reply_to.promise, timeout_s)
    except BaseException:  # Ctrl-C at a prompt
        reply_to.abandon()
        raise
    if not is_settled:
        reply_to.abandon()
        raise CallTimeout(target.path, timeout_s, target.describe_busy())
    return reply_to.promise.result()


def _shown(dest: Dest) -> str:
    if isinstance(dest, Ref):
        return dest.path
    return dest.name if isinstance(dest, Name) else dest
