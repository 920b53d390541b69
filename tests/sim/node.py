"""One simulated supervisor process: the tree of production, with the world in place of machine, engine and network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors import job_manager, names, tree
from actors.claimer import ClaimRules
from actors.job_executor import ExecutorRules
from actors.otp.administration import start_child
from actors.otp.child import ChildSpec, Restart
from actors.otp.errors import CallError, ChildRefused, OtpError, StartError
from actors.otp.reasons import SHUTDOWN
from actors.otp.ref import Ref
from actors.otp.sim_runtime import SimRuntime
from actors.otp.simulation import Simulation
from actors.otp.supervisor import Supervisor
from actors.permit_gate import LimiterGate
from actors.rate_limiter import LimiterRules, RateLimiter
from actors.rescuer import RescueRules
from moomarkets.domain.job import PLAN, NodeIdentity
from moomarkets.jobtypes.job_type import JobType, Tools
from moomarkets.jobtypes.perform import perform
from moomarkets.jobtypes.plan_group import PlanGroup
from moomarkets.store import nodes
from moomarkets.store.database import Database
from tests.sim.engine import SimEngine
from tests.sim.provider import DEADLINE_S, FETCH, SPEC, WINDOWS, Client, Fetch, Provider
from tests.sim.weather import SimDatabase, SimServer, Weather

EXECUTORS = 3
USE_WITHIN_S = 2.0
USER = 1
JOB_TYPES: Mapping[str, JobType] = {PLAN: PlanGroup(), FETCH: Fetch()}  # type: ignore[dict-item]  # not fully typed


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a node looks after things, in virtual seconds; and whether it looks after a server of its own."""

    poll_s: float = 5.0
    lease_s: float = 12.0
    rescue_s: float = 4.0
    has_server: bool = True


class Node:
    """A process of the world with its own tree; `root` is None until it has started, and dead once it gave up."""

    def __init__(
        self,
        world: Simulation,
        name: str,
        server: Database,
        weather: Weather,
        provider: Provider,
        source_id: int,
        rhythm: Rhythm,
    ) -> None:
        self.runtime = SimRuntime(world, name)
        self.database = SimDatabase(self.runtime, server, weather)
        self.identity = NodeIdentity(self.runtime.new_id(), name, 0, "", "", "sim")
        self._provider, self._source_id, self._rhythm = provider, source_id, rhythm
        self._weather = weather
        server.perform(lambda connection: nodes.register(connection, self.identity))
        self.root: Ref | None = None
        self.is_stopping = False

    def start(self) -> bool:
        """Start the tree; whether it runs. Whoever looks after processes starts another one if it does not."""
        try:
            spec = tree.root(self._parts())
            self.root = self.runtime.start(Supervisor, spec, name="root", start_timeout_s=120)
        except OtpError as error:
            self.runtime.simulation.note(f"{self.runtime.machine.name} did not start: {error}")
        return self.is_alive

    def stop(self) -> None:
        """End in order, as a signal makes a supervisor do: drain, interrupt what does not finish, stop the tree."""
        self.is_stopping = True
        self.runtime.spawn(self._stop, "stop")

    @property
    def is_alive(self) -> bool:
        """Whether its tree runs."""
        return self.root is not None and self.root.is_alive and not self.runtime.machine.is_dead

    def _stop(self) -> None:
        for patience_s in (10.0, 8.0):
            try:
                job_manager.drain(self.runtime, patience_s)
                break
            except CallError:
                job_manager.interrupt(self.runtime)
        if self.root is not None and self.root.is_alive:
            self.runtime.stop(self.root, SHUTDOWN, 60.0)

    def _parts(self) -> tree.Parts:
        runtime, rhythm = self.runtime, self._rhythm
        tools: Any = Tools(
            database=self.database,
            open_source=lambda user_id, code: self._client(),  # type: ignore[arg-type,return-value]  # a client of its own
            source_ids={SPEC.code: self._source_id},
            subscriptions={},
            job_types=JOB_TYPES,
            clock=runtime.clock,
            events=runtime.events,
        )
        writers = (names.WRITER, names.LEASES, names.PERMITS, names.RESCUE_WRITER, names.CLAIMER)
        return tree.Parts(
            server=SimServer(runtime, self._weather) if rhythm.has_server else None,
            pools=dict.fromkeys(writers, self.database),
            claim=ClaimRules(self.identity.id, tuple(JOB_TYPES), rhythm.lease_s, rhythm.poll_s, at_once=10),
            rescue=RescueRules(self.identity, every_s=rhythm.rescue_s, lease_s=rhythm.lease_s, crash_limit=1000),
            executor=ExecutorRules(rhythm.lease_s, deadline_s=25, grace_s=3),
            engine=SimEngine(runtime),
            perform=lambda attempt, completion_id, token: perform(attempt, completion_id, tools, token),
            executors=EXECUTORS,
            poll_s=rhythm.poll_s,
            listen_url=None,
        )

    def _client(self) -> Client:
        rules = LimiterRules(
            SPEC.code,
            self._source_id,
            USER,
            WINDOWS,
            {},
            self.identity.id,
            DEADLINE_S,
            USE_WITHIN_S,
            boot_id="sim",
        )
        return Client(self.runtime, LimiterGate(self.runtime, rules, self._ensure_limiter), self._provider)

    def _ensure_limiter(self, rules: LimiterRules) -> None:
        name = names.limiter(rules.source, rules.user_id)
        spec = ChildSpec(f"{rules.source}-{rules.user_id}", RateLimiter, (rules,), restart=Restart.TEMPORARY, name=name)
        if self.runtime.whereis(name) is None:
            try:
                start_child(self.runtime.named(names.LIMITERS), spec)
            except (StartError, ChildRefused, CallError) as error:
                self.runtime.simulation.note(f"limiter not started: {error}")
