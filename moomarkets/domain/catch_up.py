"""What becomes of due instants that were missed, and of one that comes while a run is still under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.nearest import did_you_mean

MOST_RUNS = 1000
USUAL_RUNS = 10
USUAL_WINDOW_S = 7 * 86400.0
LONGEST_WINDOW_S = 366 * 86400.0
_KEYS = ("policy", "max", "window_s")


class Overlap(StrEnum):
    """What to do with a due instant while a scheduled run of the same group is under way. Default: `skip`."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_RUNNING = "cancel_running"


class CatchUpPolicy(StrEnum):
    """Which of the due instants that were missed get a run. Default: `latest`."""

    SKIP = "skip"
    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class CatchUp:
    """The policy after a downtime; `all` makes up for at most `max_runs` instants of the last `window_s` seconds.

    Example:
        >>> CatchUp.from_json({"policy": "all", "max": 3, "window_s": 86400}).max_runs
        3
    """

    policy: CatchUpPolicy = CatchUpPolicy.LATEST
    max_runs: int = USUAL_RUNS
    window_s: float = USUAL_WINDOW_S

    @classmethod
    def from_json(cls, value: object) -> CatchUp:
        """Read `{"policy": "skip" | "latest" | "all", "max": 10, "window_s": 604800}`, or the policy's name alone."""
        given = {"policy": value} if isinstance(value, str) else value
        unknown = [key for key in given if key not in _KEYS] if isinstance(given, Mapping) else []
        if not isinstance(given, Mapping) or unknown:
            guess = did_you_mean(unknown[0], _KEYS) if unknown else ""
            raise InvalidInput("catch_up", f"a policy, or a map with 'policy', 'max' and 'window_s'{guess}", value)
        named = given.get("policy", CatchUpPolicy.LATEST)
        if not isinstance(named, str) or named not in list(CatchUpPolicy):
            expected = f"one of {', '.join(CatchUpPolicy)}{did_you_mean(named, CatchUpPolicy)}"
            raise InvalidInput("catch_up policy", expected, named)
        policy = CatchUpPolicy(named)
        max_runs, window_s = given.get("max", USUAL_RUNS), given.get("window_s", USUAL_WINDOW_S)
        if type(max_runs) is not int or not 1 <= max_runs <= MOST_RUNS:
            raise InvalidInput("catch_up max", f"a whole number from 1 to {MOST_RUNS:,}", max_runs)
        if isinstance(window_s, bool) or not isinstance(window_s, int | float) or not 1 <= window_s <= LONGEST_WINDOW_S:
            raise InvalidInput("catch_up window_s", "seconds from 1 to 366 days (31622400)", window_s)
        return cls(policy, max_runs, float(window_s))

    def to_json(self) -> dict[str, object]:
        """The map that `from_json` takes."""
        return {"policy": str(self.policy), "max": self.max_runs, "window_s": self.window_s}
