"""The contract of an engine: it runs one attempt elsewhere and always says how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.job import Failed

T = TypeVar("T")

Work = Callable[[CancelToken], T]
"""One attempt: does everything, including its own commit, and returns what came of it."""

Spawn = Callable[[Callable[[], None], str], object]
"""Starts a daemon thread that runs a function, under a name; injected, so that a simulation can do otherwise."""


class Started(Protocol):
    """An attempt under way."""

    def abandon(self) -> None:
        """Stop waiting for it: its outcome is dropped, its place is free. The fence in the store makes that safe."""


class Engine(Protocol):
    """Runs attempts. `on_done` is called exactly once for each, unless it is abandoned; it must be quick, never raise.

    It gets what the work returned, or a `Failed` where it raised, whatever it raised: a `SystemExit` or
    `KeyboardInterrupt` of job code is a failed attempt and nothing else.
    """

    def start(self, work: Work[T], token: CancelToken, on_done: Callable[[T | Failed], None], name: str) -> Started:
        """Run `work` as soon as there is a place for it; `on_done` comes from any thread, also from within."""

    @property
    def abandoned(self) -> int:
        """How many abandoned attempts have not come back, or been ended, yet."""

    def close(self) -> None:
        """Start nothing more and let idle threads or processes end; work under way ends too, where it can be ended."""
