"""The engine for work that must be ended for sure: warm processes, killed when they do not stop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import InvalidInput, Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.border import described
from moomarkets.engines.engine import Spawn, T, Work
from moomarkets.engines.task import Task
from moomarkets.engines.worker_process import WorkerProcess

CLOSED = Failed(Reason.INTERRUPTED, "the engine is closed")


class ProcessEngine:
    """Runs each `Task` in a process that does nothing else meanwhile; at most `workers` of them, started when needed.

    A process is used again, up to `tasks_each` times. What finds none waits for its turn. An abandoned task is killed
    with its process; one that ends its process by itself has failed with the reason `crashed`.

    Example:
        ```python
        engine = ProcessEngine(runtime.spawn, workers=2)
        engine.start(Task("my_package.factors:momentum", {"code": "7203"}), token, on_done, "momentum 7203")
        ```
    """

    def __init__(self, spawn: Spawn, *, workers: int = 2, tasks_each: int = 100, name: str = "process") -> None:
        self._spawn, self._most, self._tasks_each, self._name = spawn, workers, tasks_each, name
        self._lock = threading.Lock()
        self._waiting: deque[_Assignment] = deque()
        self._places = 0
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._made = 0
        self._abandoned = 0
        self._is_closed = False

    @property
    def abandoned(self) -> int:
        """How many killed tasks have a process that is not gone yet: next to always 0."""
        return self._abandoned

    def start(self, work: Work[T], token: CancelToken, on_done: Callable[[T | Failed], None], name: str) -> _Assignment:
        """Like any engine; refuses with `InvalidInput` what is no `Task`."""
        if not isinstance(work, Task):
            raise InvalidInput(f"work {name}", "a Task, which another process can be told", type(work).__name__)
        assignment = _Assignment(self, work, token, on_done)
        assignment.forget = token.on_cancel(lambda: self._cancelled(assignment))
        with self._lock:
            refusal = self._refusal(token)
            if refusal is None:
                self._waiting.append(assignment)
        if refusal is not None:
            self._end(assignment, refusal)
        else:
            self._staff()
        return assignment

    def close(self) -> None:
        """Start nothing more and kill every process; what waited or was under way has been interrupted."""
        with self._lock:
            self._is_closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
            for worker in self._workers:
                worker.doom()
        for assignment in waiting:
            self._end(assignment, CLOSED)

    def _refusal(self, token: CancelToken) -> Failed | None:
        if self._is_closed:
            return CLOSED
        return None if token.reason is None else Failed(token.reason, "cancelled before it started")

    def _staff(self) -> None:
        """See to it that somebody takes what waits: wake who is idle, or hire, as far as there are places."""
        with self._lock:
            if not self._waiting:
                return
            if self._idle:
                self._idle.pop().process.wake()
                return
            if self._places >= self._most:
                return
            self._places += 1
            self._made += 1
            name = f"{self._name}/{self._made}"
        try:
            self._spawn(self._serve, name)
        except RuntimeError as error:  # the machine has no thread left
            self._cannot_start(error)

    def _serve(self) -> None:
        """One process's whole life, in a thread that lasts as long: with its end the kernel ends the process."""
        try:
            worker = _Worker(WorkerProcess())
        except Exception as error:  # noqa: BLE001 - whatever keeps a process from starting, its place is free again
            self._cannot_start(error)
            return
        with self._lock:
            self._workers.append(worker)
        try:
            while (assignment := self._next(worker)) is not None:
                outcome = _outcome(worker, assignment)
                self._finished(worker, assignment, outcome)
        finally:
            worker.process.end()
            self._leave(worker)

    def _next(self, worker: _Worker) -> _Assignment | None:
        """What the worker is to do next; waits for it, until there is a reason to end."""
        while True:
            with self._lock:
                if worker in self._idle:
                    self._idle.remove(worker)
                if self._is_closed or not worker.is_usable(self._tasks_each):
                    return None
                if self._waiting:
                    assignment = self._waiting.popleft()
                    assignment.worker = worker
                    return assignment
                self._idle.append(worker)
            worker.process.idle()

    def _finished(self, worker: _Worker, assignment: _Assignment, outcome: object) -> None:
        """Tell how the task ended; by then its process is ready for the next, or gone and collected."""
        worker.done += 1
        with self._lock:
            # From here on nobody kills it for this task's sake.
            assignment.is_over = True
            goes_on = worker.is_usable(self._tasks_each) and not self._is_closed
            if goes_on:
                self._idle.append(worker)
        if not goes_on:
            worker.process.end()
            self._leave(worker)
        if assignment.is_abandoned:
            with self._lock:
                self._abandoned -= 1
            return
        is_cut_off = self._is_closed and isinstance(outcome, Failed) and outcome.reason is Reason.CRASHED
        self._tell(assignment, CLOSED if is_cut_off else outcome)

    def _leave(self, worker: _Worker) -> None:
        with self._lock:
            self._idle = [other for other in self._idle if other is not worker]
            if worker in self._workers:
                self._workers.remove(worker)
                self._places -= 1
        self._staff()

    def _cannot_start(self, error: Exception) -> None:
        with self._lock:
            self._places -= 1
            assignment = self._waiting.popleft() if self._waiting else None
        if assignment is not None:
            self._end(assignment, Failed(Reason.CRASHED, f"no worker process can be started: {error}"))
            self._staff()

    def _cancelled(self, assignment: _Assignment) -> None:
        """Take it from the queue, or have its worker pass the cancel on."""
        with self._lock:
            is_waiting = assignment in self._waiting
            if is_waiting:
                self._waiting.remove(assignment)
            elif assignment.worker is not None and not assignment.is_over:
                assignment.worker.process.wake()
            reason = assignment.token.reason or Reason.CANCELLED
        if is_waiting:
            self._end(assignment, Failed(reason, "cancelled before it started"))

    def _abandon(self, assignment: _Assignment) -> None:
        with self._lock:
            if assignment.is_over or assignment.is_abandoned:
                return
            if assignment.worker is None:
                assignment.is_over = True
                self._waiting.remove(assignment)
            else:
                assignment.is_abandoned = True
                self._abandoned += 1
                assignment.worker.doom()
        assignment.forget()

    def _end(self, assignment: _Assignment, failure: Failed) -> None:
        """The end of what never started."""
        assignment.is_over = True
        self._tell(assignment, failure)

    def _tell(self, assignment: _Assignment, outcome: object) -> None:
        assignment.forget()
        assignment.on_done(outcome)


def _outcome(worker: _Worker, assignment: _Assignment) -> object:
    """How the task ended; also where its answer cannot be read, for somebody waits for it."""
    try:
        return worker.process.run(assignment.task, assignment.token)
    except Exception as error:  # noqa: BLE001 - an answer too large for our memory, for one
        worker.doom()
        return Failed(Reason.CRASHED, described(error))


@dataclass(slots=True, eq=False)
class _Worker:
    """One process and how much it has done; `is_doomed` once it was killed."""

    process: WorkerProcess
    done: int = 0
    is_doomed: bool = False

    def is_usable(self, tasks_each: int) -> bool:
        """Whether it may be given another task."""
        return not (self.is_doomed or self.process.is_dead or self.done >= tasks_each)

    def doom(self) -> None:
        """Kill the process, in the middle of anything."""
        self.is_doomed = True
        self.process.kill()


@dataclass(slots=True, eq=False)
class _Assignment:
    """One task given to the engine; what it returns, only the two sides know."""

    engine: ProcessEngine
    task: Task
    token: CancelToken
    on_done: Callable[[Any], None]
    forget: Callable[[], None] = lambda: None
    worker: _Worker | None = None
    is_over: bool = False
    is_abandoned: bool = False

    def abandon(self) -> None:
        """Kill it; nobody hears of it again."""
        self.engine._abandon(self)
