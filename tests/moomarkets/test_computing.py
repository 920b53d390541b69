"""Job types that have something computed: whatever the computation does, its attempt ends and no thread is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually
from tests.moomarkets.engines import works
from tests.moomarkets.engines.bench import Held, Port, children
from tests.support.providers import Providers

LONG_S = 20


class Computing:
    """Has the works of its group's scope computed, one in each job."""

    name = "computing"
    description = "for tests"
    default_schedule = None
    source = ""
    dataset = ""

    def __init__(self) -> None:
        self.results: list[object] = []

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        wanted = scope["works"]
        assert isinstance(wanted, dict)
        return [PlannedJob(work, self.name, work, {"arguments": given}) for work, given in wanted.items()]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        arguments = attempt.parameters["arguments"]
        assert isinstance(arguments, dict)
        self.results.append(tools.compute(f"{works.__name__}:{attempt.key}", arguments, token))
        return Outcome(Usage())


class Lab:
    """A system with one executor that computes, and the port where computations say that they have begun."""

    def __init__(self, system: System, job_type: Computing, port: Port) -> None:
        self.system, self.job_type, self.port = system, job_type, port

    def order(self, name: str, **wanted: object) -> None:
        """A group whose jobs are these works."""
        scope = {"works": wanted}
        self.system.groups.create(GroupDefinition(name, "yahoo", ("computing",), scope=scope, max_retries=0))

    def begin_stuck(self) -> Held:
        """A run whose computation sits in C code for ever."""
        self.order("stuck", stuck={"port": self.port.number})
        self.system.groups.run("stuck")
        return self.port.next()

    def is_free(self) -> bool:
        """Whether the one executor does another job."""
        self.order("other", echo={"value": "done"})
        return self.system.groups.run("other").wait(LONG_S) is RunStatus.COMPLETED


@pytest.fixture
def lab(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents, request: pytest.FixtureRequest
) -> Iterator[Lab]:
    job_type, port, before = Computing(), Port(), children()
    given = {"executors": 1, "drain_deadline_s": 1, **getattr(request, "param", {})}
    with System(simulated.settings(owner_url, tmp_path, **given), events=events, job_types=[job_type]) as system:
        yield Lab(system, job_type, port)
    port.close()
    assert children() <= before
    assert events.of("job.abandoned") == []


def test_what_a_computation_returns_is_there_for_the_job(lab: Lab) -> None:
    lab.order("sums", echo={"value": {"7203": [1.5, None]}})

    ended = lab.system.groups.run("sums").wait(LONG_S)

    assert ended is RunStatus.COMPLETED
    assert lab.job_type.results == [{"7203": [1.5, None]}]


@pytest.mark.parametrize(
    ("work", "given", "reason"),
    [("refuse", {}, "upstream"), ("crash", {}, "crashed"), ("nothing", {}, "invalid")],
)
def test_what_goes_wrong_in_a_computation_is_why_the_job_failed(
    lab: Lab, work: str, given: dict[str, object], reason: str
) -> None:
    lab.order("wrong", **{work: given})

    ended = lab.system.groups.run("wrong").wait(LONG_S)

    assert ended is RunStatus.FAILED
    assert [job["reason"] for job in lab.system.executions.list(group="wrong", status="failed")] == [reason]


def test_a_cancel_ends_the_process_of_a_computation_that_hangs_and_frees_the_slot(
    lab: Lab, events: RecordedEvents
) -> None:
    held = lab.begin_stuck()

    lab.system.groups.stop("stuck")
    events.wait_for("job.failed", job="stuck", reason="cancelled")

    assert held.wait_dead()
    assert eventually(lambda: str(held.pid) not in children())
    assert lab.is_free()
    assert lab.system.activity()["abandoned"] == 0


@pytest.mark.parametrize("lab", [{"attempt_deadline_s": 1}], indirect=True)
def test_the_deadline_ends_the_process_of_a_computation_that_hangs_and_frees_the_slot(
    lab: Lab, events: RecordedEvents
) -> None:
    held = lab.begin_stuck()

    events.wait_for("job.failed", job="stuck", reason="timed_out")

    assert held.wait_dead()
    assert lab.is_free()
    assert lab.system.activity()["abandoned"] == 0


def test_a_stop_ends_the_process_of_a_computation_that_hangs_and_gives_the_job_back(
    lab: Lab, events: RecordedEvents
) -> None:
    held = lab.begin_stuck()

    lab.system.stop()

    assert held.wait_dead()
    assert events.of("job.put_back", job="stuck", reason="interrupted")
