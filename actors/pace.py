"""How long attempts usually last, and what follows from it: how many go together, and how many are claimed ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from moomarkets.domain.job import Attempt

TOGETHER_S = 0.005
"""What goes to an executor in one message should be done in this time: the message is what costs."""

MOST_TOGETHER = 50
STALLED_S = 0.05
"""An executor that has not finished with so many by then gives back what it has not begun."""

AHEAD_S = 0.05
"""So much work is claimed in advance: by the time that it is done the next claim has brought more."""

MOST_AHEAD = 500
WEIGHT = 0.1
UNKNOWN_S = 1.0
"""What an attempt is taken to last of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`usual_s` is how long attempts of a type have lasted lately, `overall_s` all of them.

    Example:
        >>> pace = Pace().after([("quick", 0.001)] * 200)
        >>> round(pace.usual_s["quick"], 4), pace.ahead(slots=4) > 100, Pace().ahead(slots=4)
        (0.001, True, 0)
    """

    usual_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    overall_s: float = UNKNOWN_S

    def after(self, ended: Iterable[tuple[str, float]]) -> Pace:
        """The pace once attempts of these types have lasted so many seconds."""
        usual_s, overall_s = dict(self.usual_s), self.overall_s
        for job_type, seconds in ended:
            before = usual_s.get(job_type, seconds)
            usual_s[job_type] = before + (seconds - before) * WEIGHT
            overall_s += (seconds - overall_s) * WEIGHT
        return replace(self, usual_s=usual_s, overall_s=overall_s)

    def stalled(self, job_types: Iterable[str]) -> Pace:
        """The pace once attempts of these types had to wait for one that takes longer than usual."""
        slower = {job_type: max(self.usual_s.get(job_type, STALLED_S), STALLED_S) for job_type in job_types}
        return replace(self, usual_s={**self.usual_s, **slower})

    def together(self, waiting: Sequence[Attempt], most: int) -> int:
        """How many of those at the head go to one executor, one at least; what may kill its process goes alone."""
        count, left_s = 0, TOGETHER_S
        for attempt in waiting[: min(most, MOST_TOGETHER)]:
            left_s -= self.usual_s.get(attempt.job_type, UNKNOWN_S)
            if left_s < 0 or attempt.crash_count:
                break
            count += 1
        return max(count, 1)

    def ahead(self, slots: int) -> int:
        """How many attempts to claim before there is an executor for them: some while jobs are short, else none."""
        return min(int(slots * AHEAD_S / max(self.overall_s, 1e-6)), MOST_AHEAD)
