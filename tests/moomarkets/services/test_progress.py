"""The progress of a session: its own runs, and whether anything is left that could be done now."""

from __future__ import annotations

from datasources.simulators.faults import Fault
from moomarkets.system import System
from tests.actors.otp.patience import eventually
from tests.support.providers import Providers


def test_a_session_begins_with_nothing_and_follows_the_runs_that_come(system: System) -> None:
    progress = system.progress()
    before = progress.look()
    system.groups.run("reference").wait(30)

    after = progress.look()

    assert before.runs == []
    assert before.is_all_done
    assert [run["job_group"] for run in after.runs] == ["reference"]
    assert after.requests == 2
    assert after.is_all_done


def test_runs_that_had_ended_before_belong_to_no_later_session(system: System) -> None:
    system.groups.run("reference").wait(30)

    assert system.progress().look().runs == []


def test_a_run_that_cannot_start_leaves_the_session_idle_but_not_done(system: System) -> None:
    progress = system.progress()
    system.groups.pause("reference")
    run = system.groups.run("reference")
    assert eventually(lambda: run.show()["blocked_by"] == "paused")

    snapshot = progress.look()

    assert snapshot.is_idle
    assert not snapshot.is_all_done


def test_running_jobs_keep_the_session_busy(system: System, simulated: Providers) -> None:
    simulated.jquants.faults.add(Fault("hang", times=2))
    progress = system.progress()
    system.groups.run("reference")
    assert eventually(lambda: len(simulated.jquants.ledger.entries()) == 2)

    is_idle = progress.look().is_idle
    system.groups.stop("reference")

    assert not is_idle


def test_a_failed_group_is_work_that_remains(system: System, simulated: Providers) -> None:
    simulated.jquants.faults.add(Fault("status", times=2, status=404))
    progress = system.progress()
    system.groups.run("reference").wait(30)

    snapshot = progress.look()

    assert snapshot.is_idle
    assert not snapshot.is_all_done


def test_a_session_is_never_idle_between_one_group_and_the_next(system: System) -> None:
    progress = system.progress()
    system.groups.run("reference")
    last = system.groups.run("daily-bars")

    looks = []
    while not last.status.is_final:
        looks.append((progress.look().is_idle, last.status.is_final))

    assert [is_final for is_idle, is_final in looks if is_idle] == [True] * sum(is_idle for is_idle, _ in looks)
