"""Jobs and attempts: listed within bounds, tried again where they failed."""

from __future__ import annotations

import pytest

from datasources.simulators.faults import Fault
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import RunStatus
from moomarkets.system import System
from tests.moomarkets.conftest import OpenInstallation
from tests.support.providers import Providers


def test_jobs_and_attempts_are_narrowed_by_group_and_state(system: System) -> None:
    system.groups.run("reference").wait(30)

    jobs = system.jobs.list(group="reference", status="completed")
    attempts = system.executions.list(group="reference", status="completed", limit=2)

    assert {job["job_group"] for job in jobs} == {"reference"}
    assert len(jobs) == 3
    assert len(attempts) == 2
    assert system.jobs.list(group="daily-bars") == system.executions.list(status="failed") == []


def test_a_limit_out_of_range_is_refused(open_installation: OpenInstallation) -> None:
    installation = open_installation()

    for limit in (0, 501, True, 2.0, "5"):
        for listing in (installation.jobs.list, installation.executions.list):
            with pytest.raises(InvalidInput, match="limit: expected a whole number from 1 to 500"):
                listing(limit=limit)  # type: ignore[arg-type]  # on purpose


def test_a_state_that_does_not_exist_is_refused_with_those_that_do(open_installation: OpenInstallation) -> None:
    installation = open_installation()

    with pytest.raises(InvalidInput, match="pending, running, paused"):
        installation.jobs.list(status="done")
    with pytest.raises(InvalidInput, match="running, completed, failed, interrupted, cancelled"):
        installation.executions.list(status="idle")


def test_failed_jobs_are_listed_and_put_back_together(system: System, simulated: Providers) -> None:
    simulated.jquants.faults.add(Fault("status", times=2, status=404))
    run = system.groups.run("reference")
    assert run.wait(30) is RunStatus.FAILED

    failed = system.jobs.failed(group="reference")
    others = system.jobs.failed(group="daily-bars")

    assert len(failed.list()) == 2
    assert (failed.retry(), others.retry()) == (2, 0)
    assert run.wait(30) is RunStatus.COMPLETED
    assert failed.list() == []
