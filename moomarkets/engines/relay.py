"""Several short pieces of work in one place of an engine, one after the other, without a message in between."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Failed
from moomarkets.engines import border
from moomarkets.engines.engine import Engine, Started, Work

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Leg(Generic[T]):
    """One piece of work, with a token of its own; `number` is how its owner knows it."""

    number: int
    work: Work[T]
    name: str
    token: CancelToken = field(default_factory=CancelToken)
    began_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Run(Generic[T]):
    """A leg that is over: what came of it, why it was asked to stop (None: it was not), and how long it took."""

    number: int
    outcome: T | Failed
    stopped_for: Reason | None
    seconds: float


class Relay(Generic[T]):
    """Runs its legs in order. Those that have not begun can be taken back at any time; the one that runs, abandoned.

    `on_over` is called, by any thread, when the last leg that was not taken back is over. The other methods are for
    one owner. `monotonic` is the clock that measures.

    Example:
        >>> from moomarkets.engines.thread import ThreadEngine
        >>> spawn = lambda target, name: threading.Thread(target=target, name=name, daemon=True).start()
        >>> engine, over = ThreadEngine(spawn), threading.Event()
        >>> relay = Relay(engine, [Leg(1, lambda token: "a", "a"), Leg(2, lambda token: "b", "b")], float, over.set)
        >>> relay.start(), over.wait(5), [(run.number, run.outcome) for run in relay.collect()]
        (None, True, [(1, 'a'), (2, 'b')])
        >>> engine.close()
    """

    def __init__(
        self, engine: Engine, legs: Iterable[Leg[T]], monotonic: Callable[[], float], on_over: Callable[[], None]
    ) -> None:
        self._engine, self._monotonic, self._on_over = engine, monotonic, on_over
        # An engine that is closed answers from within `start`, so the lock is one that its holder may take again.
        self._lock = threading.RLock()
        self._waiting = deque(legs)
        self._current: Leg[T] | None = None
        self._started: Started | None = None
        self._over: list[Run[T]] = []

    def start(self) -> None:
        """Begin with the first leg."""
        with self._lock:
            self._begin_next()

    @property
    def current(self) -> Leg[T] | None:
        """The leg that runs now."""
        return self._current

    def collect(self) -> list[Run[T]]:
        """What is over since the last time, in order."""
        with self._lock:
            over, self._over = self._over, []
        return over

    def take_back(self) -> list[int]:
        """The numbers of the legs that have not begun, and now never will."""
        with self._lock:
            numbers = [leg.number for leg in self._waiting]
            self._waiting.clear()
        return numbers

    def cancel(self, number: int, reason: Reason) -> bool:
        """Ask the leg to stop if it is the one that runs; whether it has been asked now, for the first time."""
        leg = self._current
        if leg is None or leg.number != number or leg.token.is_cancelled:
            return False
        # What is run at a cancel may be code of the job's: it must not end whoever cancels.
        border.attempt(lambda token: token.cancel(reason), leg.token)
        return True

    def abandon(self) -> Leg[T] | None:
        """Go on without the leg that runs, and without those behind it; returns it, None where it was over already."""
        with self._lock:
            leg, self._current = self._current, None
            self._waiting.clear()
            if leg is not None and self._started is not None:
                self._started.abandon()
        return leg

    def _begin_next(self) -> bool:
        """Under the lock; whether there was one."""
        leg = self._current = self._waiting.popleft() if self._waiting else None
        if leg is None:
            return False
        leg.began_at = self._monotonic()
        self._started = self._engine.start(leg.work, leg.token, partial(self._end, leg), leg.name)
        return True

    def _end(self, leg: Leg[T], outcome: T | Failed) -> None:
        with self._lock:
            if leg is not self._current:
                return  # it was abandoned in the very moment of its end
            seconds = self._monotonic() - leg.began_at
            self._over.append(Run(leg.number, outcome, leg.token.reason, seconds))
            goes_on = self._begin_next()
        if not goes_on:
            self._on_over()
