"""What servers run in: their names, their tree, their time, and all else that could make a run differ."""

from __future__ import annotations

import random
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from actors.otp import calls
from actors.otp.child import ChildType
from actors.otp.errors import CallNotAllowed, CallTimeout, Killed, NoProc, StartError
from actors.otp.mailbox import Mailbox
from actors.otp.messages import IGNORE
from actors.otp.process import Process, ProcessInfo, acting
from actors.otp.promise import Promise
from actors.otp.reasons import NORMAL, ExitReason
from actors.otp.ref import Dest, Name, Ref
from actors.otp.registry import Registry
from actors.otp.reports import FailureCounts, Reports, SupervisionReport
from moomarkets.domain.clock import Clock
from moomarkets.domain.events import Events

if TYPE_CHECKING:
    from actors.otp.gen_server import GenServer


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a server: which, with what, where in the tree, and how long `init` may take."""

    server: type[GenServer]
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)
    path: str = ""
    name: str | None = None
    parent: Process | None = None
    timeout_s: float | None = 30.0
    restarts: int = 0
    last_exit: ExitReason | None = None


class Runtime(ABC):
    """Runs servers. Two runtimes in one process do not notice each other.

    Servers get threads, time, ids and chance only from here, so the same ones run on threads in production
    and step by step in a simulation. A subclass says how to run a server, how to wait, and where chance comes
    from.
    """

    def __init__(self, clock: Clock, events: Events) -> None:
        self.clock, self.events = clock, events
        self.registry = Registry()
        self.supervision = Reports(clock, events)
        self.waits_lock = threading.Lock()
        self._table: dict[str, Process] = {}

    # How it runs: for subclasses.

    @abstractmethod
    def launch(self, server: GenServer) -> None:
        """Begin to run the server's loop; returns at once."""

    @abstractmethod
    def wait_for(self, promise: Promise[Any], timeout_s: float | None) -> bool:
        """Wait until `promise` is settled, at most `timeout_s` by the clock; whether it is."""

    @abstractmethod
    def spawn(self, work: Callable[[], object], name: str) -> Promise[None]:
        """Run `work` beside the servers; the promise settles when it has ended."""

    @abstractmethod
    def new_id(self) -> uuid.UUID:
        """A fresh id."""

    @abstractmethod
    def random(self) -> random.Random:
        """A fresh source of chance."""

    def whereabouts(self, ref: Ref) -> str:
        """Where in the code the server is now, `file:line function`, innermost first; empty if that is not known."""
        return ""

    def new_mailbox(self, path: str, limit: int | None) -> Mailbox:
        """An inbox for the server at `path`."""
        return Mailbox(self.clock, path, limit)

    def serve(self, server: GenServer) -> None:
        """Run the server's whole life in the calling thread, or in what stands for one."""
        try:
            server._actor_loop()
        except Killed:
            # Woken in an empty mailbox: whoever killed it has told everybody.
            return

    def finish(self, work: Callable[[], object], ended: Promise[None]) -> None:
        """Run `work`, whatever it raises, and settle `ended`."""
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the border: it belongs to whoever holds the promise
            ended.fail(error)
        else:
            ended.resolve(None)

    # What it is asked for.

    def start(
        self,
        server: type[GenServer],
        /,
        *args: object,
        name: str | None = None,
        start_timeout_s: float | None = 30.0,
        **kwargs: object,
    ) -> Ref | None:
        """Start a server outside of any tree; returns when its `init` has ended, None if that ignored.

        Raises `StartError`: `AlreadyStarted` if a live server holds the name.
        """
        path = name or f"{server.__name__.lower()}-{self.new_id().hex[:8]}"
        return self.begin(Start(server, args, kwargs, path, name, timeout_s=start_timeout_s))

    def begin(self, start: Start) -> Ref | None:
        """Start a server as described; what supervisors use."""
        starter = acting()
        if starter is not None and starter.never_calls:
            raise CallNotAllowed(starter.path)
        process = Process(self, start.server, start.path, start.name, start.parent)
        process.restarts, process.last_exit = start.restarts, start.last_exit
        server = start.server(process, start.args, dict(start.kwargs))
        self._enter(process)
        with calls.waiting(starter, process):
            try:
                server._start_actor_loop()
            except RuntimeError as error:  # the machine has no thread left
                process.exit(error)
            if not self.wait_for(process.started, start.timeout_s):
                self._give_up(process)
        return None if process.started.result() is IGNORE else process.ref

    def call(self, dest: Dest, message: object, timeout_s: float = 5.0) -> Any:
        """`calls.call` from outside; a plain name means one of this runtime."""
        return calls.call(self._own(dest), message, timeout_s)

    def request(self, dest: Dest, message: object) -> Promise[Any]:
        """`calls.request` from outside."""
        return calls.request(self._own(dest), message)

    def cast(self, dest: Dest, message: object) -> None:
        """`calls.cast` from outside."""
        calls.cast(self._own(dest), message)

    def send(self, dest: Dest, message: object) -> None:
        """`calls.send` from outside."""
        calls.send(self._own(dest), message)

    def stop(self, dest: Dest, reason: ExitReason = NORMAL, timeout_s: float = 30.0) -> ExitReason:
        """`calls.stop` from outside."""
        return calls.stop(self._own(dest), reason, timeout_s)

    def kill(self, dest: Dest) -> bool:
        """`calls.kill` from outside."""
        return calls.kill(self._own(dest))

    def wait(self, dest: Dest, timeout_s: float | None = None) -> ExitReason:
        """Wait until the server has ended; its exit reason. `CallTimeout` if it goes on."""
        process = calls.find(self._own(dest))
        if process is None:
            raise NoProc(str(dest))
        if not self.wait_for(process.exited, timeout_s):
            raise CallTimeout(process.path, timeout_s or 0.0, process.describe_busy())
        return process.exited.result()

    def whereis(self, name: str) -> Ref | None:
        """The ref of the live server that holds `name`."""
        return self.registry.whereis(name)

    def named(self, name: str) -> Name:
        """An address that finds whoever holds `name` when a message is sent; good outside of servers too."""
        return Name(self, name)

    def tree(self) -> list[ProcessInfo]:
        """Every server, and every child that may come back, in order of start; asks nobody, takes no lock."""
        infos = [process.info() for process in list(self._table.values())]
        # A child that is started again keeps its place in the table.
        place = {info.path: number for number, info in enumerate(infos)}
        return sorted(infos, key=lambda info: [place.get(above, 0) for above in _line(info.path)])

    def roots(self) -> list[Ref]:
        """The live servers outside of any tree, or at the head of one, in order of their start."""
        return [process.ref for process in list(self._table.values()) if process.parent is None]

    def reports(self) -> list[SupervisionReport]:
        """What befell its servers lately: the last 200 reports, oldest first; takes no lock."""
        return self.supervision.latest()

    def failure_counts(self) -> dict[str, FailureCounts]:
        """How often servers were started again, crashed and were killed, by path, over all incarnations."""
        return self.supervision.counts()

    # What the framework reports.

    def left(self, process: Process) -> None:
        """`process` ended: forget it, unless a supervisor may start it again, and all that was below it."""
        if process.parent is None or process.parent.exited.is_done:
            self.forget(process.path, process)
        if process.server.child_type is not ChildType.SUPERVISOR:
            return
        below = f"{process.path}/"
        for path, other in list(self._table.items()):
            if path.startswith(below) and other.exited.is_done:
                self.forget(path, other)

    def at(self, path: str) -> Ref | None:
        """The newest incarnation at `path`, dead or alive."""
        process = self._table.get(path)
        return None if process is None else process.ref

    def forget(self, path: str, process: Process) -> None:
        """The child at `path` will not come back."""
        if self._table.get(path) is process:
            self._table.pop(path, None)

    def _enter(self, process: Process) -> None:
        try:
            if process.name is not None:
                self.registry.claim(process.name, process)
            if process.parent is not None:
                process.parent.adopt(process)
        except BaseException:
            process.exit(NORMAL)
            raise
        self._table[process.path] = process

    def _give_up(self, process: Process) -> None:
        # Whoever settles first decides: a server that was just in time has started.
        if process.started.fail(StartError(process.path, "timeout")):
            process.kill()

    def _own(self, dest: Dest) -> Dest:
        return Name(self, dest) if isinstance(dest, str) else dest


def _line(path: str) -> list[str]:
    """The path and those of all above it, from the head of its tree down."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
