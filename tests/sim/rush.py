"""A rush for permits in a simulated world: nodes that share one credential, more to ask than is allowed, and a ledger.

The server counts each request at some instant between its sending and its answer, the first or the last one if that is
worse for us. What it has counted is the judge: `overflows`, and how much of a window was used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import mean

import psycopg
from sqlalchemy import text

from actors import names
from actors.otp.errors import OtpError
from actors.otp.sim_runtime import SimRuntime
from actors.otp.simulation import Simulation
from actors.permit_gate import LimiterGate
from actors.rate_limiter import LimiterRules, RateLimiter
from actors.store_writer import StoreWriter
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Dataset
from moomarkets.domain.errors import AttemptError
from moomarkets.domain.limits import SilenceRule, Window
from moomarkets.domain.source import Endpoint
from moomarkets.store import sources
from moomarkets.store.database import Database
from tests.sim.engine import SimToken
from tests.sim.life import TABLES
from tests.sim.provider import SPEC
from tests.sim.weather import SimDatabase, Weather

USER = 1
NO_ROWS = Dataset("sim_rows", (), ())
BIRTH_S = 1.0
"""How long a process takes to come back."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server allows: windows of the source, and of endpoints, some of which are apart."""

    windows: tuple[Window, ...]
    endpoint_windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()

    def each(self) -> list[tuple[str | None, Window]]:
        """All windows, with the endpoint that each is for."""
        shared = [(None, window) for window in self.windows]
        return shared + [(name, window) for name, ws in self.endpoint_windows.items() for window in ws]

    def counts(self, endpoint: str, key: str | None) -> bool:
        """Whether a request to `endpoint` counts in the windows of `key`."""
        return endpoint == key if key is not None else endpoint not in self.apart


@dataclass(slots=True)
class Ledger:
    """What the server has counted, by endpoint, and what it says now."""

    arrivals: list[tuple[float, str]] = field(default_factory=list)
    refusals: float = 0.0
    """Which share of the requests it refuses with a 429, whatever the limits say."""

    def overflows(self, limits: Limits, until_s: float) -> list[str]:
        """Every window that ever held more than it allows."""
        found = []
        for key, window in limits.each():
            times = sorted(at for at, endpoint in self.arrivals if at <= until_s and limits.counts(endpoint, key))
            for last in range(window.count, len(times)):
                span_s = times[last] - times[last - window.count]
                if span_s < window.seconds:
                    found.append(f"{key or 'source'}: {window.count + 1} requests within {span_s:.3f} s, not {window}")
        return found

    def used_share(self, window: Window) -> float:
        """How much of a saturated window was used: how fast the same slot came round again, on average."""
        times = sorted(at for at, _ in self.arrivals)
        gaps = [later - earlier for earlier, later in zip(times, times[window.count :], strict=False)]
        return window.seconds / mean(gaps)


class RushNode:
    """One process: a writer, a limiter when somebody needs one, and tasks that never have enough."""

    def __init__(self, rush: Rush, name: str, wants: Sequence[str]) -> None:
        self._rush = rush
        self.runtime = SimRuntime(rush.world, name)
        self._database = SimDatabase(self.runtime, rush.database, rush.weather)
        limits = rush.limits
        self.rules = LimiterRules(
            SPEC.code,
            rush.source_id,
            USER,
            limits.windows,
            dict(limits.endpoint_windows),
            self.runtime.new_id(),
            rush.deadline_s,
            rush.use_within_s,
            SilenceRule((5.0, 10.0, 20.0)),
            boot_id="sim",
            apart=limits.apart,
        )
        self.gate = LimiterGate(self.runtime, self.rules, self.ensure)
        self.waiting: dict[CancelToken, None] = {}
        """The tokens of those who wait for a permit, in the order in which they came."""
        self.runtime.start(StoreWriter, self._database, name=names.PERMITS)
        for number, endpoint in enumerate(wants):
            self.runtime.spawn(lambda endpoint=endpoint: self._want(endpoint), f"want {number}")  # type: ignore[misc]

    @property
    def limiter(self) -> str:
        return names.limiter(self.rules.source, self.rules.user_id)

    def ensure(self, rules: LimiterRules) -> None:
        """Have a limiter; its writer is never down here for longer than it takes to start it again."""
        with suppress(OtpError):
            self.runtime.start(RateLimiter, rules, name=self.limiter)

    def restart_writer(self) -> None:
        """The writer dies, and as in the tree the limiter with it; the writer comes back."""
        for name in (self.limiter, names.PERMITS):
            if (ref := self.runtime.whereis(name)) is not None:
                self.runtime.kill(ref)
        self.runtime.start(StoreWriter, self._database, name=names.PERMITS)

    def _want(self, name: str) -> None:
        world, endpoint = self.runtime.simulation, Endpoint(name, f"/{name}", NO_ROWS)
        while not self._rush.is_over:
            token = SimToken(self.runtime, CancelToken())
            token.priority = self._rush.priority or world.chance.randint(1, 10)
            self.waiting[token] = None
            with suppress(AttemptError):
                self._request(endpoint, token)
            self.waiting.pop(token, None)

    def _request(self, endpoint: Endpoint, token: CancelToken) -> None:
        world, rush = self.runtime.simulation, self._rush
        with self.gate.permit(endpoint, token) as permit:
            self.waiting.pop(token, None)
            if rush.dawdle_s:
                token.sleep(world.chance.expovariate(1 / rush.dawdle_s))
            permit.check()
            lasts_s = min(rush.latency_s(), max(permit.deadline - world.now_s, 0.0))
            late = world.chance.choice([0.0, world.chance.random(), 1.0])
            rush.ledger.arrivals.append((world.now_s + late * lasts_s, endpoint.name))
            token.sleep(lasts_s)
            permit.answered()
            if world.chance.random() < rush.ledger.refusals:
                self.gate.silence(world.chance.choice([None, 3.0]))


class Rush:
    """One seed's rush: each process of `nodes` asks for every endpoint in `wants`, again and again, all at once.

    A request lasts as long as `latency` says, from … to; `dawdle_s` passes on average between permit and send. The
    priority is drawn for each request where none is given.
    """

    def __init__(
        self,
        seed: int,
        database: Database,
        owner: psycopg.Connection,
        limits: Limits,
        *,
        nodes: int = 1,
        wants: Sequence[str] = ("bars",),
        latency: tuple[float, float] = (0.05, 1.0),
        dawdle_s: float = 0.0,
        deadline_s: float = 8.0,
        use_within_s: float = 2.0,
        priority: int | None = None,
    ) -> None:
        tables = owner.execute(TABLES).fetchone()
        assert tables is not None
        owner.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY")
        self.world, self.weather, self.ledger, self.limits = Simulation(seed), Weather(), Ledger(), limits
        self.database, self.dawdle_s, self._wants, self.priority = database, dawdle_s, tuple(wants), priority
        self.deadline_s, self.use_within_s, self._latency = deadline_s, use_within_s, latency
        self.source_id = database.perform(lambda connection: sources.ensure(connection, SPEC))
        self.is_over, self._born = False, 0
        self.nodes = [self.new_node() for _ in range(nodes)]

    def latency_s(self) -> float:
        """How long the next request lasts."""
        return self.world.chance.uniform(*self._latency)

    def new_node(self) -> RushNode:
        """One more process."""
        self._born += 1
        return RushNode(self, f"node-{self._born}", self._wants)

    def replace(self, node: RushNode) -> None:
        """That process is gone, and another comes in its place."""
        node.runtime.die()
        self.world.run_for(BIRTH_S)
        self.nodes[self.nodes.index(node)] = self.new_node()

    def overflows(self) -> list[str]:
        """Every window that ever held too much, as the server has counted."""
        return self.ledger.overflows(self.limits, self.world.now_s)

    def permits(self, condition: str = "true") -> int:
        """How many permits the store knows, of some kind."""
        counted = text(f"SELECT count(*) FROM permits WHERE {condition}")
        return int(self.database.perform(lambda connection: connection.scalar(counted)) or 0)

    def close(self) -> None:
        """Nothing of it runs on."""
        self.is_over = True
        self.world.close()
