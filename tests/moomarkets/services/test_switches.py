"""The switches of the whole and of its sources: they last, and what rests starts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import NotFound
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.system import System
from tests.actors.otp.patience import eventually
from tests.moomarkets.conftest import OpenInstallation
from tests.support.providers import Providers


class Asking:
    """A job type that would ask a source."""

    name = "asking"
    description = "Does nothing"
    default_schedule = None
    source = "yahoo"
    dataset = ""

    def plan(self, view: object, scope: object) -> list[PlannedJob]:
        return []

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        return Outcome(Usage())


def has_looked(system: System) -> None:
    """Return once the claimer has looked for jobs."""
    for _ in range(3):
        system.state("claimer")


def test_a_pause_lasts_over_a_restart(open_installation: OpenInstallation) -> None:
    before = open_installation()
    before.switches.pause()
    before.sources.pause("yahoo")
    before.sources.disable("jquants")

    after = open_installation()

    assert not after.switches.is_enabled
    state = {source["code"]: (source["is_enabled"], source["is_paused"]) for source in after.sources.list()}
    assert state == {"jquants": (False, False), "jquants-v1": (False, False), "yahoo": (True, True)}


def test_what_was_switched_off_is_switched_on_again(open_installation: OpenInstallation) -> None:
    installation = open_installation()
    installation.switches.pause()
    installation.sources.pause("yahoo")
    installation.sources.disable("yahoo")

    installation.switches.resume()
    installation.sources.resume("yahoo")
    installation.sources.enable("yahoo")

    assert installation.switches.is_enabled
    state = {source["code"]: (source["is_enabled"], source["is_paused"]) for source in installation.sources.list()}
    assert (state["yahoo"], state["jquants"]) == ((True, False), (True, False))


def test_a_source_that_does_not_exist_is_told_with_those_that_do(open_installation: OpenInstallation) -> None:
    with pytest.raises(NotFound, match="source yaho does not exist; there are: jquants, jquants-v1, yahoo"):
        open_installation().sources.pause("yaho")


@pytest.mark.parametrize("what", ["system", "source"])
def test_nothing_is_started_of_what_is_paused_until_it_is_resumed(
    simulated: Providers, owner_url: str, tmp_path: Path, what: str
) -> None:
    with System(simulated.settings(owner_url, tmp_path), job_types=[Asking()]) as system:
        pause, resume = (
            (system.switches.pause, system.switches.resume)
            if what == "system"
            else (lambda: system.sources.pause("yahoo"), lambda: system.sources.resume("yahoo"))
        )
        pause()
        job_id = system.jobs.enqueue("asking")
        has_looked(system)
        while_paused = system.jobs.show(job_id)["status"]
        resume()

        assert eventually(lambda: system.jobs.show(job_id)["status"] == "completed")
        assert while_paused == "pending"
        assert system.jobs.show(job_id)["progress"] == 100
        assert len(system.jobs.show(job_id)["attempts"]) == 1  # type: ignore[arg-type]  # a list


def test_a_clean_up_leaves_alone_what_lives(system: System) -> None:
    assert system.jobs.cleanup_running() == 0
