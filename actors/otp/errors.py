"""What can go wrong between servers.

OtpError
├─ CallError
│  ├─ CallTimeout      no reply in time; the server goes on
│  ├─ NoProc           nobody there: dead, or a name that nobody holds
│  ├─ CallFailed       the server ended while the call was under way; carries `reason`
│  ├─ CallingSelf      a server called itself
│  ├─ Deadlock         the call would close a ring of servers waiting for each other
│  └─ CallNotAllowed   a server that declares `never_calls` tried to wait
├─ InboxFull           a bounded inbox refused the message
├─ UnknownMessage      a server has no handler for this call or cast
├─ StartError          a server did not start; carries `reason`
│  └─ AlreadyStarted   the name is held by a live server; carries its `ref`
└─ ChildRefused        a supervisor refuses; `problem` is OTP's word for why
Killed                 not an error: ends the thread of a server that was given up
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from actors.otp.reasons import ExitReason, describe
from moomarkets.domain.errors import MoomarketsError

if TYPE_CHECKING:
    from actors.otp.ref import Ref


class OtpError(MoomarketsError):
    """Something went wrong between servers."""


class CallError(OtpError):
    """A call got no reply."""


class CallTimeout(CallError):
    """No reply within `timeout_s`; the server goes on and a late reply is dropped."""

    def __init__(self, path: str, timeout_s: float, busy: str = "") -> None:
        super().__init__(path, timeout_s, busy)
        self.path, self.timeout_s, self.busy = path, timeout_s, busy

    def __str__(self) -> str:
        busy = f"; it is busy with {self.busy}" if self.busy else ""
        return f"{self.path}: expected a reply within {self.timeout_s:g} s, got none{busy}"


class NoProc(CallError):
    """Nobody is there: the server is dead, or no live server holds the name."""

    def __init__(self, dest: str) -> None:
        super().__init__(dest)
        self.dest = dest

    def __str__(self) -> str:
        return f"{self.dest}: expected a live server, got none"


class CallFailed(CallError):
    """The server ended before it replied. `reason` says why; a crash is also the `__cause__`."""

    def __init__(self, path: str, reason: ExitReason) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason
        if isinstance(reason, BaseException):
            self.__cause__ = reason

    def __str__(self) -> str:
        return f"{self.path}: ended before it replied ({describe(self.reason)})"


class CallingSelf(CallError):
    """A server called itself, which could never be answered."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: expected a call to another server, got one to itself"


class Deadlock(CallError):
    """The call was refused because its target already waits, directly or not, for the caller."""

    def __init__(self, caller: str, target: str) -> None:
        super().__init__(caller, target)
        self.caller, self.target = caller, target

    def __str__(self) -> str:
        return f"{self.target}: cannot be called by {self.caller}, which it is waiting for"


class CallNotAllowed(CallError):
    """The server declares `never_calls`, so it may not wait for another one."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: never waits for another server; use a cast and its answer"


class InboxFull(OtpError):
    """The inbox holds `limit` messages already; nothing was queued."""

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(path, limit)
        self.path, self.limit = path, limit

    def __str__(self) -> str:
        return f"{self.path}: expected fewer than {self.limit} waiting messages, got {self.limit}"


class UnknownMessage(OtpError):
    """A call or cast that the server has no handler for; only the type of the message is told."""

    def __init__(self, server: str, message: object) -> None:
        super().__init__(server, type(message).__name__)
        self.server, self.message_type = server, type(message).__name__

    def __str__(self) -> str:
        return f"{self.server}: expected a message it handles, got {self.message_type}"


class StartError(OtpError):
    """A server did not start. `reason` says why; the exception behind it is also the `__cause__`.

    If a child, or a child's child, was the one that failed, the text names that one.
    """

    def __init__(self, path: str, reason: ExitReason) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason
        _, root_reason = self._innermost()
        if isinstance(root_reason, BaseException):
            self.__cause__ = root_reason

    def _innermost(self) -> tuple[str, object]:
        path = self.path
        reason: object = self.reason
        while True:
            match reason:
                case ("shutdown", ("failed_to_start_child", child_id, inner)):
                    path, reason = f"{path}/{child_id}", inner
                case _:
                    return path, reason

    def __str__(self) -> str:
        path, reason = self._innermost()
        return f"{path}: did not start ({describe(reason)})"


class AlreadyStarted(StartError):
    """The name is held by a live server, `ref`."""

    def __init__(self, name: str, ref: Ref) -> None:
        super().__init__(name, ("already_started", ref))
        self.ref = ref


class ChildProblem(StrEnum):
    """Why a supervisor refuses: OTP's words, and `temporary` for what it would not start again."""

    ALREADY_STARTED = "already_started"
    ALREADY_PRESENT = "already_present"
    RUNNING = "running"
    RESTARTING = "restarting"
    NOT_FOUND = "not_found"
    MAX_CHILDREN = "max_children"
    TEMPORARY = "temporary"


class ChildRefused(OtpError):
    """A supervisor refuses what was asked of it; `ref` is the running child, where there is one."""

    def __init__(self, path: str, problem: ChildProblem, ref: Ref | None = None) -> None:
        super().__init__(path, problem, ref)
        self.path, self.problem, self.ref = path, problem, ref

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class Killed(BaseException):
    """Raised by the next framework call of a server that was killed; no handler should catch it."""
