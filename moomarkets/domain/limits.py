"""Rate windows: what a provider allows, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from moomarkets.domain.errors import InvalidInput

NAMED_SECONDS = {"per_minute": 60.0, "per_hour": 3600.0, "per_day": 86400.0}


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
        if not 0.1 <= self.seconds <= 31 * 86400:
            raise InvalidInput("window seconds", "0.1 s to 31 days", self.seconds)


REPEATED_FACTORS = (1.0, 2.0, 5.5)
"""A second 429 within ten minutes waits twice as long as the first, a third as long as a provider's block lasts."""


def next_silence_s(times: int, retry_after_s: float | None, default_s: float) -> float:
    """How long a credential keeps silent after its `times`-th 429 in a row, in seconds.

    What the provider asked for counts, clamped to 1 s - 10 min; where it said nothing sensible, the source's own rule.

    Example:
        >>> [next_silence_s(times, None, 60.0) for times in (1, 2, 3, 4)]
        [60.0, 120.0, 330.0, 330.0]
    """
    if retry_after_s is not None and math.isfinite(retry_after_s):
        return min(max(retry_after_s, 1.0), 600.0)
    return default_s * REPEATED_FACTORS[min(times, len(REPEATED_FACTORS)) - 1]
