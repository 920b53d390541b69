"""What looks on while a server works: told of each message, before its handler runs and when that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from actors.otp.process import Process


@dataclass(frozen=True, slots=True)
class Raised:
    """What a handler raised instead of returning: an error as the answer, or what ends the server."""

    error: BaseException
    is_end: bool


class Tap(Protocol):
    """Sits in `Process.taps`; runs in the server's thread, as part of the handler.

    What it raises ends the server, exactly as if the handler had raised it. A server that was killed tells it
    nothing more.
    """

    def before(self, item: object) -> None:
        """The server is about to handle `item`: a `Call`, a `Cast`, a `Sys`, or what came with `send`."""

    def after(self, item: object, reply: object) -> None:
        """The handler has ended; a caller has its reply already.

        `reply` is the answer to a call, `NOREPLY` where nobody waits or the answer comes later, or `Raised`.
        """


class SlowGuard:
    """Reports each handler that took longer than `most_s`; for servers that must not block."""

    def __init__(self, process: Process, most_s: float) -> None:
        self._process, self._most_s = process, most_s

    def before(self, item: object) -> None:
        """Nothing: the record notes what it is busy with, and since when."""

    def after(self, item: object, reply: object) -> None:
        process = self._process
        if process.busy is None:
            return
        message, since = process.busy
        seconds = process.runtime.clock.monotonic() - since
        if seconds > self._most_s:
            process.runtime.events.emit("server.slow", path=process.path, message=message, seconds=seconds)
