"""What travels through a mailbox, and what the callbacks of a server return or raise."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final

from actors.otp.promise import Promise
from actors.otp.reasons import ExitReason

if TYPE_CHECKING:
    from actors.otp.monitor import Monitor
    from actors.otp.ref import Ref


class Ignore(Enum):
    """The type of `IGNORE`."""

    IGNORE = "ignore"


class NoReply(Enum):
    """The type of `NOREPLY`."""

    NOREPLY = "noreply"


IGNORE: Final = Ignore.IGNORE
"""Returned by `init`: do not run, and that is no error."""

NOREPLY: Final = NoReply.NOREPLY
"""Returned by `handle_call` after `defer()`: the reply comes later."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Returned by `init`: run `handle_continue(arg)` after the start is acknowledged, before any message."""

    arg: object = None


class Reply(Exception):
    """Raised by `handle_call`: the caller gets `error`, the server goes on."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Leave(Exception):
    """Raised by any callback: the server ends with `reason` instead of a crash."""

    def __init__(self, reason: ExitReason) -> None:
        super().__init__(reason)
        self.reason = reason


class ReplyTo:
    """Where the reply to one call goes; answers once, later answers are dropped.

    `caller` is the calling server, so that a waiter that dies can be noticed; None for any other thread.
    """

    __slots__ = ("_open", "caller", "promise")

    def __init__(self, caller: Ref | None, unanswered: dict[ReplyTo, None]) -> None:
        self.promise: Promise[Any] = Promise()  # what a reply is, only the two sides know
        self.caller = caller
        self._open = unanswered

    def owe(self, unanswered: dict[ReplyTo, None]) -> None:
        """Stand in `unanswered` until it is answered."""
        self._open = unanswered
        unanswered[self] = None

    def reply(self, value: object) -> bool:
        """Answer with a value; False if it was answered before."""
        self._open.pop(self, None)
        return self.promise.resolve(value)

    def fail(self, error: BaseException) -> bool:
        """Answer with an error that is raised at the caller; False if it was answered before."""
        self._open.pop(self, None)
        return self.promise.fail(error)

    @property
    def is_abandoned(self) -> bool:
        """Whether the caller has stopped waiting: its time was up, or its task was cancelled."""
        return self.promise.is_abandoned

    def abandon(self) -> None:
        """Note that nobody waits any more."""
        self.promise.is_abandoned = True

    def __deepcopy__(self, memo: dict[Hashable, object]) -> ReplyTo:
        return self


@dataclass(frozen=True, slots=True)
class Call:
    """A message whose sender waits for the answer."""

    message: object
    reply_to: ReplyTo


@dataclass(frozen=True, slots=True)
class Cast:
    """A message that nobody waits for."""

    message: object


class SysOp(StrEnum):
    """What any server does on request, ahead of its queue."""

    STOP = "stop"
    GET_STATE = "get_state"
    REPLACE_STATE = "replace_state"
    SUSPEND = "suspend"
    RESUME = "resume"
    STATUS = "status"
    TRACE = "trace"
    NO_TRACE = "no_trace"
    LOG = "log"
    GET_LOG = "get_log"


@dataclass(frozen=True, slots=True)
class Sys:
    """A request of the system lane; `reply_to` is None where nobody waits."""

    op: SysOp
    arg: object = None
    reply_to: ReplyTo | None = None


@dataclass(frozen=True, slots=True)
class Down:
    """A monitored server ended; `ref` is None if there was no such server when it was asked for."""

    monitor: Monitor
    ref: Ref | None
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Exit:
    """A child ended: sent to the supervisor that started it."""

    ref: Ref
    reason: ExitReason
