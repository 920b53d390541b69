"""Waiting for what nobody signals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from actors.otp.promise import Promise
from moomarkets.testing.manual_clock import ManualClock

_TURN_S = 0.001


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` sees once it sees something, or what it sees after 5 s."""
    end = time.monotonic() + 5
    while not (seen := look()) and time.monotonic() < end:
        threading.Event().wait(_TURN_S)
    return seen


def pass_time(clock: ManualClock, seconds: float, until: Promise[Any]) -> None:
    """Move the clock by `seconds`, again and again, until the promise is settled.

    More than once, because whoever waits may not have looked at the clock yet when it moves.
    """

    def step() -> bool:
        clock.advance(seconds)
        return until.is_done

    assert eventually(step)
