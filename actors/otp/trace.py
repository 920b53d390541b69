"""Watching a server at work: one event for each message it handles, without anything secret in it."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from actors.otp.differences import compare, texts
from actors.otp.errors import Killed
from actors.otp.messages import NOREPLY, Call, Cast, Leave, Sys, SysOp
from actors.otp.reasons import describe
from actors.otp.redaction import one_line
from actors.otp.taps import Raised

if TYPE_CHECKING:
    from actors.otp.gen_server import GenServer

_LOOKING = frozenset({SysOp.TRACE, SysOp.NO_TRACE, SysOp.LOG, SysOp.GET_LOG})


class MessageKind(StrEnum):
    """How a message reached the server."""

    CALL = "call"
    CAST = "cast"
    INFO = "info"
    SYS = "sys"


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One message that a server handled.

    - `message` the type of the message, `summary` what is in it, as far as that cannot be a secret.
    - `reply` the type of the reply; None if nobody waits, or it comes later.
    - `changed` the public attributes that differ, `difference` by how many characters of their text.
    - `seconds` the handler took. `ended` why the server is about to end by it, empty if it goes on.
    """

    at: datetime
    path: str
    kind: MessageKind
    message: str
    summary: str
    reply: str | None
    changed: tuple[str, ...]
    difference: int
    seconds: float
    ended: str = ""

    def __str__(self) -> str:
        parts = [f"{self.at:%H:%M:%S.%f}", self.path, self.kind, self.summary]
        if self.reply is not None:
            parts.append(f"-> {self.reply}")
        if self.changed:
            parts.append(f"changed {', '.join(self.changed)} by {self.difference}")
        if self.ended:
            parts.append(f"ended: {self.ended}")
        return f"{' '.join(parts)} ({self.seconds * 1000:.3f} ms)"


Sink = Callable[[TraceEvent], object]
"""Where trace events go. Called in the server's thread, which waits for it."""


def print_event(event: TraceEvent) -> None:
    """Print it in one line."""
    sys.stdout.write(f"{event}\n")


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """What `sys.trace` asks of a server."""

    sink: Sink
    count: int
    seconds: float | None


class Observer:
    """A tap that makes an event of each message and hands it on; a failure of its own ends it, not the server.

    The state is looked at before and after, so a watched server with a large state is a slow one.
    """

    def __init__(self, server: GenServer, sink: Sink) -> None:
        self._server, self._sink = server, sink
        self._is_over = False
        self._begun: tuple[float, dict[str, str]] | None = None

    def before(self, item: object) -> None:
        """Look at the state."""
        self._begun = None
        if isinstance(item, Sys) and item.op in _LOOKING:
            return
        self._safely(self._begin)

    def after(self, item: object, reply: object) -> None:
        """Hand on what happened."""
        if self._begun is None or self._is_over:
            return
        since, before = self._begun
        self._safely(lambda: self._observe(item, reply, since, before))

    def end(self) -> None:
        """Look no more."""
        self._is_over = True
        self._server.ref.process.detach(self)

    def _begin(self) -> None:
        self._begun = (self._server.clock.monotonic(), texts(self._server.format_state()))

    def _observe(self, item: object, reply: object, since: float, before: Mapping[str, str]) -> None:
        server = self._server
        seconds = server.clock.monotonic() - since
        changed, difference = compare(before, texts(server.format_state()))
        kind, content, name = _message(item)
        event = TraceEvent(
            at=server.clock.now(),
            path=server.path,
            kind=kind,
            message=name,
            summary=one_line(content) if kind is not MessageKind.SYS else name,
            reply=_reply(reply),
            changed=changed,
            difference=difference,
            seconds=seconds,
            ended=_end(reply),
        )
        self._sink(event)

    def _safely(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Killed:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a sink raises, the server goes on
            self._server.ref.process.check()
            self.end()
            self._server.events.emit("trace.failed", path=self._server.path, reason=describe(error))


class Trace(Observer):
    """An observer that stops after `count` events, or after `seconds`, whatever comes first."""

    def __init__(self, server: GenServer, request: TraceRequest) -> None:
        super().__init__(server, request.sink)
        self._left = request.count
        self._until = None if request.seconds is None else server.clock.monotonic() + request.seconds

    def before(self, item: object) -> None:
        """Look at the state, if there is time left."""
        if self._until is not None and self._server.clock.monotonic() >= self._until:
            self.end()
            return
        super().before(item)

    def _observe(self, item: object, reply: object, since: float, before: Mapping[str, str]) -> None:
        self._left -= 1
        if not self._left:
            self.end()
        super()._observe(item, reply, since, before)


class Log(Observer):
    """An observer that keeps the last events."""

    def __init__(self, server: GenServer, size: int) -> None:
        self.events: deque[TraceEvent] = deque(maxlen=size)
        super().__init__(server, self.events.append)


def _message(item: object) -> tuple[MessageKind, object, str]:
    if isinstance(item, Sys):
        return MessageKind.SYS, item.arg, item.op.value
    if isinstance(item, Call):
        return MessageKind.CALL, item.message, type(item.message).__name__
    if isinstance(item, Cast):
        return MessageKind.CAST, item.message, type(item.message).__name__
    return MessageKind.INFO, item, type(item).__name__


def _reply(reply: object) -> str | None:
    if not isinstance(reply, Raised):
        return None if reply is NOREPLY else type(reply).__name__
    return None if reply.is_end else type(reply.error).__name__


def _end(reply: object) -> str:
    if not isinstance(reply, Raised) or not reply.is_end:
        return ""
    return describe(reply.error.reason if isinstance(reply.error, Leave) else reply.error)
