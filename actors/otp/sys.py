"""What every server answers ahead of its queue: state, status, suspend, resume; for operators and shells."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from actors.otp.calls import call_system
from actors.otp.messages import Sys, SysOp
from actors.otp.process import ProcessInfo
from actors.otp.reasons import NORMAL, ExitReason
from actors.otp.redaction import snapshot
from actors.otp.ref import Dest
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


def perform(server: GenServer, item: Sys) -> None:
    """Do what was asked; runs in the server's thread."""
    if item.op is SysOp.STOP:
        reply_to = item.reply_to
        if reply_to is not None:
            server.ref.process.exited.subscribe(partial(reply_to.reply, None))
        server.stop(_reason(item.arg))
        return
    try:
        answer = _OPERATIONS[item.op](server, item.arg)
    except Exception as error:  # noqa: BLE001 - belongs to whoever asked; the server goes on
        answer = error
    if item.reply_to is None:
        return
    if isinstance(answer, Exception):
        item.reply_to.fail(answer)
    else:
        item.reply_to.reply(answer)


def _get_state(server: GenServer, _: object) -> object:
    return snapshot(server.format_state())


def _replace_state(server: GenServer, change: object) -> object:
    if not callable(change):
        raise InvalidInput("change", "a function of the state", type(change).__name__)
    before = server.public_state()
    after = change({name: _copy_or_same(value) for name, value in before.items()})
    if not isinstance(after, dict):
        raise InvalidInput("replaced state", "a dict of attributes", type(after).__name__)
    for name in before.keys() - after.keys():
        delattr(server, name)
    for name, value in after.items():
        setattr(server, name, value)
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


def _reason(arg: object) -> ExitReason:
    return arg if isinstance(arg, str | tuple | BaseException) else NORMAL


_OPERATIONS: dict[SysOp, Callable[[GenServer, object], object]] = {
    SysOp.GET_STATE: _get_state,
    SysOp.REPLACE_STATE: _replace_state,
    SysOp.SUSPEND: _suspend,
    SysOp.RESUME: _resume,
    SysOp.STATUS: _status,
}
