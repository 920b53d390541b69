"""How far a run has come, and how long it will still take if it goes on as it went lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

RECENT = 100
"""So many of the newest ends make the recent rate; of a run with fewer, all of them."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The jobs of one run: how they ended, how many run, and what the others wait for.

    `waiting` counts by reason, in words; `eta_s` is None where nothing tells yet, or where something has to be done
    before the run goes on.
    """

    run_id: int
    group: str
    status: str
    for_on: date | None
    total: int
    completed: int
    failed: int
    cancelled: int
    running: int
    waiting: Mapping[str, int] = field(default_factory=dict)
    blocked_by: str | None = None
    eta_s: float | None = None
    at: datetime | None = None

    @property
    def done(self) -> int:
        """Jobs that have ended, in whatever way."""
        return self.completed + self.failed + self.cancelled

    @property
    def eta_at(self) -> datetime | None:
        """When the run will have ended, in UTC."""
        return None if self.eta_s is None or self.at is None else self.at + timedelta(seconds=self.eta_s)


def remaining_s(
    left: int, ended_s_ago: Sequence[float], planned_s_ago: float, last_due_in_s: float = 0
) -> float | None:
    """Seconds until `left` more jobs have ended, at the rate of the newest ends; None where none has ended yet.

    Args:
        left: jobs that have not ended.
        ended_s_ago: how long ago the newest ones ended, in any order; those before the newest `RECENT` do not count.
        planned_s_ago: since when the run's jobs can be worked on.
        last_due_in_s: in how many seconds the last of those that wait for a retry is due; the run lasts as long.

    Example:
        >>> remaining_s(left=30, ended_s_ago=[5, 15, 25], planned_s_ago=30)
        300.0
    """
    if left <= 0:
        return 0.0
    recent = sorted(ended_s_ago)[:RECENT]
    if not recent:
        return None
    # A run that stands still gets slower with every second: its rate counts up to now, not up to its last end.
    span_s = recent[-1] if len(recent) == RECENT else planned_s_ago
    return max(left * max(span_s, 0.001) / len(recent), last_due_in_s)
