"""The contract of an engine: it runs one attempt elsewhere and always says how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.job import Ending

Work = Callable[[CancelToken], Ending]
"""One attempt: does everything, including its own commit, and returns how it ended."""


class Started(Protocol):
    """An attempt under way."""

    def abandon(self) -> None:
        """Stop waiting for it: its ending is dropped, its place is free. The fence in the store makes that safe."""


class Engine(Protocol):
    """Runs attempts. `on_done` is called exactly once per attempt, from a thread of the engine, unless abandoned."""

    def start(self, work: Work, token: CancelToken, on_done: Callable[[Ending], None], name: str) -> Started:
        """Run `work` now; every way in which it can end, any BaseException included, becomes an `Ending`."""

    @property
    def abandoned(self) -> int:
        """How many abandoned attempts have not come back yet."""

    def close(self) -> None:
        """Let idle threads or processes end."""
