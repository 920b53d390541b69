"""Rate windows: what a provider allows, as data; how long a 429 silences it, and what is learnt from several."""

from __future__ import annotations

import math
from dataclasses import dataclass

from moomarkets.domain.errors import InvalidInput

NAMED_SECONDS = {"per_minute": 60.0, "per_hour": 3600.0, "per_day": 86400.0}

LONGEST_WINDOW_S = 31 * 86400.0
LEAST_SHARE, SHARE_STEP = 0.5, 0.1
"""A credential that is refused within its own count is allowed a tenth less each time, but never less than half."""

LEARNT_WITHIN_S = 86400.0
"""A second refusal within a day, after the source had answered again, shows that the count itself is too much."""

QUIET_S = 86400.0
"""Each day without a refusal gives a tenth back."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` requests in any stretch of `seconds`.

    Example:
        >>> Window(5, 60).count
        5
    """

    count: int
    seconds: float

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 1 <= self.count <= 1_000_000:
            raise InvalidInput("window count", "a whole number from 1 to 1,000,000", self.count)
        if not 0.1 <= self.seconds <= LONGEST_WINDOW_S:
            raise InvalidInput("window seconds", "0.1 s to 31 days", self.seconds)

    def reduced_to(self, share: float) -> Window:
        """The window that allows `share` of this one; where that is less than one request, one in a longer time.

        Example:
            >>> Window(60, 60).reduced_to(0.9), Window(1, 2.0).reduced_to(0.5)
            (Window(count=54, seconds=60), Window(count=1, seconds=4.0))
        """
        # A tenth is not exact in binary: 0.7 * 10 must stay 7.
        count = math.floor(self.count * share + 1e-9)
        if count >= 1:
            return Window(count, self.seconds)
        return Window(1, min(self.seconds / (self.count * share), LONGEST_WINDOW_S))


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """How long a credential keeps silent after its first, second, third … 429 in a row, if the provider does not say.

    Refusals are in a row when the next comes within ten minutes after the silence before was over. The first wait is
    longer by up to `first_jitter_s`, so that several programs do not come back in step.

    Example:
        >>> rule = SilenceRule((60.0, 120.0, 330.0), first_jitter_s=10.0)
        >>> [rule.next_s(times, None, luck=0.5) for times in (1, 2, 3, 4)]
        [65.0, 120.0, 330.0, 330.0]
        >>> rule.next_s(1, 30.0)
        30.0
    """

    waits_s: tuple[float, ...] = (60.0, 120.0, 330.0)
    first_jitter_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.waits_s or not all(1.0 <= wait_s <= 86400.0 for wait_s in self.waits_s):
            raise InvalidInput("silence waits", "one or more of 1 s to a day", self.waits_s)

    def next_s(self, times: int, retry_after_s: float | None, luck: float = 0.0) -> float:
        """The silence after the `times`-th 429 in a row, in seconds; `luck`, from 0 to 1, draws the jitter.

        What the provider asked for counts, clamped to 1 s - 10 min; this rule where it said nothing sensible.
        """
        if retry_after_s is not None and math.isfinite(retry_after_s):
            return min(max(retry_after_s, 1.0), 600.0)
        jitter_s = self.first_jitter_s * luck if times <= 1 else 0.0
        return self.waits_s[min(max(times, 1), len(self.waits_s)) - 1] + jitter_s


USUAL_SILENCES = SilenceRule()


def doubling(first_s: float, longest_s: float) -> tuple[float, ...]:
    """Waits from `first_s`, each twice the one before, up to `longest_s`.

    Example:
        >>> doubling(900, 14400)
        (900.0, 1800.0, 3600.0, 7200.0, 14400.0)
    """
    waits = [float(first_s)]
    while waits[-1] < longest_s:
        waits.append(min(waits[-1] * 2, float(longest_s)))
    return tuple(waits)


def smaller_share(share: float) -> float:
    """What is left of a share after one more refusal.

    Example:
        >>> smaller_share(1.0), smaller_share(0.5)
        (0.9, 0.5)
    """
    return max(round(share - SHARE_STEP, 1), LEAST_SHARE)


def recovered_share(share: float, quiet_s: float) -> float:
    """What a learnt share has grown to after so many seconds without a refusal.

    Example:
        >>> recovered_share(0.8, 86399), recovered_share(0.8, 86400), recovered_share(0.8, 10 * 86400)
        (0.8, 0.9, 1.0)
    """
    return min(round(share + SHARE_STEP * max(math.floor(quiet_s / QUIET_S), 0), 1), 1.0)
