"""Groups, their runs, and what a group may be waiting for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from moomarkets.domain.catch_up import CatchUp, Overlap
from moomarkets.domain.job import PlannedJob


class GroupStatus(StrEnum):
    """The states of a group."""

    IDLE = "idle"
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"


class RunStatus(StrEnum):
    """The states of one pass of a group."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        return self not in (RunStatus.PENDING, RunStatus.RUNNING)


class RunKind(StrEnum):
    """What asked for a run."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"


class Match(StrEnum):
    """Which run of the upstream group counts. Default: `latest`."""

    LATEST = "latest"
    SAME_DATE = "same_date"


class OnFailure(StrEnum):
    """What becomes of a run when an upstream run that it waits for did not complete. Default: `skip`.

    `block` waits until that is mended, `skip` ends the run as skipped, `run` starts it all the same.
    """

    BLOCK = "block"
    SKIP = "skip"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Dependency:
    """An edge: a group waits for `group`."""

    group: str
    match: Match = Match.LATEST
    on_failure: OnFailure = OnFailure.SKIP


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """What a person says when creating or editing a group.

    `data_source` is a source's code, or None for jobs that ask no provider. `endpoint_id` is "source/endpoint", or
    None where the jobs of the group are of several kinds; `scope` then names them in `job_types`. `jobs` are jobs that
    each run does beside those that its job types plan. `depends_on` names groups, or says more with a `Dependency`.
    `max_parallel` limits how many of its jobs run at a time on all nodes together (None: no limit), `crash_limit` and
    `keep_days` replace the settings of these names. `retry_delay_s` is kept in the column `retry_delay`.
    """

    name: str
    data_source: str | None
    job_types: tuple[str, ...] = ()
    endpoint_id: str | None = None
    description: str = ""
    scope: dict[str, object] = field(default_factory=dict)
    jobs: tuple[PlannedJob, ...] = ()
    schedule: dict[str, object] | None = None
    catch_up: CatchUp = field(default_factory=CatchUp)
    overlap: Overlap = Overlap.SKIP
    depends_on: tuple[str | Dependency, ...] = ()
    parent: str | None = None
    priority: int = 5
    max_retries: int = 3
    retry_delay_s: int = 300
    max_parallel: int | None = None
    crash_limit: int | None = None
    keep_days: int | None = None
    is_enabled: bool = True
