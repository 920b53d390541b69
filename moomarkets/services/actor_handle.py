"""Walks the tree at a prompt: a handle for each place, with its children behind the dot and what can be done there."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from actors.otp.process import ProcessInfo
from actors.otp.sys import State
from actors.otp.trace import TraceEvent
from moomarkets.domain.errors import MoomarketsError
from moomarkets.services.actor_paths import NoSuchActor, children_of, find_below
from moomarkets.services.event_views import EventsView, LiveTrace
from moomarkets.services.tree_view import TreeView

if TYPE_CHECKING:
    from moomarkets.services.console import Console


class ActorHandle:
    """One place in the tree: shown as its line, with the verbs of the console, and its children as attributes.

    It holds the place, not the server that is there now, so it survives restarts. Showing it asks no server anything.
    A child whose id is no Python name, or is that of a verb, is reached by item, as is any place further down.

    Example: `system.actors.core.manager.state()`, `system.actors["core/executors/x0"].kill()`
    """

    __slots__ = ("_console", "_path")

    def __init__(self, console: Console, path: str) -> None:
        self._console, self._path = console, path

    @property
    def path(self) -> str:
        """The place, from the root down."""
        return self._path

    def info(self) -> ProcessInfo:
        """The server's line of the tree as data."""
        return self._console.info(self._path)

    def tree(self) -> TreeView:
        """The tree from here down; drawn when shown."""
        return self._console.tree(self._path)

    def children(self) -> list[ActorHandle]:
        """Handles on the servers right below, in order of start."""
        return list(self)

    def state(self, timeout_s: float = 5.0) -> State:
        """A deep copy of the server's state, secrets replaced; at once `ActorBusy` if it is stuck."""
        return self._console.state(self._path, timeout_s)

    def replace_state(self, change: Callable[[State], State], timeout_s: float = 5.0) -> None:
        """Run `change` in the server on a copy of its public attributes, and take over what it returns."""
        self._console.replace_state(self._path, change, timeout_s)

    def suspend(self, timeout_s: float = 5.0) -> None:
        """Let the server handle nothing but `state`, `resume` and the like; messages queue up meanwhile."""
        self._console.suspend(self._path, timeout_s)

    def resume(self, timeout_s: float = 5.0) -> None:
        """End a suspension; what has queued up is handled in its order."""
        self._console.resume(self._path, timeout_s)

    def trace(self, n: int = 10, seconds: float | None = None) -> LiveTrace:
        """Print the next `n` messages that the server handles, as they come; ends by itself, also after `seconds`."""
        return self._console.trace(self._path, n, seconds)

    def log(self, size: int | None = None) -> EventsView[TraceEvent]:
        """The last messages that the server has handled, kept from the first call on: 50 of them, or `size`."""
        return self._console.log(self._path, size)

    def kill(self) -> TreeView:
        """Give the server up at once, with all below it; its supervisor starts it again. Returns what was killed."""
        return self._console.kill(self._path)

    def restart(self, timeout_s: float = 60.0) -> TreeView:
        """End the server in order and start it again, with whoever would fall with it; returns those."""
        return self._console.restart(self._path, timeout_s)

    def __getitem__(self, place: str) -> ActorHandle:
        """The handle of a place below this one: `handle["x0"]`, `handle["executors/x0"]`."""
        return ActorHandle(self._console, find_below(self._console.runtime.tree(), self._path, place).path)

    def __getattr__(self, child_id: str) -> ActorHandle:
        # Prompts and notebooks try many such names on whatever they show.
        if child_id.startswith("_"):
            raise AttributeError(child_id)
        try:
            return self[child_id]
        except NoSuchActor as error:
            verb = difflib.get_close_matches(child_id, [name for name in vars(ActorHandle) if name[0] != "_"], 1)
            meant = f"the verb {verb[0]}" if verb else error.meant
            raise NoSuchActor(str(error.args[1]), meant, error.above, error.known) from None

    def __iter__(self) -> Iterator[ActorHandle]:
        infos = children_of(self._console.runtime.tree(), self._path)
        return iter([ActorHandle(self._console, info.path) for info in infos])

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(child_id for child_id in self._ids() if child_id.isidentifier())})

    def __repr__(self) -> str:
        try:
            return repr(TreeView([self._console.info(self._path)]))
        except MoomarketsError as error:
            return str(error)

    def _ipython_key_completions_(self) -> list[str]:
        """What a prompt offers behind the opening bracket."""
        return self._ids()

    def _ids(self) -> list[str]:
        return [handle.path.rpartition("/")[2] for handle in self]
