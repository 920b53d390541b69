"""The verbs of the JobManager under the names of its first design, for a shell and for programs that know those."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from moomarkets.domain.job import PlannedJob
from moomarkets.services.groups import Groups
from moomarkets.services.jobs import Jobs
from moomarkets.services.run_handle import RunHandle
from moomarkets.services.runs import Runs
from moomarkets.services.status import Status
from moomarkets.store.reports import Record


class JobManagerDesk:
    """Each verb is one of `system.groups`, `system.jobs` or `system.status`, which say more and can do more.

    Example: `system.manager.start_job_group("daily-bars")`, `system.manager.get_job_status(17)`
    """

    def __init__(
        self, groups: Groups, jobs: Jobs, runs: Runs, status: Status, activity: Callable[[], dict[str, object]]
    ) -> None:
        self._groups, self._jobs, self._runs, self._status, self._activity = groups, jobs, runs, status, activity

    def __repr__(self) -> str:
        return "<JobManagerDesk>"

    def start_job_group(self, group: str, for_on: date | None = None) -> RunHandle:
        """Ask for a run of the group."""
        return self._groups.run(group, for_on)

    def stop_job_group(self, group: str) -> None:
        """Cancel its runs, with the attempts under way."""
        self._groups.stop(group)

    def pause_job_group(self, group: str) -> None:
        """Start nothing more of it until it is resumed."""
        self._groups.pause(group)

    def resume_job_group(self, group: str) -> None:
        """Let it go on."""
        self._groups.resume(group)

    def schedule_job(self, group: str, job: PlannedJob) -> None:
        """Have each run of the group do this job too."""
        self._groups.schedule_job(group, job)

    def cancel_job(self, job_id: int) -> None:
        """End the job as cancelled, also while it runs."""
        self._jobs.cancel(job_id)

    def retry_job(self, job_id: int) -> None:
        """Put a job that ended badly back to work."""
        self._jobs.retry(job_id)

    def run_job(self, job_id: int) -> None:
        """Have the job done now."""
        self._jobs.run(job_id)

    def toggle_job(self, job_id: int, is_enabled: bool) -> None:
        """Switch the job on or off."""
        self._jobs.toggle(job_id, is_enabled)

    def cleanup_running_jobs(self) -> int:
        """Take back jobs whose owner is proven to be gone; returns how many. Living owners keep theirs."""
        return self._jobs.cleanup_running()

    def get_job_status(self, job_id: int) -> Record:
        """The job with its attempts."""
        return self._jobs.show(job_id)

    def get_job_group_status(self, group: str) -> Record:
        """The group with the counters of its newest run."""
        return self._runs.group(group)

    def get_system_status(self) -> Record:
        """Groups, rows, nodes, what is left."""
        return self._status.show()

    def get_state(self) -> Record:
        """The jobs that run on this node now, and when each group is due next."""
        nexts = {str(group["name"]): group["next_run_at"] for group in self._status.groups()}
        return {"running": self._activity()["running"], "next_runs": nexts}
