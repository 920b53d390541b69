"""One life of the system: groups, schedules, people and faults for some minutes, then calm until all must be done."""

from __future__ import annotations

import random
from collections.abc import Sequence
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from actors.otp.simulation import Simulation, Task
from moomarkets.domain.group import GroupDefinition, RunKind
from moomarkets.store import groups, retries, runs, sources
from moomarkets.store.database import Database
from tests.sim import faults
from tests.sim.books import Books, Broken
from tests.sim.node import USER, Node
from tests.sim.provider import FETCH, SPEC, Provider
from tests.sim.weather import Weather

STORM_S = 240.0
MOST_FAULTS = 32
CALM_S = 3600.0
LOOK_EVERY_S = 5.0
RESTART_AFTER_S = 3.0
SETTLE_S = 60.0
TABLES = (
    "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public'"
    " AND tablename NOT IN ('alembic_version', 'users')"
)


def prepare(owner: psycopg.Connection) -> None:
    """Add the table in which every committed fetch leaves a row; nothing keeps it from holding one twice."""
    owner.execute("CREATE TABLE IF NOT EXISTS sim_rows (run_id bigint, key text, execution_id bigint)")
    owner.execute("GRANT SELECT, INSERT ON sim_rows TO app")


class Life:
    """One seed's life; `run` returns when it is over and raises `Broken` if a promise was."""

    def __init__(
        self, seed: int, database: Database, owner: psycopg.Connection, kinds: Sequence[str] = (), node_count: int = 0
    ) -> None:
        tables = owner.execute(TABLES).fetchone()
        assert tables is not None
        owner.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY")
        self.world = Simulation(seed)
        self.world.on_step = self._after_step
        self.weather, self.provider = Weather(), Provider()
        self.nodes: list[Node] = []
        self.groups: list[str] = []
        self.has_stepped = False
        self._database = database
        self._wanted = node_count or self.world.chance.choice([1, 1, 2])
        self._born = 0
        self._plan = faults.plan(self.world.chance, STORM_S, MOST_FAULTS, kinds)
        self._source_id = database.perform(lambda connection: sources.ensure(connection, SPEC))
        self.books = Books(self, database)

    def run(self) -> None:
        """Storm, then calm, then the audit."""
        try:
            self._found_groups()
            self._storm()
            self._calm()
            self.books.audit()
        except Broken:
            raise
        except Exception as error:
            raise Broken(f"the simulation itself failed: {type(error).__name__}: {error}") from error
        finally:
            self.world.close()

    # What people do, without asking the tree: as the command line does beside a running supervisor.

    def request(self, group: str) -> None:
        """Ask for a run of the group."""
        key = UUID(int=self.world.chance.getrandbits(128), version=4)
        self._do(
            lambda connection: runs.request(
                connection, self._id(connection, group), key, RunKind.MANUAL, self._sql_now()
            )
        )

    def cancel(self, group: str) -> None:
        """Cancel the group's run, if it has one."""

        def work(connection: Connection) -> None:
            active = runs.active(connection, self._id(connection, group))
            if active is not None:
                runs.cancel(connection, active, self._sql_now())

        self._do(work)

    def pause(self, group: str, *, is_paused: bool) -> None:
        """Pause the group or let it go on."""
        self._do(lambda connection: groups.set_paused(connection, self._id(connection, group), is_paused))

    def retry_failed(self) -> None:
        """Put failed jobs of the newest runs back to work."""
        self._do(lambda connection: retries.retry_failed(connection, USER, None, self._sql_now()))

    # Its course.

    def _found_groups(self) -> None:
        chance = self.world.chance
        self._create("up", chance)
        self._create("down", chance, depends_on=("up",))
        self._create("tick", chance, most_keys=2, schedule={"every_s": 25})
        for group in ("up", "down"):
            self.request(group)

    def _create(self, name: str, chance: random.Random, most_keys: int = 8, **given: object) -> None:
        keys = [f"{name}-{number}" for number in range(chance.randint(1, most_keys))]
        definition = GroupDefinition(
            name,
            SPEC.code,
            (FETCH,),
            scope={"keys": keys},
            max_retries=chance.randint(0, 3),
            retry_delay_s=5,
            **given,  # type: ignore[arg-type]
        )
        self._do(lambda connection: groups.create(connection, USER, definition, self.world.wall()))
        self.groups.append(name)

    def _storm(self) -> None:
        while self.world.now_s < STORM_S:
            self._look_after_nodes()
            self.world.run_for(LOOK_EVERY_S)
            self.books.look()

    def _calm(self) -> None:
        """Nothing goes wrong any more: now everything that was asked for has to come to an end."""
        self.world.note("calm")
        self._plan.clear()
        self.weather.calm()
        self.provider.has_bad_day = False
        for group in self.groups:
            self.pause(group, is_paused=False)
        until_s = self.world.now_s + CALM_S
        while not self.books.is_all_done():
            if self.world.now_s > until_s:
                raise Broken(f"not done {CALM_S:.0f} s after the last fault: {self.books.open_work()}")
            # What waits for a group that failed goes on once that group has had a good run.
            if self.books.has_failed("up"):
                self.request("up")
            self._look_after_nodes()
            self.world.run_for(LOOK_EVERY_S)
            self.books.look()
        self._look_after_nodes()
        # Who is still frozen has to come back first.
        thawed_s = max(max(task.frozen_until, task.machine.frozen_until) for task in self.world.tasks())
        self.world.run_for(max(thawed_s - self.world.now_s, 0.0) + SETTLE_S)

    def _look_after_nodes(self) -> None:
        """What a service manager does: start again whatever has ended."""
        self.nodes = [node for node in self.nodes if node.is_alive]
        while len(self.nodes) < self._wanted:
            self._born += 1
            node = Node(self.world, f"node-{self._born}", self._database, self.weather, self.provider, self._source_id)
            if not node.start():
                node.runtime.die()
                self.world.run_for(RESTART_AFTER_S)
                continue
            self.nodes.append(node)

    def _after_step(self, task: Task) -> None:
        while self._plan and self._plan[0].at_s <= self.world.now_s:
            fault = self._plan.pop(0)
            self.world.note(f"fault: {fault.kind}")
            faults.FAULTS[fault.kind](self)

    def _do(self, work: object) -> None:
        self._database.perform(work)  # type: ignore[arg-type]  # any function of a connection

    def _id(self, connection: Connection, group: str) -> int:
        return int(groups.find(connection, USER, group).id)  # type: ignore[call-overload]

    def _sql_now(self) -> object:
        return self.world.wall(self.world.database_skew_s)
