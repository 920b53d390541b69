"""A world with virtual time on one thread: a seed decides whose turn it is, so that every life can be lived again."""

from __future__ import annotations

import heapq
import random
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from greenlet import GreenletExit, getcurrent, greenlet

from actors.otp.process import Process, enter

STEP_S: Final = 0.0005
"""How long a step lasts on average: nothing in the world happens at the same instant."""

START: Final = datetime(2026, 11, 20, tzinfo=UTC)
REMEMBERED_LINES: Final = 2000


class InjectedCrash(Exception):
    """Raised inside a server because the simulation wanted it to crash."""


@dataclass(eq=False)
class Machine:
    """What falls and freezes together: one process of the simulated world. Its boot clock may be off by `skew_s`."""

    name: str
    skew_s: float = 0.0
    is_dead: bool = False
    frozen_until: float = 0.0


class SimClock:
    """The world's time as one machine sees it."""

    def __init__(self, simulation: Simulation, machine: Machine) -> None:
        self._simulation, self._machine = simulation, machine

    def now(self) -> datetime:
        return self._simulation.wall(self._machine.skew_s)

    def monotonic(self) -> float:
        return self._simulation.now_s

    def boottime(self) -> float:
        return self._simulation.now_s

    def sql_now(self) -> datetime | None:
        return self._simulation.wall(self._simulation.database_skew_s)

    def on_jump(self, wake: Callable[[], None]) -> Callable[[], None]:
        return _nothing


@dataclass(eq=False)
class Task:
    """One flow of control: a server, an attempt, or whatever else a thread would run."""

    name: str
    machine: Machine
    process: Process | None
    flow: greenlet = field(init=False)
    is_ready: bool = False
    parkings: int = 0
    frozen_until: float = 0.0
    doom: BaseException | None = None


class Simulation:
    """Runs tasks one at a time, each until it waits; time passes between the steps, and jumps when all wait.

    A step is what happens between two waits. The calling code is outside of the world: it starts tasks, lets the
    world run, and looks at it. The same seed, and the same calls from outside, give the same steps.

    Example:
        >>> world, said = Simulation(seed=1), []
        >>> _ = world.spawn(lambda: (world.sleep(3600), said.append(world.now_s >= 3600)), "sleeper", Machine("m"))
        >>> world.run_for(7200)
        >>> said
        [True]
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - the seed is the point
        self.now_s = 0.0
        self.database_skew_s = 0.0
        self.steps = 0
        self.digest = 0
        self.current: Task | None = None
        self.on_step: Callable[[Task], None] = _ignore
        self.lines: deque[str] = deque(maxlen=REMEMBERED_LINES)
        self._outside = getcurrent()
        self._serials = count(1)
        self._ready: list[Task] = []
        self._timers: list[tuple[float, int, Task, int]] = []
        self._tasks: dict[Task, None] = {}
        self._is_over = False

    # For what runs in the world.

    def spawn(self, work: Callable[[], object], name: str, machine: Machine, process: Process | None = None) -> Task:
        """A new task; it has its first turn some time later."""
        task = Task(f"{machine.name}:{name}", machine, process)
        task.flow = greenlet(lambda: self._live(task, work), parent=self._outside)
        self._tasks[task] = None
        self.wake(task)
        return task

    def wake(self, task: Task) -> None:
        """Let a waiting task look again at what it waits for."""
        if not task.is_ready:
            task.is_ready = True
            self._ready.append(task)

    def park(self, until_s: float | None = None) -> None:
        """Give up the turn until woken, or until that time; the caller checks what it waited for."""
        task = self._acting()
        task.parkings += 1
        if until_s is not None:
            heapq.heappush(self._timers, (until_s, next(self._serials), task, task.parkings))
        self._outside.switch()
        # A task may be woken more often than it waits: what rang before is over.
        task.parkings += 1
        if self._is_over:
            raise GreenletExit
        if task.doom is not None and task.process is not None and task.process.busy is not None:
            self.strike(task)

    def pause(self) -> None:
        """Let others have a turn first, perhaps."""
        self.wake(self._acting())
        self.park()

    def sleep(self, seconds: float) -> None:
        """Wait for virtual seconds."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.park(until_s)

    def strike(self, task: Task) -> None:
        """Raise what the task is doomed to, if it is."""
        doom, task.doom = task.doom, None
        if doom is not None:
            self.note(f"crash of {task.name}")
            raise doom

    def wall(self, skew_s: float = 0.0) -> datetime:
        """The date and time of the world, off by `skew_s`."""
        return START + timedelta(seconds=self.now_s + skew_s)

    def note(self, line: str) -> None:
        """Remember a line for whoever looks at a failed life; it counts in the digest."""
        self.digest = zlib.crc32(line.encode(), self.digest)
        self.lines.append(f"{self.now_s:12.4f} {line}")

    # For whoever looks on.

    def run(self, is_enough: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Let the world go on until that holds, nothing can happen any more, or the time is over; whether it holds."""
        until_s = None if timeout_s is None else self.now_s + timeout_s
        while not is_enough() and self._advance(until_s):
            self._step()
        return is_enough()

    def run_for(self, seconds: float) -> None:
        """Let the world go on for so many virtual seconds."""
        self.run(lambda: False, seconds)

    def tasks(self) -> list[Task]:
        """All tasks that have not ended, of machines that live."""
        return [task for task in self._tasks if not task.machine.is_dead]

    def close(self) -> None:
        """End the world: nothing runs on, nothing that was under way takes effect."""
        self._is_over = True
        for task in list(self._tasks):
            if task.process is not None:
                task.process.is_killed = True
            if not task.flow.dead:
                task.flow.throw(GreenletExit)
        self._tasks.clear()

    @property
    def is_over(self) -> bool:
        """Whether the world has ended: what still unwinds must not touch anything outside."""
        return self._is_over

    def _advance(self, until_s: float | None) -> bool:
        """Move time to the next instant at which somebody can act, at most to `until_s`; whether anybody can."""
        while True:
            self._ring()
            if until_s is not None and self.now_s >= until_s:
                return False
            if self._ready:
                return True
            due_s = self._timers[0][0] if self._timers else None
            if due_s is None or (until_s is not None and due_s > until_s):
                self.now_s = self.now_s if until_s is None else until_s
                return False
            self.now_s = max(self.now_s, due_s)

    def _ring(self) -> None:
        while self._timers and self._timers[0][0] <= self.now_s:
            _, _, task, parking = heapq.heappop(self._timers)
            if task.parkings == parking:
                self.wake(task)

    def _step(self) -> None:
        place = self.chance.randrange(len(self._ready))
        task = self._ready[place]
        self._ready[place] = self._ready[-1]
        self._ready.pop()
        task.is_ready = False
        frozen_until = max(task.frozen_until, task.machine.frozen_until)
        if task.machine.is_dead or task.flow.dead:
            return
        if frozen_until > self.now_s:
            heapq.heappush(self._timers, (frozen_until, next(self._serials), task, task.parkings))
            return
        self.steps += 1
        self.digest = zlib.crc32(f"{task.name} {self.now_s:.9f}".encode(), self.digest)
        self._switch(task)
        self.now_s += self.chance.expovariate(1 / STEP_S)
        self.on_step(task)

    def _switch(self, task: Task) -> None:
        before = enter(task.process)
        self.current = task
        try:
            task.flow.switch()
        finally:
            self.current = None
            enter(before)

    def _live(self, task: Task, work: Callable[[], object]) -> Any:
        try:
            work()
        finally:
            self._tasks.pop(task, None)

    def _acting(self) -> Task:
        if self._is_over:
            raise GreenletExit
        if self.current is None:
            raise RuntimeError("simulation: expected a task of the world to wait, got the code outside of it")
        return self.current


def _nothing() -> None:
    """Time of this world needs no waking: whoever waits is looked after by the world itself."""


def _ignore(task: Task) -> None:
    """Nobody looks on."""
