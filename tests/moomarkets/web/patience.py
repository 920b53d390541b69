"""Waiting for what a whole system does, asked for over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable

from moomarkets.domain.clock import SystemClock

PATIENCE_S = 60
LOOK_EVERY_S = 0.02


def eventually(look: Callable[[], bool]) -> bool:
    """Whether `look` comes true within a minute."""
    clock = SystemClock()
    until = clock.monotonic() + PATIENCE_S
    while not (seen := look()) and clock.monotonic() < until:
        threading.Event().wait(LOOK_EVERY_S)
    return seen
