"""What is told of coverage: one line for each dataset, what a fill would cost, and which runs it has asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DatasetCoverage:
    """One dataset: how much of what its groups keep is here. Counts are of partitions, mostly days.

    `out_of_window` are days that the subscription does not reach; `newest_published_on` is the newest day that could
    be here. Of a dataset that no group keeps and that was not asked for by dates only what is here is told.
    """

    dataset: str
    source: str
    kept_by: tuple[str, ...]
    expected: int
    complete: int
    empty: int
    missing: int
    out_of_window: int
    not_published: int
    quarantined: int
    first_on: date | None
    last_on: date | None
    newest_published_on: date | None
    is_fresh: bool | None
    rows: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class WayCost:
    """What one way costs: `seconds` at the limits of the subscription, with what is used of them just now."""

    way: str
    requests: int
    jobs: int
    seconds: float
    bytes: int
    is_picked: bool
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """How the gaps of a dataset would be closed: every way with its cost, the one that is taken marked."""

    dataset: str
    source: str
    missing: int
    from_on: date | None
    to_on: date | None
    ways: tuple[WayCost, ...]

    @property
    def picked(self) -> WayCost | None:
        """The way that is taken; None where nothing is missing."""
        return next((way for way in self.ways if way.is_picked), None)

    @property
    def requests(self) -> int:
        """How many requests it takes."""
        return self.picked.requests if self.picked else 0


@dataclass(frozen=True, slots=True)
class FillRun:
    """A run that a fill has asked for, and the group that it is one of."""

    group: str
    run_id: int


@dataclass(frozen=True, slots=True)
class Filling:
    """What a fill does: its plans, and the runs that do it; no runs where nothing is missing, or nothing was to be."""

    dataset: str
    plans: tuple[FetchPlan, ...]
    runs: tuple[FillRun, ...] = ()

    @property
    def missing(self) -> int:
        """How many partitions were missing."""
        return sum(plan.missing for plan in self.plans)
