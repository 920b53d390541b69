"""Where supervisors are killed: a real Postgres with fsync, a simulated provider, one group, any number of nodes."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from datasources.simulators.faults import Answer
from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from datasources.simulators.server import Question
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.limits import Window
from moomarkets.installation import LOCAL_USER, Installation
from moomarkets.settings import Settings
from moomarkets.store import groups
from moomarkets.store.embedded.server import EmbeddedServer
from tests.support.postgres import swept_directory
from tests.support.supervisor import PATIENCE_S, SupervisorProcess

GROUP = "siege"
ISSUES = 12
ANSWER_S = (0.02, 0.4)
LEASE_S = 3.0
EXECUTORS = 4
REQUEST_DEADLINE_S = 3.0
STORED = "SELECT count(*) FROM coverage"
RUN_STATUS = "SELECT status FROM runs WHERE job_group_id = (SELECT id FROM job_groups WHERE name = 'siege')"


@dataclass(frozen=True, slots=True)
class Plan:
    """`jobs` trading days are fetched at `per_s` requests a second by `nodes` supervisors."""

    jobs: int
    per_s: int
    nodes: int = 1

    @property
    def limit(self) -> Window:
        """What the provider allows, and the nodes are told."""
        return Window(self.per_s, 1)


class SlowProvider(JQuantsSimulator):
    """Takes its time to answer, so that kills meet requests under way."""

    def answer(self, question: Question) -> Answer:
        time.sleep(random.uniform(*ANSWER_S))
        return super().answer(question)


class Node(SupervisorProcess):
    """One supervisor; `id` is known once it is ready."""

    id = ""

    def await_ready(self) -> None:
        """Return when it claims work; harmless to repeat."""
        self.id = self.id or str(self.wait_ready()["node"])


class KillGround:
    """`start` runs one more node; `rows` tells what the database holds, `arrivals` what the provider has seen."""

    def __init__(self, plan: Plan, server: EmbeddedServer, provider: JQuantsSimulator, folder: Path) -> None:
        self.plan, self.server, self.provider = plan, server, provider
        self.nodes: list[Node] = []
        self._data_dir = folder / "data"
        self._env = {
            "MOOMARKETS_DATA_DIR": str(self._data_dir),
            "MOOMARKETS_WEB_PORT": "0",
            "MOOMARKETS_SOURCES__JQUANTS__BASE_URL": provider.base_url,
            "MOOMARKETS_SOURCES__JQUANTS__PLAN": "light",
            "MOOMARKETS_SOURCES__JQUANTS__API_KEY": DEMO_KEY,
            "MOOMARKETS_SOURCES__JQUANTS__LIMITS": f"[[{plan.limit.count}, {plan.limit.seconds}]]",
            "MOOMARKETS_SOURCES__YAHOO__IS_ENABLED": "false",
            "MOOMARKETS_EXECUTORS": str(EXECUTORS),
            "MOOMARKETS_LEASE_S": str(LEASE_S),
            "MOOMARKETS_POLL_S": "0.5",
            "MOOMARKETS_REQUEST_DEADLINE_S": str(REQUEST_DEADLINE_S),
            "MOOMARKETS_DRAIN_DEADLINE_S": "5",
            # Every kill is a death under whatever was being worked on, and none of these jobs is to blame.
            "MOOMARKETS_CRASH_LIMIT": "1000",
            "MOOMARKETS_LOG_LEVEL": "warning",
            "MOOMARKETS_LOG_FORMAT": "json",
        }

    def request(self) -> None:
        """Ask for the one run, before there is any node."""
        definition = GroupDefinition(
            GROUP,
            "jquants",
            ("daily_quotes",),
            "jquants/daily_bars",
            scope={"newest": self.plan.jobs},
            retry_delay_s=1,
        )
        settings = Settings(database_url=self.server.dsn("owner"), data_dir=self._data_dir)
        with ExitStack() as undo:
            installation = Installation(settings, SystemClock(), NoEvents(), undo)
            installation.reads.perform(lambda connection: groups.create(connection, LOCAL_USER, definition))
            installation.groups.request(GROUP)

    def start(self) -> Node:
        """One more node; it may not be ready yet."""
        node = Node("--database-url", self.server.dsn("owner"), env=self._env)
        self.nodes.append(node)
        return node

    def kill(self, node: Node) -> None:
        """As a power cut would."""
        self.nodes.remove(node)
        node.kill()

    def freeze(self, node: Node, until: Callable[[], bool], timeout_s: float) -> None:
        """Stop it in mid-air until that is so, and let it go on."""
        node.signal(signal.SIGSTOP)
        try:
            wait_until(until, timeout_s)
        finally:
            node.signal(signal.SIGCONT)

    def stop(self) -> list[int]:
        """Ask all nodes to stop; their exit codes."""
        for node in self.nodes:
            node.signal(signal.SIGTERM)
        codes = [node.wait() for node in self.nodes]
        self.nodes.clear()
        return codes

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What a statement finds, whatever has become of earlier connections."""
        with psycopg.connect(self.server.dsn("owner")) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload,no-any-return]  # literals of tests

    def value(self, sql: str) -> object:
        """The one value that it finds."""
        return self.rows(sql)[0][0]

    def manage(self, *statements: str) -> None:
        """Do something to the server, as its superuser."""
        with self.server.connected_as_manager() as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]  # literals of tests

    def wait_said(self, event: str, times: int) -> None:
        """Wait until the nodes have logged that event so often."""
        wait_until(lambda: sum(node.errors.count(f'"{event}"') for node in self.nodes) >= times, PATIENCE_S)

    def wait_stored(self, days: int) -> None:
        """Wait until so many more trading days are here, or all."""
        wanted = min(int(str(self.value(STORED))) + days, self.plan.jobs)
        wait_until(lambda: int(str(self.value(STORED))) >= wanted, PATIENCE_S)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.value(RUN_STATUS) not in ("pending", "running")

    def wait_over(self, timeout_s: float) -> bool:
        """Wait for that; whether it is so."""
        with suppress(TimeoutError):
            wait_until(lambda: self.is_over, timeout_s)
        return self.is_over

    def arrivals(self) -> list[float]:
        """When requests reached the provider, oldest first."""
        return sorted(entry.at_s for entry in self.provider.ledger.entries())

    def close(self) -> None:
        for node in list(self.nodes):
            self.kill(node)


def wait_until(is_so: Callable[[], bool], timeout_s: float) -> None:
    """Look until it is so; TimeoutError if that takes too long."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected it within {timeout_s:g} s")
        time.sleep(0.05)


@contextmanager
def kill_ground(plan: Plan, **settings: str) -> Iterator[KillGround]:
    """The ground with its run asked for and nobody there to do it; `settings` are Postgres's own."""
    with swept_directory() as path, SlowProvider(issues=ISSUES, limit=plan.limit) as provider:
        path.chmod(0o711)  # the account that the server runs as has to pass
        server = EmbeddedServer(path / "postgres", clock=SystemClock(), events=NoEvents(), settings=settings)
        server.start()
        try:
            ground = KillGround(plan, server, provider, path)
            try:
                ground.request()
                yield ground
            finally:
                ground.close()
        finally:
            server.stop()
