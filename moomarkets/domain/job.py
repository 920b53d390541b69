"""Jobs and their attempts: states, the lease that a claim gives, and how an attempt ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from moomarkets.domain.errors import ErrorClass, Reason

PLAN = "plan_group"
"""The job type of the group job that plans a run's child jobs; it is counted only when it fails."""


class JobStatus(StrEnum):
    """The states of a job."""

    IDLE = "idle"
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ExecutionStatus(StrEnum):
    """The states of one attempt."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one job: the token fences whoever held it before."""

    execution_id: int
    job_id: int
    token: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claimed attempt, with all that running it needs. `number` counts from 1 within the run."""

    lease: Lease
    run_id: int | None
    group_id: int | None
    user_id: int
    job_type: str
    key: str
    name: str
    parameters: dict[str, object]
    symbol: str | None
    number: int
    max_retries: int
    retry_delay_s: int
    """From the job's `retry_delay`."""
    crash_count: int = 0
    """How many processes have died under the job so far."""
    crash_limit: int | None = None
    """None: as the settings say."""
    timeout_s: float | None = None
    """The attempt's deadline, from its start; None: as the settings say."""
    priority: int = 5
    """The job's, 1 to 10: the most urgent go first, also where they wait for permits."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt cost and brought.

    `rows` were received; `written` is how many of them were new or different, None where nobody has counted: then all.
    """

    requests: int = 0
    bytes: int = 0
    rows: int = 0
    pages: int = 0
    written: int | None = None

    @property
    def rows_written(self) -> int:
        """How many rows the store holds anew or changed."""
        return self.rows if self.written is None else self.written


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The attempt's data and its end are committed. `run_ended` tells whether it was the last job of its run."""

    usage: Usage = field(default_factory=Usage)
    run_ended: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The attempt has done its work and brought no rows: its end is still to be stored, together with others."""

    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt did not succeed; nothing of it was stored. `detail` is safe to store and to show.

    `again_in_s` is how long the next attempt should wait at least; None: as the policy says.
    """

    reason: Reason
    detail: str = ""
    usage: Usage = field(default_factory=Usage)
    again_in_s: float | None = None

    @property
    def error_class(self) -> ErrorClass:
        return self.reason.error_class


@dataclass(frozen=True, slots=True)
class LostLease:
    """The lease went to somebody else; the result was dropped and nothing is to be recorded."""


Ending = Succeeded | Done | Failed | LostLease


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A child job that a plan asks for: unique in its group by `key` (a date, a symbol, or the job type's name)."""

    key: str
    job_type: str
    name: str
    parameters: dict[str, object]
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """One supervisor process. `id` is fresh at every start; the rest proves whether that process still lives."""

    id: UUID
    host: str
    pid: int
    boot_id: str
    process_start: str
    version: str
