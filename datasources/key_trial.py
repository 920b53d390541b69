"""Lets one request go ahead with a key that nobody has accepted yet: a wrong one costs one request, not many."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import Reason, SourceError

Reply = TypeVar("Reply")

LOOK_EVERY_S = 0.05
PATIENCE_S = 1.0
REMEMBERED_S = 5.0
"""How long a refusal speaks for all who ask; then one goes ahead again."""


class KeyTrial:
    """The first request goes alone; when it was accepted all go at once, until one is refused. Thread-safe.

    Example:
        >>> from moomarkets.domain.clock import SystemClock
        >>> KeyTrial("sunflower", SystemClock()).go(lambda: 200, lambda status: status == 403, CancelToken())
        200
    """

    def __init__(self, source: str, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._lock = threading.Lock()
        self._is_accepted = False
        self._refused_until_s = float("-inf")

    def go(self, ask: Callable[[], Reply], is_refused: Callable[[Reply], bool], token: CancelToken) -> Reply:
        """What `ask` brings.

        Raises `SourceError` (auth, without a status) where somebody else has been refused a moment ago, and what `ask`
        raises.
        """
        if not self._is_accepted and self._has_turn(token):
            try:
                if self._goes_ahead():
                    return self._judged(ask(), is_refused)
            finally:
                self._lock.release()
        return self._judged(ask(), is_refused)

    def _has_turn(self, token: CancelToken) -> bool:
        """Wait for the one who goes ahead, but not for long: it may hang."""
        for _ in range(round(PATIENCE_S / LOOK_EVERY_S)):
            if self._lock.acquire(timeout=LOOK_EVERY_S):
                return True
            token.check()
        return False

    def _goes_ahead(self) -> bool:
        """Whether the key is untried still; looked at with the lock."""
        if not self._is_accepted and self._clock.monotonic() < self._refused_until_s:
            raise SourceError(Reason.AUTH, "the key has just been refused", source=self._source)
        return not self._is_accepted

    def _judged(self, reply: Reply, is_refused: Callable[[Reply], bool]) -> Reply:
        if is_refused(reply):
            self._refused_until_s = self._clock.monotonic() + REMEMBERED_S
            self._is_accepted = False
        else:
            self._is_accepted = True
        return reply
