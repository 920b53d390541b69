"""The record of one incarnation of a server: it outlives the actor, and ends it exactly once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from actors.otp.errors import CallFailed, Killed, StartError
from actors.otp.messages import Exit, Ignore, ReplyTo
from actors.otp.monitor import Monitor
from actors.otp.promise import Promise
from actors.otp.reasons import KILLED, ExitReason, describe
from actors.otp.ref import Ref
from actors.otp.taps import SlowGuard, Tap

if TYPE_CHECKING:
    from actors.otp.gen_server import GenServer
    from actors.otp.runtime import Runtime


class ProcessState(StrEnum):
    """What a server is doing."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    SUSPENDED = "suspended"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One line of the tree, read without a lock. `message` is the type of what it is busy with."""

    path: str
    server: str
    name: str | None
    state: ProcessState
    message: str
    busy_s: float
    queue: int
    handled: int
    restarts: int
    last_exit: str


class Process:
    """One incarnation of a server, from before its start until after its end.

    `started` settles when `init` has ended, `exited` when nobody can reach the server any more; its thread
    may live on for a moment, or for as long as it hangs if the server was killed.
    """

    def __init__(
        self,
        runtime: Runtime,
        server: type[GenServer],
        path: str,
        name: str | None = None,
        parent: Process | None = None,
    ) -> None:
        self.runtime, self.path, self.name, self.parent = runtime, path, name, parent
        self.server = server
        self.never_calls = server.never_calls
        self.mailbox = runtime.new_mailbox(path, server.inbox_limit)
        self.ref = Ref(self)
        self.started: Promise[Ignore | None] = Promise()
        self.exited: Promise[ExitReason] = Promise()
        self.busy: tuple[str, float] | None = None
        self.taps: tuple[Tap, ...] = ()
        if server.slow_after_s is not None:
            self.taps = (SlowGuard(self, server.slow_after_s),)
        self.handled = 0
        self.restarts = 0
        self.last_exit: ExitReason | None = None
        self.is_killed = False
        self.is_ignored = False
        self.is_restarting = False
        self.waiting_for: Process | None = None
        # Dicts, not sets: who is told in which order must not depend on where objects lie in memory.
        self.unanswered: dict[ReplyTo, None] = {}
        self.watching: dict[Monitor, None] = {}
        self._monitors: dict[Monitor, None] = {}
        self._children: dict[Process, None] = {}
        self._lock = threading.Lock()
        self._is_leaving = False

    def check(self) -> None:
        """Raise `Killed` in the thread of a server that was killed."""
        if self.is_killed:
            raise Killed

    def adopt(self, child: Process) -> None:
        """Take responsibility for `child`; raises `Killed` if this one is ending."""
        with self._lock:
            if self.is_killed or self._is_leaving:
                raise Killed
            self._children[child] = None

    def disown(self, child: Process) -> None:
        """Forget a child that ended."""
        with self._lock:
            self._children.pop(child, None)

    def add_monitor(self, monitor: Monitor) -> bool:
        """Have `monitor` told of the end; False if that is over."""
        with self._lock:
            if self._is_leaving:
                return False
            self._monitors[monitor] = None
            return True

    def remove_monitor(self, monitor: Monitor) -> None:
        """Do not tell `monitor`."""
        with self._lock:
            self._monitors.pop(monitor, None)

    def attach(self, tap: Tap) -> None:
        """Have `tap` told of each message from the next one on."""
        with self._lock:
            self.taps = (*self.taps, tap)

    def detach(self, tap: Tap) -> None:
        """Do not tell `tap` any more."""
        with self._lock:
            self.taps = tuple(other for other in self.taps if other is not tap)

    def kill(self) -> bool:
        """Give the server up, with all below it: fenced, unreachable, no `terminate`. False if it is over.

        A thread that is inside a handler lives on until its next framework call, which raises `Killed`.
        """
        with self._lock:
            if self.is_killed or self._is_leaving:
                return False
            self.is_killed = True
        busy = "" if self.busy is None else self.busy[0]
        self.runtime.supervision.add("server.killed", self.path, self.restarts, KILLED, busy=busy)
        return self.exit(KILLED)

    def exit(self, reason: ExitReason) -> bool:
        """End this incarnation, once, whoever comes first: False for everybody else.

        The order is a promise: the name is free before `exited` is set, that before any `Down`, and that
        before the parent hears of it.
        """
        with self._lock:
            if self._is_leaving:
                return False
            self._is_leaving = True
            monitors = list(self._monitors)
            children = list(self._children)
        # What its supervisor left behind must not live on beside what the parent starts anew.
        for child in reversed(children):
            child.kill()
        self.mailbox.close()
        if self.name is not None:
            self.runtime.registry.release(self.name, self)
        self.last_exit = reason
        self.runtime.left(self)
        for reply_to in list(self.unanswered):
            reply_to.fail(CallFailed(self.path, reason))
        try:
            self.exited.resolve(reason)
        except BaseException as error:  # noqa: BLE001 - somebody else's hook; who watches must hear of this end
            self.runtime.events.emit("hook.failed", path=self.path, error=type(error).__name__)
        self._tell(reason, monitors)
        return True

    def info(self) -> ProcessInfo:
        """What it is doing, without asking it."""
        busy = self.busy
        busy_s = 0.0 if busy is None else max(0.0, self.runtime.clock.monotonic() - busy[1])
        return ProcessInfo(
            path=self.path,
            server=self.server.__name__,
            name=self.name,
            state=self._state(),
            message="" if busy is None else busy[0],
            busy_s=busy_s,
            queue=len(self.mailbox),
            handled=self.handled,
            restarts=self.restarts,
            last_exit="" if self.last_exit is None else describe(self.last_exit),
        )

    def describe_busy(self) -> str:
        """What it is busy with and since when; empty if idle."""
        busy = self.busy
        return "" if busy is None else f"{busy[0]} for {self.runtime.clock.monotonic() - busy[1]:.1f} s"

    def __repr__(self) -> str:
        return f"<Process {self.path}>"

    def _tell(self, reason: ExitReason, monitors: list[Monitor]) -> None:
        for monitor in monitors:
            monitor.watcher.watching.pop(monitor, None)
            monitor.report(reason)
        for monitor in list(self.watching):
            if monitor.target is not None:
                monitor.target.remove_monitor(monitor)
        if self.parent is not None:
            self.parent.disown(self)
            # Of a child that did not start, the supervisor keeps no ref: it passes over this.
            self.parent.mailbox.push(Exit(self.ref, reason))
        if self.is_ignored:
            self.started.resolve(Ignore.IGNORE)
        else:
            self.started.fail(StartError(self.path, reason))

    def _state(self) -> ProcessState:
        if self.exited.is_done:
            return ProcessState.RESTARTING if self.is_restarting else ProcessState.STOPPED
        if not self.started.is_done:
            return ProcessState.STARTING
        if self.mailbox.is_suspended:
            return ProcessState.SUSPENDED
        return ProcessState.IDLE if self.busy is None else ProcessState.BUSY


class _Here(threading.local):
    """Which server the current thread is running; each thread sees its own value."""

    process: Process | None = None


_HERE: Final = _Here()


def acting() -> Process | None:
    """The server whose code is running here, None outside of one. Raises `Killed` if it was killed."""
    process = _HERE.process
    if process is not None and process.is_killed:
        raise Killed
    return process


def enter(process: Process | None) -> Process | None:
    """Declare whose code runs in this thread from now on; returns whose it was. For runtimes only."""
    before, _HERE.process = _HERE.process, process
    return before
