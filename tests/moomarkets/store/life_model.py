"""A plain model of groups, runs, jobs and attempts: what the store must look like after each step, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from moomarkets.domain.job import PLAN, Attempt

OPEN = ("pending", "running", "paused")
ENDED = ("completed", "failed", "cancelled")


@dataclass
class GroupModel:
    id: int
    name: str
    limit: int | None
    retries: int
    is_paused: bool = False
    outcome: str = "idle"
    """What the group shows while none of its runs waits or runs."""


@dataclass
class RunModel:
    id: int
    group: int
    kind: str
    status: str = "pending"
    limit: int | None = None
    retries: int = 0
    is_cancelled: bool = False
    is_planned: bool = False
    has_started: bool = False


@dataclass
class JobModel:
    id: int
    group: int
    run: int
    key: str
    status: str = "pending"
    is_enabled: bool = True
    attempts: int = 0
    most: int = 1

    @property
    def is_plan(self) -> bool:
        return self.key == PLAN


@dataclass
class Model:
    """Everything that there is; the ids are those of the store."""

    groups: dict[int, GroupModel] = field(default_factory=dict)
    runs: dict[int, RunModel] = field(default_factory=dict)
    jobs: dict[int, JobModel] = field(default_factory=dict)
    running: dict[int, Attempt] = field(default_factory=dict)
    """The attempts that hold their lease, by job."""
    late: list[Attempt] = field(default_factory=list)
    """Attempts that have lost it: whatever they bring must be dropped."""

    # What follows from what there is.

    def runs_of(self, group: int, *statuses: str) -> list[RunModel]:
        return [run for run in self.runs.values() if run.group == group and (not statuses or run.status in statuses)]

    def jobs_of(self, run: int, statuses: Iterable[str] = (*OPEN, *ENDED)) -> list[JobModel]:
        return [job for job in self.jobs.values() if job.run == run and job.status in statuses]

    def group_status(self, group: GroupModel) -> str:
        if group.is_paused:
            return "paused"
        return next((status for status in ("running", "pending") if self.runs_of(group.id, status)), group.outcome)

    def may_start(self, run: RunModel) -> bool:
        ahead = [other for other in self.runs_of(run.group, "pending") if other.id < run.id]
        is_free = not self.runs_of(run.group, "running") and not ahead
        return run.status == "pending" and is_free and not self.groups[run.group].is_paused

    def is_repairable(self, run: RunModel) -> bool:
        """Whether its jobs may be tried again: no other run is under way or waits, and none has started after it."""
        others = [other for other in self.runs_of(run.group) if other is not run]
        return run.has_started and not any(
            other.status in ("pending", "running") or (other.id > run.id and other.has_started) for other in others
        )

    def counters(self, run: RunModel) -> tuple[int, int, int]:
        """Completed, failed and cancelled jobs; a plan counts only when it did not complete."""
        jobs = self.jobs_of(run.id)
        return (
            sum(job.status == "completed" and not job.is_plan for job in jobs),
            sum(job.status == "failed" for job in jobs),
            sum(job.status == "cancelled" for job in jobs),
        )

    # What happens.

    def end_job(self, job: JobModel, status: str) -> None:
        job.status = status
        run = self.runs.get(job.run)
        if run is None:
            return
        if job.is_plan and status != "completed":
            run.is_planned = True
        self.end_run(run)

    def end_run(self, run: RunModel) -> None:
        if run.status != "running" or not run.is_planned or self.jobs_of(run.id, OPEN):
            return
        _, failed, cancelled = self.counters(run)
        run.status = "failed" if failed else "cancelled" if cancelled or run.is_cancelled else "completed"
        self.groups[run.group].outcome = "completed" if run.status == "completed" else "failed"

    def cancel_run(self, run: RunModel) -> None:
        if run.status == "pending":
            run.status = "cancelled"
            self.groups[run.group].outcome = "failed"
        elif run.status == "running":
            run.is_cancelled = run.is_planned = True
            for job in self.jobs_of(run.id, ("pending", "paused")):
                job.status = "cancelled"
            self.end_run(run)

    def plan(self, run: RunModel, keys: Iterable[str], ids: dict[str, int]) -> None:
        """Give the run its jobs; those that are switched off keep what they are."""
        run.is_planned = True
        if run.is_cancelled:
            return
        for key in keys:
            known = self.jobs.get(ids[key])
            if known is None or known.is_enabled:
                self.jobs[ids[key]] = JobModel(ids[key], run.group, run.id, key, most=run.retries + 1)

    def reopen(self, run: RunModel, jobs: Iterable[JobModel]) -> None:
        for job in jobs:
            if job.is_plan:
                run.is_planned = False
            job.status, job.attempts = "pending", 0
            run.status, run.is_cancelled = "running", False

    def lose(self, job: int) -> None:
        """The job's attempt is nobody's any more."""
        self.late.append(self.running.pop(job))

    def delete_group(self, group: int) -> None:
        for job in [job for job in self.jobs.values() if job.group == group]:
            if job.id in self.running:
                self.lose(job.id)
            del self.jobs[job.id]
        for run in self.runs_of(group):
            del self.runs[run.id]
        del self.groups[group]
