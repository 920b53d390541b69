"""How the thread of an attempt gets permits: it waits, nobody else does."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from actors import names
from actors.otp.errors import CallError, CallTimeout
from actors.otp.promise import Promise
from actors.otp.runtime import Runtime
from actors.rate_limiter import Acquire, Grant, LimiterRules, Silence, SourcePaused, release
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import AttemptError, Cancelled, Reason
from moomarkets.domain.source import Endpoint, Permit

TRIES = 25
WAIT_S = 0.2
PATIENCE_S = 900.0
"""Who waits that long while nobody gets a permit gives up his place: a day's window may be full until tomorrow."""

LONGEST_WAIT_S = 3000.0
"""So does who has waited that long while others got theirs: before the attempt's deadline, so it costs nothing."""

PAUSED_WAIT_S = 1.0
"""Where no claim knows that a job asks the source that is paused, it comes again at once: not more often than this."""

SILENCE_TIMEOUT_S = 5.0
SILENCE_TRIES = 3


class LimiterGate:
    """The `PermitGate` of one credential. `ensure` starts its limiter where there is none yet."""

    def __init__(self, runtime: Runtime, rules: LimiterRules, ensure: Callable[[LimiterRules], None]) -> None:
        self._runtime, self._rules, self._ensure = runtime, rules, ensure
        self._limiter = names.limiter(rules.source, rules.user_id)
        self._silenced_at = self._granted_at = -math.inf

    @contextmanager
    def permit(self, endpoint: Endpoint, token: CancelToken, weight: int = 1) -> Iterator[Permit]:
        """Wait for a permit, hold it during the request, and say when the request is over."""
        grant = self._acquire(endpoint.name, token, weight)
        held = _HeldPermit(grant, self._rules.use_within_s, self._runtime.clock, self._is_void)
        try:
            yield held
        finally:
            # Cut off while it was under way, a request may still reach the provider: it counts until its deadline.
            if held.progress is not Progress.SENT:
                is_sent = held.progress is Progress.ANSWERED
                release(self._runtime, self._limiter, grant.permit_id, is_sent=is_sent, weight=held.weight)

    def silence(self, retry_after_s: float | None) -> None:
        """Stop the credential; returns once that is durable. Permits that are out already are void at once."""
        self._silenced_at = math.inf
        try:
            self._record_silence(retry_after_s)
        finally:
            # Whatever is asked for from now on finds the silence in the store, or waits behind it.
            self._silenced_at = self._runtime.clock.boottime()

    def _record_silence(self, retry_after_s: float | None) -> None:
        for _ in range(SILENCE_TRIES):
            try:
                self._runtime.call(self._limiter, Silence(retry_after_s), SILENCE_TIMEOUT_S)
                return
            except CallTimeout:
                break  # the limiter has it, and the store is away: nobody else gets a permit meanwhile
            except CallError:
                self._ensure(self._rules)
        raise AttemptError(Reason.RATE_LIMITED, "the 429 could not be recorded yet")

    def _is_void(self, grant: Grant) -> bool:
        return grant.asked_at <= self._silenced_at

    def _acquire(self, endpoint: str, token: CancelToken, weight: int) -> Grant:
        # From the beginning of the attempt: the second page of one stands before the first page of a later one.
        since = self._runtime.clock.monotonic() if token.began_at is None else token.began_at
        acquire = Acquire(endpoint, token.priority, since, weight)
        for _ in range(TRIES):
            token.check()
            try:
                promise = self._runtime.request(self._limiter, acquire)
                return self._wait(promise, token)
            except SourcePaused:
                token.sleep(PAUSED_WAIT_S)
                raise
            except CallError:
                # Not there yet, or just died: a new one knows from the store all that was spent.
                self._ensure(self._rules)
            token.sleep(WAIT_S)
        raise AttemptError(Reason.INTERRUPTED, f"the rate limiter of {self._rules.source} does not come back")

    def _wait(self, promise: Promise[Grant], token: CancelToken) -> Grant:
        """The grant; a cancel or the end of the patience settles the promise, and the permit then goes to the next."""

        def give_up() -> None:
            promise.fail(Cancelled(token.reason or Reason.CANCELLED))

        clock, began_at = self._runtime.clock, self._runtime.clock.monotonic()
        forget, left_s = token.on_cancel(give_up), PATIENCE_S
        try:
            while left_s > 0 and not self._runtime.wait_for(promise, left_s):
                until = min(max(began_at, self._granted_at) + PATIENCE_S, began_at + LONGEST_WAIT_S)
                left_s = until - clock.monotonic()
            waited_s = clock.monotonic() - began_at
            detail = f"{self._rules.source}: no request was allowed for {waited_s:.0f} s"
            promise.fail(AttemptError(Reason.RATE_LIMITED, detail))  # unless it is settled
        finally:
            forget()
        grant = promise.result()
        self._granted_at = clock.monotonic()
        return grant


class Progress(StrEnum):
    """How far a request has come; what nobody knows better is taken for sent."""

    UNSENT = "unsent"
    SENT = "sent"
    ANSWERED = "answered"


class _HeldPermit:
    """One grant while its request is under way."""

    def __init__(self, grant: Grant, use_within_s: float, clock: Clock, is_void: Callable[[Grant], bool]) -> None:
        self.deadline = grant.deadline
        self.progress = Progress.SENT
        self.weight: int | None = None
        self._grant = grant
        self._use_until = grant.asked_at + use_within_s
        self._clock, self._is_void = clock, is_void

    def check(self) -> None:
        """Refuse a permit from before a 429, and one that was not used in time: the process may have been frozen."""
        if self._is_void(self._grant):
            self.unsent()
            raise AttemptError(Reason.RATE_LIMITED, "the source said 429 to another request meanwhile")
        if self._clock.boottime() > self._use_until:
            self.unsent()
            raise AttemptError(Reason.INTERRUPTED, "the permit was too old to be used")

    def answered(self, weight: int | None = None) -> None:
        self.progress, self.weight = Progress.ANSWERED, weight

    def unsent(self) -> None:
        self.progress = Progress.UNSENT
