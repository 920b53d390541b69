"""A provider as a ledger: it counts each request at some instant between its sending and its end, and answers badly."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, text

from actors.otp.sim_runtime import SimRuntime
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Dataset
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.domain.limits import Window
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.source import Endpoint, Permit, SourceSpec
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools

FETCH = "fetch"
WINDOWS = (Window(4, 10), Window(15, 60))
SPEC = SourceSpec("sim", "Simulated", "", "test", "http://127.0.0.1", "", WINDOWS, (), needs_credential=False)
ENDPOINT = Endpoint("rows", "/rows", Dataset("sim_rows", (), ()))
DEADLINE_S = 8.0
FOREVER_S = 1e9

FATES = {
    "good": 72,
    "upstream": 8,
    "slow": 4,
    "malformed": 4,
    "rate_limited": 4,
    "auth": 1,
    "exit": 3,
    "deaf": 2,
    "hang": 6,
}
"""How often a request ends how, while the provider has a bad day."""


class Gate(Protocol):
    """Where permits come from."""

    def permit(self, endpoint: Endpoint, token: CancelToken, weight: int = 1) -> AbstractContextManager[Permit]:
        """Wait for one."""

    def silence(self, retry_after_s: float | None) -> None:
        """A 429 was read."""


@dataclass(frozen=True, slots=True)
class Silence:
    """From when until when nobody may send, after a 429 that said so and is known to be recorded."""

    since_s: float
    until_s: float


class Provider:
    """What the other side has seen."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.sent: list[float] = []
        self.silences: list[Silence] = []
        self.has_bad_day = True


class Client:
    """The source's client in one node: asks for a permit, sends, and reads an answer."""

    def __init__(self, runtime: SimRuntime, gate: Gate, provider: Provider) -> None:
        self._runtime, self._gate, self._provider = runtime, gate, provider

    def fetch(self, token: CancelToken) -> None:
        """One request; raises what a bad answer is."""
        world = self._runtime.simulation
        with self._gate.permit(ENDPOINT, token) as permit:
            # Names are looked up, connections are made: time passes before the request leaves.
            token.sleep(world.chance.expovariate(20))
            permit.check()
            fate = self._fate()
            lasts_s = self._lasts_s(fate, permit)
            world.note(f"{self._runtime.machine.name} sends: {fate}, for {lasts_s:.3f} s")
            self._provider.sent.append(world.now_s)
            self._provider.arrivals.append(world.now_s + world.chance.uniform(0, lasts_s))
            self._wait(fate, lasts_s, token)
            permit.answered()
        if fate == "rate_limited":
            self._be_silenced()
        if fate in ("upstream", "malformed", "auth"):
            raise AttemptError(Reason(fate), "the simulated provider says so")
        if fate == "slow":
            raise AttemptError(Reason.TIMEOUT, "the simulated provider did not answer in time")

    def _fate(self) -> str:
        chance = self._runtime.simulation.chance
        return chance.choices(list(FATES), list(FATES.values()))[0] if self._provider.has_bad_day else "good"

    def _lasts_s(self, fate: str, permit: Permit) -> float:
        """How long the request is under way: never longer than its deadline, which the transport keeps."""
        world = self._runtime.simulation
        left_s = max(permit.deadline - world.now_s, 0.0)
        return left_s if fate == "slow" else min(world.chance.expovariate(0.5), left_s)

    def _wait(self, fate: str, lasts_s: float, token: CancelToken) -> None:
        world = self._runtime.simulation
        if fate == "exit":
            raise SystemExit(3)
        if fate == "deaf":
            # It does not hear a cancel, and comes back long after it was given up.
            world.sleep(world.chance.uniform(0, 300))
            return
        token.sleep(FOREVER_S if fate == "hang" else lasts_s)

    def _be_silenced(self) -> None:
        world = self._runtime.simulation
        retry_after_s, read_s = world.chance.choice([None, 2.0, 20.0]), world.now_s
        self._gate.silence(retry_after_s)
        if retry_after_s is not None:
            self._provider.silences.append(Silence(world.now_s, read_s + retry_after_s))
        raise AttemptError(Reason.RATE_LIMITED, "the simulated provider said 429")


class Fetch:
    """The job type of the simulation: one request, then one row for its run and key."""

    name = FETCH
    description = "Fetches one row from the simulated provider"
    default_schedule: Schedule | None = None
    source = SPEC.code
    dataset = ""

    def plan(self, view: PlanView, scope: object) -> list[PlannedJob]:
        """One job per key of the group's scope."""
        assert isinstance(scope, dict)
        return [PlannedJob(key, FETCH, f"{FETCH} {key}", {}) for key in scope["keys"]]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        """Fetch, and say what to store."""
        client = tools.open_source(attempt.user_id, SPEC.code)
        assert isinstance(client, Client)
        client.fetch(token)

        def write(connection: Connection) -> None:
            connection.execute(
                text("INSERT INTO sim_rows (run_id, key, execution_id) VALUES (:run_id, :key, :execution_id)"),
                {"run_id": attempt.run_id, "key": attempt.key, "execution_id": attempt.lease.execution_id},
            )

        return Outcome(Usage(requests=1, rows=1), write)
