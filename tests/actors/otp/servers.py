"""Servers that the tests start, crash and stop."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from actors.otp.calls import call, stop
from actors.otp.gen_server import GenServer
from actors.otp.messages import NOREPLY, Leave, Reply
from actors.otp.ref import Dest


@dataclass(frozen=True, slots=True)
class Add:
    amount: int


@dataclass(frozen=True, slots=True)
class Get:
    pass


@dataclass(frozen=True, slots=True)
class Crash:
    error: BaseException = field(default_factory=lambda: ValueError("secret text"))


@dataclass(frozen=True, slots=True)
class Depart:
    reason: Any = "normal"


@dataclass(frozen=True, slots=True)
class Refuse:
    error: Exception


@dataclass(frozen=True, slots=True)
class AnswerIn:
    seconds: float


@dataclass(frozen=True, slots=True)
class Fire:
    reply_to: Any


@dataclass(frozen=True, slots=True)
class Block:
    """Hold the server: it sets `entered` and goes on at `release`."""

    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class CallOn:
    dest: Dest
    message: object
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Watch:
    dest: Dest


@dataclass(frozen=True, slots=True)
class Unwatch:
    monitor: Any


@dataclass(frozen=True, slots=True)
class Later:
    seconds: float
    message: object


@dataclass(frozen=True, slots=True)
class CancelTimer:
    timer: Any


class Counter(GenServer):
    """Counts; does on request whatever a test needs. `log` collects what happened, in order."""

    def init(
        self,
        start: int = 0,
        log: list[Any] | None = None,
        tag: str = "",
        outcome: Any = None,
        terminate_with: Any = None,
    ) -> object:
        self.count = start
        self.tag = tag
        self.seen: list[Any] = []
        self._log = [] if log is None else log
        self._terminate_with = terminate_with
        self._log.append(("init", tag))
        if callable(outcome):
            outcome = outcome()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def handle_continue(self, arg: Any) -> None:
        self.seen.append(("continue", arg))
        self._log.append(("continue", self.tag))
        if isinstance(arg, BaseException):
            raise arg

    def handle_call(self, message: object) -> object:
        match message:
            case Get():
                return self.count
            case Add(amount):
                self.count += amount
                return self.count
            case Crash(error):
                self.count = -1
                raise error
            case Depart(reason):
                raise Leave(reason)
            case Refuse(error):
                raise Reply(error)
            case AnswerIn(seconds):
                self.send_after(seconds, Fire(self.defer()))
                return NOREPLY
            case Block():
                message.entered.set()
                message.release.wait(10)
                return self.count
            case CallOn(dest, inner, timeout_s):
                return call(dest, inner, timeout_s)
            case Watch(dest):
                return self.monitor(dest)
            case Unwatch(monitor):
                return self.demonitor(monitor)
            case Later(seconds, inner):
                return self.send_after(seconds, inner)
            case CancelTimer(timer):
                return self.cancel_timer(timer)
            case "seen":
                return list(self.seen)
        return super().handle_call(message)

    def handle_cast(self, message: object) -> None:
        match message:
            case Block():
                message.entered.set()
                message.release.wait(10)
                self._log.append(("released", self.tag))
                self.send_after(0, "never")
                self._log.append(("went on", self.tag))
            case Crash(error):
                raise error
            case Depart(reason):
                raise Leave(reason)
            case _:
                self.seen.append(message)

    def handle_info(self, message: object) -> None:
        match message:
            case Fire(reply_to):
                reply_to.reply("late")
            case "surprise":
                super().handle_info(message)
            case _:
                self.seen.append(message)

    def terminate(self, reason: Any) -> None:
        self._log.append(("terminate", self.tag, reason))
        outcome = self._terminate_with
        if callable(outcome):
            outcome = outcome()
        if isinstance(outcome, BaseException):
            raise outcome


class Silent(Counter):
    never_calls = True


class Small(Counter):
    inbox_limit = 2


class Heir(Counter):
    """Starts the next `clerk` when the one it watches is down."""

    def handle_info(self, message: object) -> None:
        self.runtime.start(Counter, name="clerk")


class Stopper(Counter):
    def handle_call(self, message: object) -> object:
        match message:
            case Watch(dest):
                return stop(dest)
        return super().handle_call(message)
