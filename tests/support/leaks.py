"""What every test of something that runs must leave behind: nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAST_INSTRUCTIONS_S = 2.0
"""A thread may have told that it is done and have its last few instructions to go."""


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if the block leaves a thread or a socket of this process behind."""
    threads, sockets = set(threading.enumerate()), _sockets()
    yield
    new = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in new:
        thread.join(LAST_INSTRUCTIONS_S)
    left = [thread.name for thread in new if thread.is_alive()]
    assert left == [], f"threads left: {left}"
    opened = _sockets() - sockets
    assert opened == set(), f"sockets left: {opened}"


def _sockets() -> set[str]:
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found
