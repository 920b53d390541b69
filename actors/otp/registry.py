"""The names of one runtime's live servers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from actors.otp.errors import AlreadyStarted
from actors.otp.ref import Ref

if TYPE_CHECKING:
    from actors.otp.process import Process


class Registry:
    """Names to servers. A name belongs to one live server and is free before anybody hears of its end.

    Each runtime has its own; two runtimes in one process do not see each other's names.

    Example:
        >>> Registry().whereis("manager") is None
        True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, Process] = {}

    def claim(self, name: str, process: Process) -> None:
        """Give the name to `process`; raises `AlreadyStarted` if a live server holds it."""
        with self._lock:
            holder = self._holders.setdefault(name, process)
        if holder is not process:
            raise AlreadyStarted(name, holder.ref)

    def release(self, name: str, process: Process) -> None:
        """Free the name, if `process` holds it."""
        with self._lock:
            if self._holders.get(name) is process:
                del self._holders[name]

    def find(self, name: str) -> Process | None:
        """The holder of the name."""
        return self._holders.get(name)

    def whereis(self, name: str) -> Ref | None:
        """The ref of the holder of the name."""
        holder = self._holders.get(name)
        return None if holder is None else holder.ref

    def names(self) -> list[str]:
        """All names that are held now, sorted."""
        return sorted(self._holders)
