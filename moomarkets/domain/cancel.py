"""The token by which a running attempt learns that it should stop, and shows how urgent it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

from moomarkets.domain.errors import Cancelled, Reason

DEFAULT_PRIORITY = 5


class CancelToken:
    """Cooperative cancel: the attempt checks, sleeps or registers what wakes its blocked call.

    Thread-safe. The first `cancel` wins; its reason is what the attempt ends with. `priority` is the job's, 1 to 10,
    and `began_at` the monotonic second since which the attempt runs (None: nobody said): whoever has to share something
    out among attempts goes by them.

    Example:
        >>> token = CancelToken()
        >>> woken = []
        >>> _ = token.on_cancel(lambda: woken.append(True))
        >>> token.cancel(Reason.INTERRUPTED)
        >>> woken, token.is_cancelled
        ([True], True)
    """

    def __init__(self) -> None:
        self.priority = DEFAULT_PRIORITY
        self.began_at: float | None = None
        self._lock = threading.Lock()
        self._event: threading.Event | None = None  # made for the first sleep: most tokens never have one
        self._reason: Reason | None = None
        self._hooks: dict[object, Callable[[], None]] = {}

    @property
    def is_cancelled(self) -> bool:
        return self._reason is not None

    @property
    def reason(self) -> Reason | None:
        """Why: `cancelled`, `interrupted` or `timed_out`; None while not cancelled."""
        return self._reason

    def cancel(self, reason: Reason = Reason.CANCELLED) -> None:
        """Ask the attempt to stop and run its hooks, each once, in the caller's thread, though one may raise."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            hooks = list(self._hooks.values())
            self._hooks.clear()
            event = self._event
        if event is not None:
            event.set()
        with ExitStack() as all_hooks:
            for hook in reversed(hooks):
                all_hooks.callback(hook)

    def check(self) -> None:
        """Raise `Cancelled` if the attempt should stop."""
        if self._reason is not None:
            raise Cancelled(self._reason)

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`, or less when cancelled: then raise `Cancelled`."""
        with self._lock:
            event = self._event = self._event or threading.Event()
            is_over = self._reason is not None
        if not is_over:
            event.wait(seconds)
        self.check()

    def on_cancel(self, hook: Callable[[], None]) -> Callable[[], None]:
        """Run `hook` once at cancel (at once if that has happened); returns what unregisters it."""
        key = object()
        with self._lock:
            if self._reason is None:
                self._hooks[key] = hook
                return lambda: self._forget(key)
        hook()
        return lambda: None

    def _forget(self, key: object) -> None:
        with self._lock:
            self._hooks.pop(key, None)
