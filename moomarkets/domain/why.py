"""Why something is as it is: the chain from the schedule to the rows, as values, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

NOT_BOOKED = "not booked"


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The provider that a group asks."""

    code: str
    is_enabled: bool
    is_paused: bool
    is_credential_missing: bool
    silent_until: datetime | None
    is_credential_unreadable: bool = False
    is_credential_refused: bool = False


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group with its schedule in words.

    `paused_by` is the group, itself or above, that holds it; `switched_off_by` the one that keeps its schedule from
    bringing runs.
    """

    id: int
    name: str
    status: str
    is_enabled: bool
    paused_by: str | None
    source: SourceFacts | None
    schedule: str | None
    schedule_error: str | None
    next_at: datetime | None
    catch_up: str
    overlap: str
    depends_on: tuple[str, ...]
    switched_off_by: str | None = None


@dataclass(frozen=True, slots=True)
class OccurrenceFacts:
    """An instant at which the schedule is due, and what became of it; `NOT_BOOKED` where nothing has yet."""

    due_at: datetime
    status: str
    reason: str | None
    run_id: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """What attempts have left of one dataset: rows, and parts of coverage from `from_on` to `to_on`."""

    dataset: str
    status: str
    parts: int
    rows: int
    from_on: date
    to_on: date


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One pass of a group. `jobs` counts those that it last asked for, by state; `held` ones are among the pending."""

    id: int
    kind: str
    status: str
    for_on: date | None
    due_at: datetime | None
    requested_at: datetime
    started_at: datetime | None
    planned_at: datetime | None
    completed_at: datetime | None
    blocked_by: str | None
    error_message: str | None
    total_jobs: int
    completed_jobs: int
    failed_jobs: int
    cancelled_jobs: int
    rows_written: int
    requests: int
    jobs: dict[str, int] = field(default_factory=dict)
    held_jobs: int = 0
    written: tuple[Written, ...] = ()
    rows_received: int = 0


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """One attempt: on which node, how long it waited before and took, what it cost and brought, why it ended.

    `rows` were received, `rows_written` of them were new or different.
    """

    id: int
    number: int
    status: str
    node: str
    node_id: UUID
    run_id: int | None
    started_at: datetime
    completed_at: datetime | None
    waited_s: float | None
    seconds: float | None
    requests: int
    bytes: int
    rows: int
    pages: int
    error_class: str | None
    reason: str | None
    message: str | None
    rows_written: int = 0


@dataclass(frozen=True, slots=True)
class JobFacts:
    """One job with its newest attempts, oldest first; `next_at` is when it is due again."""

    id: int
    group: str | None
    run_id: int | None
    key: str
    name: str
    job_type: str
    status: str
    is_enabled: bool
    is_held: bool
    priority: int
    due_at: datetime | None
    deadline_at: datetime | None
    next_at: datetime | None
    attempts: int
    max_retries: int
    crash_count: int
    last_error: str | None
    executions: tuple[AttemptFacts, ...] = ()
    written: tuple[Written, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The chain behind a job, a group, or a group on one date: what was found of it, and what would help.

    Of a group `jobs` are those of its runs that are not completed, at most as many as were asked for.
    """

    asked: str
    on: date | None
    is_scheduler_enabled: bool
    nodes: int
    group: GroupFacts | None = None
    occurrences: tuple[OccurrenceFacts, ...] = ()
    runs: tuple[RunFacts, ...] = ()
    jobs: tuple[JobFacts, ...] = ()

    @property
    def remedies(self) -> tuple[str, ...]:
        """What would let it go on, each as a sentence with its command; nothing where all is well or just goes on."""
        return tuple(dict.fromkeys(_remedies(self)))


def _remedies(chain: Explanation) -> Iterator[str]:
    waits = any(run.status in ("pending", "running") for run in chain.runs)
    waits = waits or any(job.status in ("pending", "paused") for job in chain.jobs)
    if waits and not chain.is_scheduler_enabled:
        yield "the whole is paused: let it go on with `moomarkets resume`"
    if waits and not chain.nodes:
        yield "no supervisor runs: start one with `python -m moomarkets.supervisor`"
    if chain.group is not None:
        yield from _group_remedies(chain.group, waits)
    for run in chain.runs:
        yield from _run_remedies(run, chain.group)
    for job in chain.jobs:
        yield from _job_remedies(job)


def _group_remedies(group: GroupFacts, waits: bool) -> Iterator[str]:
    if group.paused_by is not None:
        yield f"group {group.paused_by} is paused: resume it with `moomarkets groups resume {group.paused_by}`"
    if group.switched_off_by is not None:
        whose = "its schedule" if group.switched_off_by == group.name else f"and the schedule of {group.name}"
        yield (
            f"group {group.switched_off_by} is switched off, {whose} brings no runs: switch it on with "
            f"`moomarkets groups enable {group.switched_off_by}`, or run it now with"
            f" `moomarkets groups run {group.name}`"
        )
    if group.schedule_error is not None:
        yield (
            f"the schedule of group {group.name} rests ({group.schedule_error}): give another one with "
            f"`moomarkets groups edit {group.name}`"
        )
    if waits and group.source is not None:
        yield from _source_remedies(group.source)


def _source_remedies(source: SourceFacts) -> Iterator[str]:
    if not source.is_enabled:
        yield f"source {source.code} is switched off: switch it on with `moomarkets sources enable {source.code}`"
    if source.is_paused:
        yield f"source {source.code} is paused: resume it with `moomarkets sources resume {source.code}`"
    if source.is_credential_missing:
        yield f"source {source.code} has no credential: give it with `moomarkets credentials set {source.code}`"
    if source.is_credential_unreadable:
        yield (
            f"the credential of source {source.code} does not open: put the key back (`moomarkets keys verify`), or "
            f"give it anew with `moomarkets credentials set {source.code}`"
        )
    if source.is_credential_refused:
        yield (
            f"the provider refuses the credential of source {source.code}: give another one with "
            f"`moomarkets credentials set {source.code}`, or have it tried again with "
            f"`moomarkets credentials validate {source.code}`"
        )
    if source.silent_until is not None:
        yield f"source {source.code} said 429: it is asked again by itself after {source.silent_until:%H:%M:%S} UTC"


def _run_remedies(run: RunFacts, group: GroupFacts | None) -> Iterator[str]:
    name = group.name if group is not None else ""
    if run.status == "pending" and run.blocked_by and group is not None:
        upstream = next((other for other in group.depends_on if f"group {other}:" in run.blocked_by), None)
        if upstream is not None:
            yield f"run {run.id} waits for group {upstream}: see `moomarkets why {upstream}`"
    if run.status == "failed":
        yield f"run {run.id} failed: its cause mended, try the failed jobs again with `moomarkets groups retry {name}`"
    if run.status in ("cancelled", "skipped"):
        yield f"run {run.id} was {run.status}: ask for another one with `moomarkets groups run {name}`"


def _job_remedies(job: JobFacts) -> Iterator[str]:
    if not job.is_enabled:
        yield f"job {job.id} is switched off: switch it on with `moomarkets jobs enable {job.id}`"
    if job.status == "paused":
        yield f"job {job.id} is paused: resume it with `moomarkets jobs resume {job.id}`"
    if job.status in ("failed", "cancelled") and job.group is None:
        yield f"job {job.id} {_ended(job.status)}: try it again with `moomarkets jobs retry {job.id}`"


def _ended(status: str) -> str:
    return "failed" if status == "failed" else f"was {status}"
