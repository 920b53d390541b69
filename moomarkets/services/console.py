"""What a person at a prompt asks of the actors and does to them: look, trace, suspend, restart, kill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

from actors.otp import sys
from actors.otp.administration import cycle_child
from actors.otp.child import ChildType
from actors.otp.dynamic_supervisor import DynamicSupervisor
from actors.otp.errors import CallTimeout, ChildProblem, ChildRefused, NoProc
from actors.otp.process import Process, ProcessInfo, ProcessState
from actors.otp.ref import Ref
from actors.otp.reports import SupervisionReport
from actors.otp.sys import State
from actors.otp.thread_runtime import ThreadRuntime
from actors.otp.trace import Log, TraceEvent
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Conflict, MoomarketsError
from moomarkets.services.actor_handle import ActorHandle
from moomarkets.services.actor_paths import NoSuchActor, find_actor
from moomarkets.services.event_views import EventsView, LiveTrace
from moomarkets.services.top_view import TopView
from moomarkets.services.tree_view import TreeView

ROOT: Final = "root"
STUCK_AFTER_S: Final = 1.0
"""Who has been at one message for longer is not waited for."""
LOOK_EVERY_S: Final = 0.02
PATIENCE_S: Final = 5.0
LOG_SIZE: Final = 50

_IN_BETWEEN: Final = (ProcessState.STARTING, ProcessState.RESTARTING, ProcessState.STOPPED)

T = TypeVar("T")


class ActorBusy(MoomarketsError):
    """A server does not answer: it has been at one message for long. Says at which, since when, and where it is.

    `busy_s` counts from the start of that message; `where` is empty where that is not known.
    """

    def __init__(self, path: str, message: str, busy_s: float, since: str, where: str) -> None:
        super().__init__(path, message, busy_s, since, where)
        self.path, self.message, self.busy_s, self.since, self.where = path, message, busy_s, since, where

    def __str__(self) -> str:
        at = f"; it is at {self.where}" if self.where else ""
        return (
            f"{self.path}: expected an answer, got none: busy with {self.message} for {self.busy_s:.1f} s, "
            f"since {self.since}{at}"
        )


class ActorDown(MoomarketsError):
    """A server that is in the tree does not run now: it is being restarted, or was stopped."""

    def __init__(self, info: ProcessInfo) -> None:
        super().__init__(info)
        self.info = info

    def __str__(self) -> str:
        why = f", last exit {self.info.last_exit}" if self.info.last_exit else ""
        return f"{self.info.path}: expected a running server, got one that is {self.info.state}{why}"


class Console:
    """Looks at the actors of one runtime and operates them; each verb takes a place in the tree or a name.

    `core/manager`, `root/core/manager` and `manager` all mean the manager. To look (`tree`, `top`, `info`) and to
    `kill` asks no server anything, so that works when all are stuck. What needs an answer waits for a server that
    works, and fails at once (`ActorBusy`) for one that has been at one message for more than a second. Ctrl-C ends
    any wait.

    Example:
        >>> from actors.otp.gen_server import GenServer
        >>> runtime = ThreadRuntime()
        >>> _ = runtime.start(GenServer, name="clerk")
        >>> Console(runtime).info("clerk").state, runtime.close()
        (<ProcessState.IDLE: 'idle'>, [])
    """

    def __init__(self, runtime: ThreadRuntime) -> None:
        self.runtime = runtime
        self._traces: dict[str, LiveTrace] = {}
        self.actors = ActorHandle(self, ROOT)
        """The root as a handle: `actors.core.manager`, `actors["core/executors/x0"]`, with Tab and `?`."""

    # Looking: asks nobody.

    def tree(self, path: str = "") -> TreeView:
        """The supervision tree as it is now, or the part from `path` down; drawn when shown."""
        infos = self.runtime.tree()
        return TreeView(infos) if not path else _part(infos, find_actor(infos, path).path)

    def top(self, most: int | None = None) -> TopView:
        """All servers with totals, the longest at one message first, then the longest queue; at most so many lines."""
        return TopView(self.runtime.tree(), self.runtime.zombies(), most)

    def info(self, path: str) -> ProcessInfo:
        """One line of the tree as data."""
        return find_actor(self.runtime.tree(), path)

    def reports(self, most: int | None = None) -> EventsView[SupervisionReport]:
        """What befell the servers lately, oldest first: starts, ends, crashes, kills; at most the last 200."""
        reports = self.runtime.reports()
        return EventsView(reports if most is None else reports[-most:], "nothing has happened yet")

    def settle(self, timeout_s: float = 10.0) -> TreeView:
        """Wait until no server is being ended or started, at most `timeout_s`; returns the tree as it is then."""
        clock = self.runtime.clock
        deadline = clock.monotonic() + timeout_s
        while not self._is_settled() and clock.monotonic() < deadline:
            CancelToken().sleep(LOOK_EVERY_S)
        return self.tree()

    # Asking.

    def state(self, path: str, timeout_s: float = PATIENCE_S) -> State:
        """A deep copy of the server's state, secrets replaced; a supervisor's is its strategy, budget and children.

        Raises:
            ActorBusy: it has been at one message for more than a second, or gives no answer within `timeout_s`.
        """
        return self._ask(path, lambda ref, left_s: sys.get_state(ref, left_s), timeout_s)

    def replace_state(self, path: str, change: Callable[[State], State], timeout_s: float = PATIENCE_S) -> None:
        """Run `change` in the server on a copy of its public attributes, and take over what it returns.

        If `change` raises, that error is raised here and the state stays as it was.
        """
        self._ask(path, lambda ref, left_s: sys.replace_state(ref, change, left_s), timeout_s)

    def suspend(self, path: str, timeout_s: float = PATIENCE_S) -> None:
        """Let the server handle nothing but `state`, `resume` and the like; messages queue up meanwhile."""
        self._ask(path, lambda ref, left_s: sys.suspend(ref, left_s), timeout_s)

    def resume(self, path: str, timeout_s: float = PATIENCE_S) -> None:
        """End a suspension; what has queued up is handled in its order."""
        self._ask(path, lambda ref, left_s: sys.resume(ref, left_s), timeout_s)

    def trace(self, path: str, n: int = 10, seconds: float | None = None) -> LiveTrace:
        """Print the next `n` messages that the server handles, as they come; ends by itself, also after `seconds`.

        Each line tells when, how and which message came, the reply, which attributes changed, and how long it took.
        Returns at once; what came stays in the result. One trace of a server at a time: a new one ends the old.
        """

        def begin(ref: Ref, left_s: float) -> Ref:
            sys.trace(ref, live.take, count=n, seconds=seconds, timeout_s=left_s)
            return ref

        live = LiveTrace(self._process(path).path, n)
        exited = self._ask(path, begin, PATIENCE_S).process.exited
        before, self._traces[live.path] = self._traces.get(live.path), live
        if before is not None:
            before.end()
        exited.subscribe(live.end)

        def show() -> None:
            live.print_all(self.runtime.clock, seconds)
            exited.unsubscribe(live.end)

        self.runtime.spawn(show, f"console/trace/{path}")
        return live

    def log(self, path: str, size: int | None = None) -> EventsView[TraceEvent]:
        """The last messages that the server has handled, kept from the first call on: 50 of them, or `size`.

        A `size` begins anew, 0 ends it. What was kept is lost when the server restarts.
        """

        def look(ref: Ref, left_s: float) -> list[TraceEvent]:
            is_kept = any(isinstance(tap, Log) for tap in ref.process.taps)
            if size is not None or not is_kept:
                sys.log(ref, LOG_SIZE if size is None else size, left_s)
            return sys.get_log(ref, left_s)

        kept = "its messages are not kept" if size == 0 else "nothing yet, its messages are kept from now on"
        return EventsView(self._ask(path, look, PATIENCE_S), f"{self._process(path).path}: {kept}")

    # Ending and starting again.

    def kill(self, path: str) -> TreeView:
        """Give the server up at once, with all below it, without its clean-up; returns what was killed.

        Its supervisor starts it again, as after a crash: that costs one restart of its budget, and takes along
        whoever would fall with it. Nobody starts the root again: the system ends. A thread that is busy lives on,
        fenced, until it comes back. Empty if the server did not run.
        """
        infos = self.runtime.tree()
        found = find_actor(infos, path)
        ref = self.runtime.at(found.path)
        is_killed = ref is not None and self.runtime.kill(ref)
        return _part(infos, found.path) if is_killed else TreeView([])

    def restart(self, path: str, timeout_s: float = 60.0) -> TreeView:
        """End the server in order and start it again, at no cost to a budget; returns what was started anew.

        Whoever would fall with it in a crash is restarted too: below a rest_for_one supervisor those after it, which
        would go on with what the old one knew; and below one that has no restarts to spend, the supervisor itself.
        A busy server gets its shutdown time (5 s), then it is killed. Work under way is interrupted and taken up again.

        Raises:
            Conflict: it is the root, or a child that its supervisor does not start again.
            ActorBusy: its supervisor is stuck.
        """
        process = self._process(path)
        while True:
            parent = process.parent
            if parent is None:
                raise Conflict(f"{process.path}: nobody restarts the root; stop the system and start it again")
            if issubclass(parent.server, DynamicSupervisor):
                raise _started_on_demand(process.path)
            if parent.mailbox.is_suspended:
                raise Conflict(f"{parent.path}: expected a supervisor at work, got one that is suspended; resume it")
            # Where one crash is one too many, the supervisor is what is restarted.
            if self.state(parent.path, timeout_s).get("max_restarts") != 0:
                break
            process = parent
        child_id = process.path.rpartition("/")[2]
        try:
            paths = self._ask(parent.path, lambda ref, left_s: cycle_child(ref, child_id, left_s), timeout_s)
        except ChildRefused as refusal:
            if refusal.problem is ChildProblem.TEMPORARY:
                raise _started_on_demand(process.path) from None
            raise
        infos = self.runtime.tree()
        return TreeView([line for one in paths for line in _part(infos, one)])

    # How it waits.

    def _ask(self, path: str, question: Callable[[Ref, float], T], timeout_s: float) -> T:
        """Put the question to whoever lives at `path`; one that is being restarted is waited for too."""
        clock = self.runtime.clock
        deadline = clock.monotonic() + timeout_s
        while True:
            left_s = max(0.0, deadline - clock.monotonic())
            try:
                ref = self._process(path).ref
                self._refuse_if_stuck(ref.process if ref.is_alive else ref.process.parent)
                return question(ref, left_s)
            except CallTimeout:
                self._refuse_if_stuck(ref.process, 0.0)
                raise
            except NoProc:
                if left_s <= 0:
                    raise ActorDown(ref.process.info()) from None
            except NoSuchActor:
                if left_s <= 0 or not self._is_changing():
                    raise
            CancelToken().sleep(LOOK_EVERY_S)

    def _is_changing(self) -> bool:
        """Whether a supervisor ends or starts others just now: what is not there may come back with it."""
        infos = [process.info() for process in self._supervisors()]
        return any(info.state in _IN_BETWEEN or (info.message and info.busy_s <= STUCK_AFTER_S) for info in infos)

    def _is_settled(self) -> bool:
        is_idle = all(process.busy is None for process in self._supervisors())
        return is_idle and not any(info.state in _IN_BETWEEN for info in self.runtime.tree())

    def _supervisors(self) -> list[Process]:
        refs = [self.runtime.at(info.path) for info in self.runtime.tree()]
        return [ref.process for ref in refs if ref and ref.process.server.child_type is ChildType.SUPERVISOR]

    def _refuse_if_stuck(self, process: Process | None, after_s: float = STUCK_AFTER_S) -> None:
        busy = None if process is None else process.busy
        if process is None or busy is None:
            return
        clock = self.runtime.clock
        busy_s = clock.monotonic() - busy[1]
        if busy_s > after_s:
            since = f"{clock.now() - timedelta(seconds=busy_s):%H:%M:%S} UTC"
            raise ActorBusy(process.path, busy[0], busy_s, since, self.runtime.whereabouts(process.ref))

    def _process(self, path: str) -> Process:
        ref = self.runtime.at(find_actor(self.runtime.tree(), path).path)
        # None: it has left between the two looks; then a third one finds nobody, and says so.
        return self._process(path) if ref is None else ref.process


def _part(infos: list[ProcessInfo], path: str) -> TreeView:
    return TreeView([info for info in infos if info.path == path or info.path.startswith(f"{path}/")])


def _started_on_demand(path: str) -> Conflict:
    return Conflict(
        f"{path}: expected a child that its supervisor starts again, got one that is started on demand; "
        f"kill it, and whoever needs it next starts a new one"
    )
