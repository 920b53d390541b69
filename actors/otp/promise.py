"""A result that comes later: of a call, of a start, of a life."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Promise(Generic[T]):
    """Set once, by whoever comes first; read and awaited by any number of threads.

    It does not block by itself: a runtime waits for it (`Runtime.wait_for`), so that waiting can run on a
    thread, or in a simulation. A coroutine of a host's asyncio loop awaits it, and the loop goes on meanwhile.
    Hooks run in the thread that settles the promise and must be quick.

    Example:
        >>> promise = Promise[int]()
        >>> promise.resolve(1), promise.resolve(2), promise.result()
        (True, False, 1)
    """

    __slots__ = ("_error", "_hooks", "_lock", "_value", "is_abandoned", "is_done")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hooks: list[Callable[[], object]] | None = None
        self._value: T | None = None
        self._error: BaseException | None = None
        self.is_done = False
        self.is_abandoned = False

    def __await__(self) -> Generator[Any, None, T]:
        if not self.is_done:
            yield from _settled(self).__await__()
        return self.result()

    def resolve(self, value: T) -> bool:
        """Settle with a value; False if it was settled before."""
        return self._settle(value, None)

    def fail(self, error: BaseException) -> bool:
        """Settle with an error, which `result` raises; False if it was settled before."""
        return self._settle(None, error)

    def result(self) -> T:
        """The value, or the error raised. Only for a settled promise."""
        if not self.is_done:
            raise RuntimeError("promise: expected to be settled, got an open one")
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    def subscribe(self, hook: Callable[[], object]) -> None:
        """Run `hook` when settled; at once if that has happened."""
        with self._lock:
            if not self.is_done:
                self._hooks = [*(self._hooks or ()), hook]
                self.is_abandoned = False
                return
        hook()

    def unsubscribe(self, hook: Callable[[], object]) -> None:
        """Forget `hook`, if it has not run."""
        with self._lock:
            self._hooks = [known for known in self._hooks or () if known != hook]

    def abandon(self, hook: Callable[[], object]) -> None:
        """Forget `hook`, whose owner waits no more; if nobody else does, note that the promise is abandoned."""
        with self._lock:
            self._hooks = [known for known in self._hooks or () if known != hook]
            self.is_abandoned = not self._hooks and not self.is_done

    def _settle(self, value: T | None, error: BaseException | None) -> bool:
        with self._lock:
            if self.is_done:
                return False
            self._value, self._error = value, error
            self.is_done = True
            hooks, self._hooks = self._hooks, None
        _run_all(hooks or [])
        return True


def _run_all(hooks: list[Callable[[], object]]) -> None:
    """Run each hook, though one may raise: those behind it wait for this very moment."""
    for place, hook in enumerate(hooks):
        try:
            hook()
        except BaseException:
            _run_all(hooks[place + 1 :])
            raise


async def _settled(promise: Promise[Any]) -> None:
    """Wait on the running loop; a task that is cancelled meanwhile abandons the promise."""
    import asyncio

    loop = asyncio.get_running_loop()
    woken = loop.create_future()

    def set_woken() -> None:
        if not woken.done():
            woken.set_result(None)

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(set_woken)
        except RuntimeError:
            # The loop is closed: nobody waits there any more.
            return

    promise.subscribe(wake)
    try:
        await woken
    except BaseException:
        promise.abandon(wake)
        raise
