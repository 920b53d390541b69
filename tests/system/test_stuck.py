"""A node whose executors and database are all stuck still says what it is doing."""

from __future__ import annotations

import threading
from pathlib import Path

from actors import names
from actors.otp.process import ProcessInfo, ProcessState
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.job import Attempt, Usage
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.system import System
from tests.actors.otp.patience import eventually
from tests.support.frozen import frozen
from tests.support.gated_jobs import Gated
from tests.support.postgres import TestPostgres
from tests.support.providers import providers

EXECUTORS = 4
CALLS = 200


class Stuck(Gated):
    """Work that neither ends nor hears a cancel, until the test lets go of all of it."""

    name = "stuck"

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        """Hang."""
        self.let_go.wait(60)
        return Outcome(Usage())


def test_the_status_is_told_while_the_database_is_frozen_and_every_executor_hangs(
    owner_url: str, postgres: TestPostgres, tmp_path: Path
) -> None:
    """O04: whoever needed the database, or waited for an executor, would not answer before the thaw."""
    stuck = Stuck()
    with providers() as simulated:
        settings = simulated.settings(owner_url, tmp_path, executors=EXECUTORS)
        with System(settings, job_types=[stuck]) as system:
            system.jobs.enqueue_many("stuck", [{"number": number} for number in range(EXECUTORS)])
            assert eventually(lambda: len(system.activity()["running"]) == EXECUTORS)
            with frozen(postgres.server):
                asleep = system.runtime.spawn(system.status.show, "one who needs the database")
                # The manager's own poll has to have met the freeze.
                assert eventually(lambda: writer(system).busy_s > 0.2)
                told = [system.activity() for _ in range(CALLS)]
                drawn = [len(system.tree()) for _ in range(CALLS)]
                is_frozen = not asleep.is_done and writer(system).state is ProcessState.BUSY
            thawed = system.runtime.wait_for(asleep, 30)
            stuck.let_go.set()

    assert [len(status["running"]) for status in told] == [EXECUTORS] * CALLS
    assert set(drawn) == {drawn[0]}
    assert is_frozen
    assert thawed


def writer(system: System) -> ProcessInfo:
    """Who writes for the manager, and waits for the database in its place."""
    (found,) = [info for info in system.tree() if info.name == names.WRITER]
    return found
