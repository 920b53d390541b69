"""What becomes of a job after a failed attempt: when it is tried again, and when it is given up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from moomarkets.domain.errors import InvalidInput, Reason

MAX_RETRIES = 1000
MAX_DELAY_S = 7 * 86400
CRASH_LIMIT = 5
MIN_SILENCE_S = 1.0
MAX_SILENCE_S = 600.0


class Jitter(Protocol):
    """The injected source of chance; a seeded `random.Random` will do."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between `a` and `b`."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a job is tried again, and after how long.

    The wait after the k-th charged attempt is spread evenly over 0 to `delay_s * factor ** (k - 1)` (full
    jitter), never longer than `cap_s`, or than `delay_s` where that is longer. Defaults: 3 retries, 300 s,
    doubling, a day.

    Example:
        >>> RetryPolicy(delay_s=1).ceiling_s(3)
        4.0
    """

    max_retries: int = 3
    delay_s: float = 300
    factor: float = 2
    cap_s: float = 86400

    def __post_init__(self) -> None:
        if type(self.max_retries) is not int or not 0 <= self.max_retries <= MAX_RETRIES:
            raise InvalidInput("max_retries", f"a whole number from 0 to {MAX_RETRIES:,}", self.max_retries)
        _check_number("retry_delay", self.delay_s, 0, MAX_DELAY_S)
        _check_number("retry factor", self.factor, 1, 10)
        _check_number("retry cap", self.cap_s, 0, MAX_DELAY_S)

    def ceiling_s(self, attempt: int) -> float:
        """The longest wait after charged attempt number `attempt` (1 is the first)."""
        cap_s = float(max(self.cap_s, self.delay_s))
        try:
            return min(cap_s, float(self.delay_s * self.factor ** (max(attempt, 1) - 1)))
        except OverflowError:
            return cap_s if self.delay_s else 0.0

    def wait_s(self, attempt: int, jitter: Jitter) -> float:
        """How long to wait after charged attempt number `attempt`."""
        return jitter.uniform(0.0, self.ceiling_s(attempt))


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `delay_s`. `is_charged` is False where the attempt is given back."""

    delay_s: float
    is_charged: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt; the job ends with `reason`."""

    reason: Reason


class Backoff(StrEnum):
    """How long a job waits for its next attempt."""

    AT_ONCE = "at once"
    SILENCE = "as long as the source is silent"
    DOUBLING = "doubling, with jitter"
    NEVER = "never"


class Told(StrEnum):
    """When the owner of the job hears of it, beyond the log."""

    NOBODY = "nobody"
    AT_THE_END = "the owner, once it is given up"
    AT_ONCE = "the owner, at once"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """What one reason means: whether the attempt is charged, what the next one waits for, and who is told."""

    is_charged: bool
    backoff: Backoff
    told: Told


_AGAIN = RetryRule(True, Backoff.DOUBLING, Told.AT_THE_END)
_HOPELESS = RetryRule(True, Backoff.NEVER, Told.AT_ONCE)

RULES: Mapping[Reason, RetryRule] = {
    Reason.TIMEOUT: _AGAIN,
    Reason.NETWORK: _AGAIN,
    Reason.UPSTREAM: _AGAIN,
    Reason.MALFORMED: _AGAIN,
    Reason.PARTIAL: _AGAIN,
    Reason.CRASHED: _AGAIN,
    Reason.TIMED_OUT: _AGAIN,
    Reason.RATE_LIMITED: RetryRule(False, Backoff.SILENCE, Told.NOBODY),
    Reason.INTERRUPTED: RetryRule(False, Backoff.AT_ONCE, Told.NOBODY),
    Reason.SCHEMA: _HOPELESS,
    Reason.TOO_LARGE: _HOPELESS,
    Reason.AUTH: _HOPELESS,
    Reason.PLAN_RESTRICTED: _HOPELESS,
    Reason.INVALID: _HOPELESS,
    Reason.QUARANTINED: _HOPELESS,
    Reason.CANCELLED: RetryRule(True, Backoff.NEVER, Told.NOBODY),
}
"""The policy: one rule for each reason."""


def after_failure(
    reason: Reason,
    attempts: int,
    policy: RetryPolicy,
    jitter: Jitter,
    *,
    retry_after_s: float | None = None,
    deaths: int = 0,
    crash_limit: int = CRASH_LIMIT,
    least_s: float = 0.0,
) -> Retry | GiveUp:
    """Decide what follows an attempt that ended with `reason`.

    Args:
        attempts: charged attempts so far, this one included.
        retry_after_s: what a 429 asked for; None where it said nothing (the source's silence holds then).
        deaths: how often the process died while this job's code ran, this time included.
        least_s: how long the next attempt waits at least, where the policy has it wait at all.
    """
    rule = RULES[reason]
    match rule.backoff:
        case Backoff.AT_ONCE:
            return _after_interruption(policy, jitter, deaths, crash_limit)
        case Backoff.SILENCE:
            return Retry(_silence_s(retry_after_s), rule.is_charged)
        case Backoff.DOUBLING if attempts <= policy.max_retries:
            return Retry(max(policy.wait_s(attempts, jitter), least_s), rule.is_charged)
        case _:
            return GiveUp(reason)


def _after_interruption(policy: RetryPolicy, jitter: Jitter, deaths: int, crash_limit: int) -> Retry | GiveUp:
    """An orderly stop costs nothing; a death counts in a budget of its own, for the job may be its cause."""
    if deaths >= crash_limit:
        return GiveUp(Reason.CRASHED)
    return Retry(policy.wait_s(deaths - 1, jitter) if deaths > 1 else 0.0, is_charged=False)


def _silence_s(retry_after_s: float | None) -> float:
    """What a provider asked for, within reason; an absurd or absent wish is left to the source's own rule."""
    if retry_after_s is None or not math.isfinite(retry_after_s):
        return MIN_SILENCE_S
    return min(max(retry_after_s, MIN_SILENCE_S), MAX_SILENCE_S)


def _check_number(thing: str, value: object, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high:  # type: ignore[operator]  # a number by the line above
        raise InvalidInput(thing, f"a number from {low:g} to {high:,}", value)


GROUP_RETRIES = RetryPolicy()
"""Of the jobs of a group that says nothing else."""

QUEUE_RETRIES = RetryPolicy(delay_s=1)
"""Of a job that stands alone and says nothing else."""
