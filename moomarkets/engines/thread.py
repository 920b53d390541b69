"""The engine for ordinary jobs: pooled daemon threads, replaced only when an attempt is abandoned."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.border import attempt
from moomarkets.engines.engine import Spawn, T, Work


class ThreadEngine:
    """Runs each attempt in a thread of its own for as long as it lasts; idle threads are used again.

    A thread cannot be ended: one whose attempt is abandoned stays until the attempt comes back, and `abandoned`
    counts it.

    Example:
        >>> import threading
        >>> spawn = lambda target, name: threading.Thread(target=target, name=name, daemon=True).start()
        >>> engine, ended = ThreadEngine(spawn), queue.SimpleQueue()
        >>> _ = engine.start(lambda token: Failed(Reason.INVALID, "no"), CancelToken(), ended.put, "job 1")
        >>> ended.get(timeout=5).reason.value
        'invalid'
        >>> engine.close()
    """

    def __init__(self, spawn: Spawn, name: str = "engine") -> None:
        self._spawn, self._name = spawn, name
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._made = 0
        self._abandoned = 0
        self._is_closed = False

    @property
    def abandoned(self) -> int:
        return self._abandoned

    def start(self, work: Work[T], token: CancelToken, on_done: Callable[[T | Failed], None], name: str) -> _Assignment:
        assignment = _Assignment(self, work, token, on_done)
        with self._lock:
            is_closed = self._is_closed
            worker = self._idle.pop() if self._idle else None
            if worker is None:
                self._made += 1
            number = self._made
        if is_closed:
            on_done(Failed(Reason.INTERRUPTED, "the engine is closed"))
            return assignment
        if worker is None:
            worker = _Worker()
            self._spawn(lambda: self._serve(worker), f"{self._name}/{number}")
        worker.inbox.put(assignment)
        return assignment

    def close(self) -> None:
        """Let the idle threads end; those at work end after their attempt."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.inbox.put(None)

    def _serve(self, worker: _Worker) -> None:
        while (assignment := worker.inbox.get()) is not None:
            outcome = attempt(assignment.work, assignment.token)
            with self._lock:
                is_wanted = not assignment.is_abandoned
                assignment.is_over = True
                goes_on = is_wanted and not self._is_closed
                if goes_on:
                    self._idle.append(worker)
                elif not is_wanted:
                    self._abandoned -= 1
            if is_wanted:
                assignment.on_done(outcome)
            if not goes_on:
                return

    def _abandon(self, assignment: _Assignment) -> None:
        with self._lock:
            if not assignment.is_over and not assignment.is_abandoned:
                assignment.is_abandoned = True
                self._abandoned += 1


@dataclass(slots=True)
class _Worker:
    """One thread's inbox; None tells it to end."""

    inbox: queue.SimpleQueue[_Assignment | None] = field(default_factory=queue.SimpleQueue)


@dataclass(slots=True)
class _Assignment:
    """One attempt given to a thread; what it returns, only the two sides know."""

    engine: ThreadEngine
    work: Work[Any]
    token: CancelToken
    on_done: Callable[[Any], None]
    is_abandoned: bool = False
    is_over: bool = False

    def abandon(self) -> None:
        """Drop the attempt's outcome, whenever it comes."""
        self.engine._abandon(self)
