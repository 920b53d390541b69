"""Freshness: whether the newest data are here that a group's last scheduled run had to bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from moomarkets.domain.coverage import Covered, Expected
from moomarkets.domain.schedule import Schedule

TOLERANCE = timedelta(hours=3)
"""How long after a scheduled instant its data may be missing: a provider may be late, and attempts wait for it."""

# From short to long, so that a schedule of every minute is not walked through for a year.
_LOOKS_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=4), timedelta(days=35), timedelta(days=400))
_MOST_INSTANTS = 5000


class State(StrEnum):
    """How fresh a dataset is."""

    FRESH = "fresh"
    DUE = "due"
    """Newer data are published and on their way, or will be fetched at the next scheduled instant."""

    OVERDUE = "overdue"
    """A run had to bring newer data, and they are not here although there was time."""

    RESTING = "resting"
    """Nothing is fetched now because somebody wanted that, so nothing can be late."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh one dataset is that one group keeps.

    `expected_on` is the newest date that is due or overdue, `have_on` the newest that is here; `since` when it should
    have been here, for what is overdue. `missing` names the symbols, where they are fetched one by one. `reason` says
    why it rests.
    """

    user_id: int
    source: str
    dataset: str
    group: str
    state: State
    expected_on: date | None = None
    have_on: date | None = None
    since: datetime | None = None
    missing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def subject(self) -> str:
        """What alerts call it."""
        return f"{self.source}/{self.dataset}"

    def to_json(self) -> dict[str, object]:
        """As faces show it."""
        return {
            "source": self.source,
            "dataset": self.dataset,
            "group": self.group,
            "state": str(self.state),
            "expected_on": self.expected_on,
            "have_on": self.have_on,
            "since": self.since,
            "missing": list(self.missing),
            "reason": self.reason,
        }


def last_due(schedule: Schedule, now: datetime, since: datetime) -> datetime | None:
    """The newest instant of the schedule after `since` whose data should be here at `now`; None where there is none."""
    until = now - TOLERANCE
    for back in _LOOKS_BACK:
        first = max(until - back, since)
        if first < until and (due := schedule.due_between(first, until, _MOST_INSTANTS)):
            return due[-1]
    return None


def newest_missing(missing: Sequence[Expected], covered: Sequence[Covered], first_on: date | None) -> list[Expected]:
    """Of the missing partitions those that are newer than anything that is here; older ones are gaps, not delays."""
    have: dict[str, date] = {}
    for part in covered:
        have[part.key] = max(part.to_on, have.get(part.key, part.to_on))
    return [
        part
        for part in missing
        if part.to_on >= have.get(part.key, date.min) and (first_on is None or part.to_on >= first_on)
    ]


def newest_of(covered: Sequence[Covered], keys: Sequence[str] = ()) -> date | None:
    """The newest date that is here: of the key that lags behind most, where several are wanted."""
    newest: dict[str, date] = {}
    for part in covered:
        newest[part.key] = max(part.to_on, newest.get(part.key, part.to_on))
    wanted = [newest.get(key) for key in keys] or list(newest.values())
    present = [day for day in wanted if day is not None]
    return min(present) if present and len(present) == len(wanted) else None
