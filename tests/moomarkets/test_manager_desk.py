"""The verbs of the JobManager's first design do what those of groups and jobs do."""

from __future__ import annotations

from pathlib import Path

from datasources.simulators.faults import Fault
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.job import PlannedJob
from moomarkets.system import System
from tests.support.gate import gate
from tests.support.gated_jobs import Gated
from tests.support.providers import Providers

LONG_S = 30.0


def test_a_group_is_started_paused_resumed_and_stopped(simulated: Providers, owner_url: str, tmp_path: Path) -> None:
    with System(simulated.settings(owner_url, tmp_path)) as system:
        manager = system.manager
        manager.pause_job_group("reference")
        run = manager.start_job_group("reference")
        paused = manager.get_job_group_status("reference")["status"]
        manager.resume_job_group("reference")
        ended = run.wait(LONG_S)
        manager.stop_job_group("reference")
        groups = manager.get_system_status()["groups"]

    assert paused == "paused"
    assert ended is RunStatus.COMPLETED
    assert isinstance(groups, list)
    assert [group["name"] for group in groups] == ["reference", "daily-bars", "yahoo-daily-bars"]


def test_a_job_is_cancelled_while_it_runs_and_tried_again(owner_url: str, simulated: Providers, tmp_path: Path) -> None:
    with gate(owner_url) as door, System(simulated.settings(owner_url, tmp_path), job_types=[Gated()]) as system:
        manager = system.manager
        system.groups.create(GroupDefinition("by-hand", None, jobs=(_job("zero", door.port),), max_parallel=1))
        manager.schedule_job("by-hand", _job("one", door.port))
        run = manager.start_job_group("by-hand")
        door.next_job().finish()
        door.next_job()
        (held,) = manager.get_state()["running"]
        manager.cancel_job(held["job_id"])
        first = run.wait(LONG_S)
        manager.retry_job(held["job_id"])
        door.next_job().finish()
        second = run.wait(LONG_S)
        attempts = manager.get_job_status(held["job_id"])["attempts"]

    assert (first, second) == (RunStatus.CANCELLED, RunStatus.COMPLETED)
    assert [attempt["status"] for attempt in attempts] == ["cancelled", "completed"]


def test_a_job_is_switched_off_and_run_by_hand(simulated: Providers, owner_url: str, tmp_path: Path) -> None:
    simulated.jquants.faults.add(Fault("status", times=1, status=404))

    with System(simulated.settings(owner_url, tmp_path)) as system:
        system.manager.start_job_group("reference").wait(LONG_S)
        (failed,) = system.jobs.list(status="failed")
        job_id = int(str(failed["id"]))
        system.manager.toggle_job(job_id, False)
        off = system.manager.get_job_status(job_id)["is_enabled"]
        system.manager.toggle_job(job_id, True)
        system.manager.run_job(job_id)
        taken_back = system.manager.cleanup_running_jobs()

    assert off is False
    assert taken_back == 0


def _job(key: str, port: int) -> PlannedJob:
    return PlannedJob(key, "gated", key, {"port": port, "number": 1})
