"""Looks up host names so that nobody has to wait for a look-up that hangs: the system's own cannot be interrupted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moomarkets.domain.events import Events, NoEvents

MOST_ABANDONED = 8
"""With so many look-ups left behind no other is begun: each of them keeps a thread."""

Address = tuple[Any, ...]
"""What `socket.getaddrinfo` says of one address."""

Resolve = Callable[[str, int], list[Address]]
Spawn = Callable[[Callable[[], None], str], object]
Wait = Callable[[Callable[[], bool], threading.Event], bool]
"""Waits until the first is true, and looks whenever the second is set; false when there is no more time for it."""


class HostNames:
    """Looks each name up in a daemon thread of its own, which is left behind when its user has no more time.

    Nothing is remembered: connections are kept, names are not. Without `spawn` the calling thread does it, for as
    long as that takes. `abandoned` counts the look-ups that were left behind and have not come back.

    Example:
        >>> hosts = HostNames()
        >>> [address for *_, address in hosts.addresses("127.0.0.1", 80, lambda is_done, woken: True)]
        [('127.0.0.1', 80)]
    """

    def __init__(
        self, spawn: Spawn | None = None, events: Events | None = None, resolve: Resolve | None = None
    ) -> None:
        self._spawn, self._events, self._resolve = spawn, events or NoEvents(), resolve or _resolve
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self.abandoned = 0

    def addresses(self, host: str, port: int, wait: Wait) -> list[Address]:
        """The addresses of `host`, best first; `OSError` where there are none, `TimeoutError` when `wait` says so."""
        try:
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except OSError:
            pass  # a name, not an address
        except UnicodeError:
            raise _failure(f"{host} cannot be looked up") from None
        if self._spawn is None:
            return self._resolve(host, port)
        lookup = self._begin(host, port, self._spawn)
        if not wait(lambda: lookup.is_over, lookup.woken):
            self._abandon(lookup)
        if not lookup.is_over:
            raise TimeoutError(f"the look-up of {host} takes too long")
        if lookup.error is not None:
            raise lookup.error
        return lookup.found

    def _begin(self, host: str, port: int, spawn: Spawn) -> _Lookup:
        if self.abandoned >= MOST_ABANDONED:
            raise _failure(f"{host} is not looked up: {self.abandoned} look-ups of names hang")
        lookup = _Lookup(host)
        try:
            spawn(lambda: self._perform(lookup, port), f"look-up of {host}")
        except RuntimeError as error:  # the machine has no thread left
            raise _failure(f"{host} is not looked up: {error}") from None
        return lookup

    def _perform(self, lookup: _Lookup, port: int) -> None:
        try:
            lookup.found = self._resolve(lookup.host, port)
        except OSError as error:
            lookup.error = error
        except Exception as error:  # noqa: BLE001 - such as a name that cannot be encoded
            lookup.error = _failure(f"{lookup.host} cannot be looked up: {type(error).__name__}")
        with self._lock:
            lookup.is_over = True
            if lookup.is_abandoned:
                self.abandoned -= 1
                self._told.discard(lookup.host)
        lookup.woken.set()

    def _abandon(self, lookup: _Lookup) -> None:
        with self._lock:
            if lookup.is_over:
                return
            lookup.is_abandoned = True
            self.abandoned += 1
            is_news = lookup.host not in self._told
            self._told.add(lookup.host)
            abandoned = self.abandoned
        if is_news:
            self._events.emit("lookup.abandoned", host=lookup.host, abandoned=abandoned)


@dataclass(slots=True)
class _Lookup:
    """One look-up under way."""

    host: str
    woken: threading.Event = field(default_factory=threading.Event)
    found: list[Address] = field(default_factory=list)
    error: OSError | None = None
    is_over: bool = False
    is_abandoned: bool = False


def _failure(text: str) -> OSError:
    return socket.gaierror(socket.EAI_AGAIN, text)


def _resolve(host: str, port: int) -> list[Address]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
