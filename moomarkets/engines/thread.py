"""The engine for ordinary jobs: pooled daemon threads, replaced only when an attempt is abandoned."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.job import Ending, Failed
from moomarkets.engines.engine import Work

Spawn = Callable[[Callable[[], None], str], object]
"""Starts a daemon thread that runs a function, under a name; injected, so that a simulation can do otherwise."""


class ThreadEngine:
    """Runs each attempt in a thread of its own for as long as it lasts; idle threads are used again.

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

    def start(self, work: Work, token: CancelToken, on_done: Callable[[Ending], None], name: str) -> _Assignment:
        assignment = _Assignment(self, work, token, on_done)
        with self._lock:
            worker = self._idle.pop() if self._idle else None
            if worker is None:
                self._made += 1
            number = self._made
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
            ending = _run(assignment.work, assignment.token)
            with self._lock:
                is_wanted = not assignment.is_abandoned
                assignment.is_over = True
                goes_on = is_wanted and not self._is_closed
                if goes_on:
                    self._idle.append(worker)
                elif not is_wanted:
                    self._abandoned -= 1
            if is_wanted:
                assignment.on_done(ending)
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
    """One attempt given to a thread."""

    engine: ThreadEngine
    work: Work
    token: CancelToken
    on_done: Callable[[Ending], None]
    is_abandoned: bool = False
    is_over: bool = False

    def abandon(self) -> None:
        """Drop the attempt's ending, whenever it comes."""
        self.engine._abandon(self)


def _run(work: Work, token: CancelToken) -> Ending:
    """The border to job code: nothing that it raises goes further."""
    try:
        return work(token)
    except AttemptError as error:
        return Failed(error.reason, error.detail)
    except BaseException as error:  # noqa: BLE001 - whatever job code raises is a failed attempt, nothing else
        return Failed(Reason.INVALID, _described(error)[:500])


def _described(error: BaseException) -> str:
    """The error's type and text; the text is made by foreign code too, and may itself fail."""
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except BaseException:  # noqa: BLE001 - whatever job code raises is a failed attempt, nothing else
        return name
