"""The runtime of simulations: the same servers as in production, on one thread, in a world of virtual time."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pykka._envelope import Envelope

from actors.otp.errors import InboxFull
from actors.otp.mailbox import NOTHING, Mailbox, Timer
from actors.otp.messages import Sys
from actors.otp.process import Process
from actors.otp.promise import Promise
from actors.otp.ref import Ref
from actors.otp.runtime import Runtime
from actors.otp.simulation import InjectedCrash, Machine, SimClock, Simulation, Task
from moomarkets.domain.events import Events

if TYPE_CHECKING:
    from actors.otp.gen_server import GenServer


class SimRuntime(Runtime):
    """Runs servers as tasks of a simulation. Several runtimes in one simulation are several processes.

    Example:
        >>> from actors.otp.gen_server import GenServer
        >>> world = Simulation(seed=7)
        >>> runtime = SimRuntime(world, "node-1")
        >>> server = runtime.start(GenServer, name="clerk")
        >>> runtime.stop(server), world.now_s < 1
        ('normal', True)
    """

    def __init__(self, simulation: Simulation, name: str, events: Events | None = None) -> None:
        self.simulation, self.machine = simulation, Machine(name)
        self._sink = events
        self._tasks: dict[Process, Task] = {}
        super().__init__(SimClock(simulation, self.machine), _Noted(self))

    # What a runtime is asked for.

    def launch(self, server: GenServer) -> None:
        process = server.ref.process
        task = self.simulation.spawn(lambda: self.serve(server), process.path, self.machine, process)
        self._tasks[process] = task
        assert isinstance(process.mailbox, SimMailbox)
        process.mailbox.owner = task
        process.taps = (*process.taps, _Saboteur(self.simulation, task))

    def wait_for(self, promise: Promise[Any], timeout_s: float | None) -> bool:
        world = self.simulation
        task = world.current
        if task is None:
            return world.run(lambda: promise.is_done, timeout_s)
        until_s = None if timeout_s is None else world.now_s + timeout_s

        def wake() -> None:
            world.wake(task)

        promise.subscribe(wake)
        try:
            while not promise.is_done and (until_s is None or world.now_s < until_s):
                world.park(until_s)
        finally:
            promise.unsubscribe(wake)
        return promise.is_done

    def spawn(self, work: Callable[[], object], name: str) -> Promise[None]:
        ended: Promise[None] = Promise()
        self.simulation.spawn(lambda: self.finish(work, ended), name, self.machine)
        return ended

    def new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self.simulation.chance.getrandbits(128), version=4)

    def random(self) -> random.Random:
        return random.Random(self.simulation.chance.getrandbits(64))  # noqa: S311 - the seed is the point

    def new_mailbox(self, path: str, limit: int | None) -> Mailbox:
        return SimMailbox(self, path, limit)

    # What the world does to it.

    def crash(self, ref: Ref) -> None:
        """Let the server raise at its next step inside a handler, before or after its work."""
        task = self._tasks.get(ref.process)
        if task is not None:
            task.doom = InjectedCrash()

    def slow_down(self, ref: Ref, seconds: float) -> None:
        """Give the server no turn for so long: its handler has become slow."""
        task = self._tasks.get(ref.process)
        if task is not None:
            self.simulation.note(f"{task.name} is slow for {seconds:.3f} s")
            task.frozen_until = self.simulation.now_s + seconds

    def fill(self, ref: Ref, seconds: float) -> None:
        """Let the server's inbox refuse what others send, for so long."""
        assert isinstance(ref.process.mailbox, SimMailbox)
        self.simulation.note(f"{self.machine.name}:{ref.path} is full for {seconds:.3f} s")
        ref.process.mailbox.full_until = self.simulation.now_s + seconds

    def freeze(self, seconds: float) -> None:
        """Stop the whole process for so long, as SIGSTOP or a suspended machine does."""
        self.simulation.note(f"{self.machine.name} freezes for {seconds:.3f} s")
        self.machine.frozen_until = self.simulation.now_s + seconds

    def die(self) -> None:
        """End the whole process where it stands, as SIGKILL does: nothing of it runs on."""
        self.simulation.note(f"{self.machine.name} dies")
        self.machine.is_dead = True


class SimMailbox(Mailbox):
    """An inbox whose server gives up its turn between any two messages."""

    def __init__(self, runtime: SimRuntime, path: str, limit: int | None) -> None:
        super().__init__(runtime.clock, path, limit)
        self._world = runtime.simulation
        self.owner: Task | None = None
        self.full_until = 0.0

    def push(self, item: object, *, is_bounded: bool = False) -> bool:
        if is_bounded and self.full_until > self._world.now_s:
            raise InboxFull(self._path, 0)
        return self._rung(super().push(item, is_bounded=is_bounded))

    def push_system(self, item: Sys) -> bool:
        return self._rung(super().push_system(item))

    def schedule(self, seconds: float, message: object) -> Timer:
        timer = super().schedule(seconds, message)
        self._rung(True)
        return timer

    def get(self) -> Envelope[Any]:
        self._world.pause()
        while (item := self.take()) is NOTHING:
            self._world.park(self.next_due())
        return Envelope(item)

    def close(self) -> None:
        super().close()
        self._rung(True)

    def _rung(self, is_taken: bool) -> bool:
        if self.owner is not None:
            self._world.wake(self.owner)
        return is_taken


class _Saboteur:
    """Sits beside every server and makes a doomed one crash, before a message is handled or just after."""

    def __init__(self, simulation: Simulation, task: Task) -> None:
        self._simulation, self._task = simulation, task

    def before(self, item: object) -> None:
        if self._task.doom is not None and self._simulation.chance.random() < 0.5:
            self._simulation.strike(self._task)

    def after(self, item: object, reply: object) -> None:
        self._simulation.strike(self._task)


class _Noted:
    """Events as lines of the world, and to the sink of whoever looks on; a dead machine says nothing."""

    def __init__(self, runtime: SimRuntime) -> None:
        self._runtime = runtime

    def emit(self, name: str, /, **fields: object) -> None:
        runtime = self._runtime
        if runtime.machine.is_dead or runtime.simulation.is_over:
            return
        runtime.simulation.note(f"{runtime.machine.name} {name} {fields}")
        if runtime._sink is not None:
            runtime._sink.emit(name, **fields)
