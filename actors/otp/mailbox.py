"""The inbox of a server: a system lane, an ordinary lane, and messages that are not due yet."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Final

from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.otp.errors import InboxFull, Killed, NoProc
from actors.otp.messages import Call, ReplyTo, Sys, SysOp
from actors.otp.reasons import NORMAL
from moomarkets.domain.clock import Clock

_PRUNE_FROM = 64


class Nothing:
    """The type of `NOTHING`."""


NOTHING: Final = Nothing()
"""What `take` returns when no message is due."""


class Timer:
    """A message that its own server will get later; see `GenServer.send_after`."""

    __slots__ = ("due", "is_over", "message", "serial")

    def __init__(self, due: float, serial: int, message: object) -> None:
        self.due, self.serial, self.message = due, serial, message
        self.is_over = False

    def __lt__(self, other: Timer) -> bool:
        return (self.due, self.serial) < (other.due, other.serial)

    def __deepcopy__(self, memo: dict[Hashable, object]) -> Timer:
        return self


class Mailbox:
    """Any thread puts, one server gets.

    The system lane goes first; the ordinary lane is first in, first out. Due timers join its end, so a timer
    needs no thread and dies with its server. A closed mailbox answers what is left, and what still comes,
    with `NoProc`. With a `limit` the ordinary lane refuses what others send (`InboxFull`) instead of blocking
    them; what the framework sends is never refused.

    Example:
        >>> from moomarkets.domain.clock import SystemClock
        >>> mailbox = Mailbox(SystemClock(), "root/example")
        >>> mailbox.push("second"), mailbox.push_system(Sys(SysOp.RESUME))
        (True, True)
        >>> mailbox.take().op.value, mailbox.take()
        ('resume', 'second')
    """

    def __init__(self, clock: Clock, path: str, limit: int | None = None) -> None:
        self._clock, self._path, self._limit = clock, path, limit
        self._lock = threading.Lock()
        self._gate = threading.Lock()
        self._gate.acquire()
        self._is_waiting = False
        self._system: deque[Sys] = deque()
        self._lane: deque[object] = deque()
        self._timers: list[Timer] = []
        self._serial = 0
        self._cancelled = 0
        self.is_closed = False
        self.is_suspended = False
        self._forget_clock: Callable[[], None] = clock.on_jump(self.wake)

    def __len__(self) -> int:
        return len(self._lane) + len(self._system)

    def push(self, item: object, *, is_bounded: bool = False) -> bool:
        """Queue in the ordinary lane; False if closed. Raises `InboxFull` if bounded and full."""
        with self._lock:
            if self.is_closed:
                return False
            if is_bounded and self._limit is not None and len(self._lane) >= self._limit:
                raise InboxFull(self._path, self._limit)
            self._lane.append(item)
            if self._is_waiting:
                self._is_waiting = False
                self._gate.release()
        return True

    def push_system(self, item: Sys) -> bool:
        """Queue ahead of everything ordinary; False if closed."""
        with self._lock:
            if self.is_closed:
                return False
            self._system.append(item)
            self._ring()
        return True

    def schedule(self, seconds: float, message: object) -> Timer:
        """Have `message` fall due in `seconds` (0 or more) by the clock."""
        with self._lock:
            self._serial += 1
            timer = Timer(self._clock.monotonic() + max(0.0, seconds), self._serial, message)
            if not self.is_closed:
                heapq.heappush(self._timers, timer)
                self._ring()
        return timer

    def cancel(self, timer: Timer) -> float | None:
        """Take a timer back: the seconds that were left, or None if its message was delivered or cancelled.

        Exact: afterwards its message does not arrive, even if it had joined the lane.
        """
        with self._lock:
            if timer.is_over:
                return None
            timer.is_over = True
            self._cancelled += 1
            if self._cancelled > _PRUNE_FROM and self._cancelled * 2 > len(self._timers):
                self._timers = [kept for kept in self._timers if not kept.is_over]
                heapq.heapify(self._timers)
                self._cancelled = 0
        return self._seconds_until(timer.due)

    def time_left(self, timer: Timer) -> float | None:
        """Seconds until `timer` falls due, or None if it is over."""
        return None if timer.is_over else self._seconds_until(timer.due)

    def discard(self, is_unwanted: Callable[[object], bool]) -> None:
        """Drop what waits in the ordinary lane and is unwanted."""
        with self._lock:
            self._lane = deque(item for item in self._lane if not is_unwanted(item))

    def take(self) -> object:
        """The next message without waiting, or `NOTHING`. Raises `Killed` once closed."""
        with self._lock:
            return self._take()

    def next_due(self) -> float | None:
        """When the next timer falls due, by the monotonic clock; None if there is none."""
        with self._lock:
            return self._next_due()

    def get(self) -> Envelope[Any]:
        """The next message for Pykka's loop; waits for it. Raises `Killed` once closed."""
        while True:
            with self._lock:
                item = self._take()
                if item is not NOTHING:
                    return Envelope(item)
                due = self._next_due()
                wait_s = -1.0 if due is None else self._seconds_until(due)
                self._is_waiting = True
            if not self._gate.acquire(timeout=wait_s):
                with self._lock:
                    # Somebody may have rung between the end of the wait and this lock: take that ring away.
                    if not self._is_waiting:
                        self._gate.acquire()
                    self._is_waiting = False

    def put(self, envelope: Envelope[Any]) -> None:
        """Pykka's own door (`tell`, `ask`, `stop` of an `ActorRef`): translated into ours."""
        message, future = envelope.message, envelope.reply_to
        reply_to = None
        if future is not None:
            reply_to = ReplyTo(None, {})
            reply_to.promise.subscribe(lambda: _forward(reply_to, future))
        if isinstance(message, _ActorStop):
            is_taken = self.push_system(Sys(SysOp.STOP, NORMAL, reply_to))
        else:
            item = message if reply_to is None else Call(message, reply_to)
            is_taken = self.push(item, is_bounded=True)
        if not is_taken and reply_to is not None:
            reply_to.fail(NoProc(self._path))

    def empty(self) -> bool:
        """Whether nothing waits; part of Pykka's contract of an inbox."""
        return not len(self)

    def wake(self) -> None:
        """Look at the clock again: it jumped."""
        with self._lock:
            self._ring()

    def close(self) -> None:
        """Take nothing more, answer everything left with `NoProc`, wake a waiting server with `Killed`."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            left = [*self._system, *self._lane]
            self._system.clear()
            self._lane.clear()
            self._timers.clear()
            self._ring()
        self._forget_clock()
        for item in left:
            if isinstance(item, Call | Sys) and item.reply_to is not None:
                item.reply_to.fail(NoProc(self._path))

    def _take(self) -> object:
        if self.is_closed:
            raise Killed
        if self._timers:
            self._move_due()
        if self._system:
            return self._system.popleft()
        while self._lane and not self.is_suspended:
            item = self._lane.popleft()
            if type(item) is not Timer:
                return item
            if not item.is_over:
                item.is_over = True
                return item.message
        return NOTHING

    def _move_due(self) -> None:
        now = self._clock.monotonic()
        while self._timers and (self._timers[0].is_over or self._timers[0].due <= now):
            timer = heapq.heappop(self._timers)
            if timer.is_over:
                self._cancelled = max(0, self._cancelled - 1)
            else:
                self._lane.append(timer)

    def _next_due(self) -> float | None:
        while self._timers and self._timers[0].is_over:
            heapq.heappop(self._timers)
            self._cancelled = max(0, self._cancelled - 1)
        return self._timers[0].due if self._timers else None

    def _seconds_until(self, due: float) -> float:
        return min(max(0.0, due - self._clock.monotonic()), threading.TIMEOUT_MAX)

    def _ring(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self._gate.release()


def _forward(reply_to: ReplyTo, future: Any) -> None:
    try:
        future.set(reply_to.promise.result())
    except BaseException as error:  # noqa: BLE001 - whatever the answer is, it belongs to the asker
        future.set_exception((type(error), error, error.__traceback__))
