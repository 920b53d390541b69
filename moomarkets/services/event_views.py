"""Shows what servers have handled and what befell them: one line for each, as data and as text."""

from __future__ import annotations

import html
import queue
import sys
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from actors.otp.reports import SupervisionReport
from actors.otp.trace import TraceEvent
from moomarkets.domain.clock import Clock

E = TypeVar("E", TraceEvent, SupervisionReport)


class EventsView(Sequence[E], Generic[E]):
    """Events as data, oldest first; a line for each when shown, or `nothing` in words where there is none.

    Example: `system.reports()`, `system.log("manager")` in a console
    """

    def __init__(self, events: Sequence[E], nothing: str) -> None:
        self._events: list[E] = list(events)
        self._nothing = nothing

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # one event or a slice of them
        return self._events[index]

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        """The lines for a notebook."""
        return f"<pre>{html.escape(repr(self))}</pre>"

    def _lines(self) -> Iterator[str]:
        yield from (line_of(event) for event in self._events)
        if not self._events:
            yield self._nothing


class LiveTrace(EventsView[TraceEvent]):
    """The messages of one server as they come: printed by a thread of its own, so that a slow screen delays nobody.

    It is over after `count` messages, or when the server ends; what came stays here.

    Example: `system.trace("manager")` in a console
    """

    def __init__(self, path: str, count: int) -> None:
        super().__init__([], "")
        self.path, self._count = path, count
        self._new: queue.SimpleQueue[TraceEvent | None] = queue.SimpleQueue()
        self.is_over = False

    def take(self, event: TraceEvent) -> None:
        """One more message; runs in the server's thread."""
        self._events.append(event)
        self._new.put(event)
        if len(self._events) == self._count:
            self.end()

    def end(self) -> None:
        """No more is to come."""
        self._new.put(None)

    def print_all(self, clock: Clock, seconds: float | None) -> None:
        """Print each message, until there are no more to come or the time is over."""
        until = None if seconds is None else clock.monotonic() + seconds
        try:
            while True:
                left_s = None if until is None else max(0.0, until - clock.monotonic())
                if (event := self._new.get(timeout=left_s)) is None:
                    return
                sys.stdout.write(f"{line_of(event)}\n")
                sys.stdout.flush()
        except queue.Empty:
            return
        finally:
            self.is_over = True

    def _lines(self) -> Iterator[str]:
        yield from super()._lines() if self._events else ()
        state = "ended" if self.is_over else "going on"
        yield f"{self.path}: {len(self._events)} of {self._count} messages traced, {state}"


def line_of(event: TraceEvent | SupervisionReport) -> str:
    """An event in one line.

    Example:
        >>> from datetime import UTC, datetime
        >>> at = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
        >>> line_of(SupervisionReport(at, "server.killed", "root/core/manager", "killed", 2))
        '07:30:00  server.killed        root/core/manager  killed  2 restarts before'
    """
    if isinstance(event, TraceEvent):
        return str(event)
    restarts = f"{event.restarts} restart{'' if event.restarts == 1 else 's'} before" if event.restarts else ""
    parts = (f"{event.at:%H:%M:%S}", f"{event.name:<19}", event.path, event.reason, restarts)
    return "  ".join(part for part in parts if part)
