"""What the main thread of the supervisor waits for: signals, the end of the tree, and changes to show."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from actors.otp.promise import Promise
from actors.otp.runtime import Runtime
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.exit_codes import ExitCode

T = TypeVar("T")

LAST_WORDS_S = 1.0
CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Wakes:
    """One socket through which all of them wake the main thread.

    Signals are heard by a thread of their own, for Python runs handlers in the main thread alone, and that may be
    waiting for a lock. Once `limit_stop` has said how long a stop may take, whatever still hangs then is cut off.

    Example:
        >>> wakes = Wakes()
        >>> wakes.end()
        >>> wakes.wait(None)
        >>> wakes.is_over, wakes.is_stopped
        (True, False)
        >>> wakes.close()
    """

    def __init__(self) -> None:
        self._runtime = ThreadRuntime()
        self._read, self._write = _pair()
        self._heard, self._signals = _pair()
        self.is_stopped = False
        self.is_ended = False
        self.over: Promise[None] = Promise()
        """Settles when there is a reason to stop."""
        self._is_closed = False
        self._hearing: Promise[None] | None = None
        self._limit_s: float | None = None
        self._deadline: float | None = None
        self._last_words: Callable[[], object] = _nothing

    @property
    def is_over(self) -> bool:
        """Whether there is a reason to stop."""
        return self.over.is_done

    def catch_signals(self) -> None:
        """The first signal asks for an orderly stop, the second ends the process at once."""
        self._hearing = self._runtime.spawn(self._hear, "signals")
        signal.set_wakeup_fd(self._signals.fileno(), warn_on_full_buffer=False)
        for number in CAUGHT:
            # Started by nohup, it is to outlive its terminal.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _noted)

    def limit_stop(self, seconds: float, last_words: Callable[[], object]) -> None:
        """How long a stop may take; `last_words` are said before what hangs is cut off."""
        self._limit_s, self._last_words = seconds, last_words
        if self.is_stopped:
            self.begin_stop()

    def begin_stop(self, limit_s: float | None = None) -> None:
        """The time of the stop runs from now on, if it does not yet; by default as long as `limit_stop` said."""
        limit_s = self._limit_s if limit_s is None else limit_s
        if limit_s is not None and self._deadline is None:
            self._deadline = self._runtime.clock.monotonic() + limit_s
            _poke(self._signals)

    def end(self) -> None:
        """The tree has ended. Noted before the wake, which a full socket may swallow."""
        self.is_ended = True
        self.over.resolve(None)
        self.wake()

    def wake(self) -> None:
        """Wake the main thread; a full socket has woken it already."""
        _poke(self._write)

    def wait(self, timeout_s: float | None) -> None:
        """Wait for any of them, at most `timeout_s`."""
        if not self.is_stopped and select.select([self._read], [], [], timeout_s)[0]:
            self._read.recv(4096)

    def close(self) -> None:
        """Nothing is heard any more, and no limit holds."""
        self._is_closed = True
        if self._hearing is not None:
            for number in CAUGHT:
                # All is done: a signal while the interpreter takes itself down must not change how this ended.
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(-1)
            _poke(self._signals)
            self._runtime.wait_for(self._hearing, LAST_WORDS_S)
        for end in (self._read, self._write, self._heard, self._signals):
            end.close()

    def _hear(self) -> None:
        """Take signals as they come, and end the process when a stop takes too long."""
        while not self._is_closed:
            deadline = self._deadline
            left_s = None if deadline is None else max(0.0, deadline - self._runtime.clock.monotonic())
            if select.select([self._heard], [], [], left_s)[0]:
                for number in self._heard.recv(64):
                    if number:
                        self._on_signal()
            elif not self._is_closed:
                self._cut_off()

    def _on_signal(self) -> None:
        if self.is_stopped:
            os._exit(ExitCode.INTERRUPTED)
        self.is_stopped = True
        self.over.resolve(None)
        self.begin_stop()
        self.wake()

    def _cut_off(self) -> None:
        """The stop itself hangs: end now; leases expire, and others take over."""
        try:
            # Whoever reads what is said may hang as well.
            self._runtime.wait_for(self._runtime.spawn(self._last_words, "last words"), LAST_WORDS_S)
        finally:
            os._exit(ExitCode.GAVE_UP)


class Aside:
    """Asks the database in threads beside the main one, which a database that hangs must not make deaf."""

    def __init__(self, runtime: Runtime, wakes: Wakes) -> None:
        self._runtime, self._wakes = runtime, wakes

    def get(self, work: Callable[[], T]) -> T | None:
        """What `work` returns; None as soon as there is a reason to stop, though `work` goes on."""
        over = self._wakes.over
        if over.is_done:
            return None
        done, found = self._begin(work)
        first: Promise[None] = Promise()

        def settle() -> None:
            first.resolve(None)

        done.subscribe(settle)
        over.subscribe(settle)
        self._runtime.wait_for(first, None)
        over.unsubscribe(settle)
        if not done.is_done:
            return None
        done.result()
        return found[0]

    def get_within(self, seconds: float, work: Callable[[], T]) -> T:
        """What `work` returns; `StoreUnavailable` when it takes longer."""
        done, found = self._begin(work)
        if not self._runtime.wait_for(done, seconds):
            raise StoreUnavailable(f"database: expected an answer within {seconds:g} s, got none")
        done.result()
        return found[0]

    def _begin(self, work: Callable[[], T]) -> tuple[Promise[None], list[T]]:
        found: list[T] = []
        return self._runtime.spawn(lambda: found.append(work()), "look"), found


def _pair() -> tuple[socket.socket, socket.socket]:
    """Where something is read, and where it is written; neither ever blocks."""
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    return ends


def _poke(end: socket.socket) -> None:
    """Wake whoever reads at the other end; one that is full or closed needs no wake."""
    try:
        end.send(b"\0")
    except OSError:
        return


def _noted(number: int, frame: FrameType | None) -> None:
    """The number of the signal has gone to the thread that hears them."""


def _nothing() -> None:
    """No last words."""
