"""The runtime of production: one daemon thread for each server, named by its place in the tree."""

from __future__ import annotations

import random
import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from pathlib import PurePath
from types import FrameType
from typing import TYPE_CHECKING, Any

from actors.otp.errors import CallError
from actors.otp.process import enter
from actors.otp.promise import Promise
from actors.otp.reasons import SHUTDOWN
from actors.otp.ref import Ref
from actors.otp.runtime import Runtime
from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.events import Events, NoEvents

if TYPE_CHECKING:
    from actors.otp.gen_server import GenServer

_FRAMEWORK = "gen_server.py"
_INNERMOST = 3


class ThreadRuntime(Runtime):
    """Runs servers on threads.

    The threads are daemons: a process that exits without `close` is not held up by them.

    Example:
        >>> runtime = ThreadRuntime()
        >>> runtime.tree(), runtime.close()
        ([], [])
    """

    def __init__(self, clock: Clock | None = None, events: Events | None = None) -> None:
        super().__init__(clock or SystemClock(), events or NoEvents())
        self._threads: dict[threading.Thread, GenServer | None] = {}
        self._ended: dict[threading.Thread, None] = {}

    def launch(self, server: GenServer) -> None:
        self._run(lambda: self._serve(server), server.path, server)

    def wait_for(self, promise: Promise[Any], timeout_s: float | None) -> bool:
        if promise.is_done:
            return True
        gate = _Gate()
        deadline = None if timeout_s is None else self.clock.monotonic() + timeout_s
        forget_clock = self.clock.on_jump(gate.open)
        promise.subscribe(gate.open)
        try:
            while not promise.is_done:
                left = None if deadline is None else deadline - self.clock.monotonic()
                if left is not None and left <= 0:
                    break
                gate.wait(left)
        finally:
            forget_clock()
            promise.unsubscribe(gate.open)
        return promise.is_done

    def spawn(self, work: Callable[[], object], name: str) -> Promise[None]:
        ended: Promise[None] = Promise()
        self._run(lambda: self.finish(work, ended), name, None)
        return ended

    def new_id(self) -> uuid.UUID:
        return uuid.uuid4()

    def random(self) -> random.Random:
        return random.Random()  # noqa: S311 - spreads waits, guards nothing

    def whereabouts(self, ref: Ref) -> str:
        for thread, server in list(self._threads.items()):
            if server is not None and server.ref is ref:
                # Never kept whole: it holds this very frame, and with it the locals of every thread.
                frame = sys._current_frames().get(thread.ident or 0)
                return "" if frame is None else _places(frame)
        return ""

    def zombies(self) -> list[str]:
        """Paths of servers that were killed while busy and whose threads are still in there."""
        servers = [server for server in list(self._threads.values()) if server is not None]
        return [server.path for server in servers if server.ref.process.is_killed]

    def close(self, timeout_s: float = 10.0) -> list[str]:
        """Stop every tree, newest first, and wait for the threads, all in `timeout_s`; names of those that hang on."""
        for ref in reversed(self.roots()):
            try:
                self.stop(ref, SHUTDOWN, timeout_s)
            except CallError:
                ref.process.kill()
        here = threading.current_thread()
        threads = [thread for thread in (*self._threads, *self._ended) if thread is not here]
        # Threads end in real time, whatever clock the servers go by.
        real = SystemClock()
        until = real.monotonic() + timeout_s
        for thread in threads:
            thread.join(max(0.0, until - real.monotonic()))
        return [thread.name for thread in threads if thread.is_alive()]

    def _serve(self, server: GenServer) -> None:
        enter(server.ref.process)
        self.serve(server)

    def _run(self, work: Callable[[], object], name: str, server: GenServer | None) -> None:
        def run() -> None:
            try:
                work()
            finally:
                # It still has its last few instructions to go: `close` waits for those too.
                self._ended[thread] = None
                self._threads.pop(thread, None)

        for old in [thread for thread in list(self._ended) if not thread.is_alive()]:
            self._ended.pop(old, None)
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads[thread] = server
        try:
            thread.start()
        except RuntimeError:
            self._threads.pop(thread, None)
            raise


def _places(frame: FrameType) -> str:
    """The innermost three places of a handler, and the handler itself; what runs the handlers is left out."""
    places: list[str] = []
    for inner, line in traceback.walk_stack(frame):
        file = PurePath(inner.f_code.co_filename).name
        if file == _FRAMEWORK:
            break
        places.append(f"{file}:{line} {inner.f_code.co_name}")
    shown = places if len(places) <= _INNERMOST + 1 else [*places[:_INNERMOST], "...", places[-1]]
    return " < ".join(shown)


class _Gate:
    """Lets one thread wait and any other open; an opening is not lost, several count as one."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:
            # Open already.
            return

    def wait(self, seconds: float | None) -> None:
        self._lock.acquire(timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX))
