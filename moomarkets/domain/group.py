"""Groups, their runs, and what a group may be waiting for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


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

    @property
    def is_final(self) -> bool:
        return self not in (RunStatus.PENDING, RunStatus.RUNNING)


class RunKind(StrEnum):
    """What asked for a run."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True)
class GroupDefinition:
    """What a person says when creating a group.

    `endpoint_id` is "source/endpoint", or None where the jobs of the group are of several kinds; `scope` then names
    them in `job_types`. `retry_delay_s` is kept in the column `retry_delay`.
    """

    name: str
    data_source: str
    job_types: tuple[str, ...]
    endpoint_id: str | None = None
    description: str = ""
    scope: dict[str, object] = field(default_factory=dict)
    schedule: dict[str, object] | None = None
    depends_on: tuple[str, ...] = ()
    priority: int = 5
    max_retries: int = 3
    retry_delay_s: int = 300
