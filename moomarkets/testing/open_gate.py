"""A gate that grants every permit at once and writes down what was asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.errors import AttemptError
from moomarkets.domain.source import Endpoint


class OpenPermit:
    """Good until its deadline; `refusal` makes its last check fail."""

    def __init__(self, deadline: float, refusal: AttemptError | None = None) -> None:
        self.deadline = deadline
        self.is_unsent = False
        self.is_answered = False
        self._refusal = refusal

    def check(self) -> None:
        if self._refusal is not None:
            raise self._refusal

    def answered(self, weight: int | None = None) -> None:
        self.is_answered = True

    def unsent(self) -> None:
        self.is_unsent = True


class OpenGate:
    """A `PermitGate` for tests of data sources: no limits, no waiting.

    `permits` holds what was granted, `silences` what a 429 asked for, in order.

    Example:
        >>> gate = OpenGate(timeout_s=5)
        >>> gate.silence(None)
        >>> gate.silences
        [None]
    """

    def __init__(
        self, clock: Clock | None = None, timeout_s: float = 30.0, refusal: AttemptError | None = None
    ) -> None:
        self._clock, self._timeout_s, self._refusal = clock or SystemClock(), timeout_s, refusal
        self.permits: list[OpenPermit] = []
        self.silences: list[float | None] = []

    @contextmanager
    def permit(self, endpoint: Endpoint, token: CancelToken, weight: int = 1) -> Iterator[OpenPermit]:
        token.check()
        permit = OpenPermit(self._clock.monotonic() + self._timeout_s, self._refusal)
        self.permits.append(permit)
        yield permit

    def silence(self, retry_after_s: float | None) -> None:
        self.silences.append(retry_after_s)
