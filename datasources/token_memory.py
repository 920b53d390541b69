"""Keeps the tokens of a credential in this process alone: for a client that nobody gave a store to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.source import Tokens

LOOK_EVERY_S = 0.05


class TokenMemory:
    """A `TokenBox` that forgets with its process.

    Example:
        >>> box = TokenMemory()
        >>> with box.renewing(CancelToken()) as tokens:
        ...     box.write(tokens)
        True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = Tokens()

    def read(self) -> Tokens:
        """The tokens as they are now."""
        return self._tokens

    def write(self, tokens: Tokens) -> bool:
        """Keep these; for the holder of `renewing`."""
        self._tokens = tokens
        return True

    def clear(self) -> bool:
        """Forget them."""
        return self.write(Tokens())

    @contextmanager
    def renewing(self, token: CancelToken) -> Iterator[Tokens]:
        """Be the one that renews."""
        while not self._lock.acquire(timeout=LOOK_EVERY_S):
            token.check()
        try:
            yield self._tokens
        finally:
            self._lock.release()
