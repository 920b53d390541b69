"""One life of the system: groups, schedules, people and faults for some minutes, then calm until all must be done."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Row, text

from actors.otp.simulation import Simulation, Task
from moomarkets.domain.errors import Conflict, InvalidInput
from moomarkets.domain.group import GroupDefinition, RunKind
from moomarkets.store import groups, job_switch, retries, runs, sources, switches
from moomarkets.store.database import Database
from moomarkets.store.enqueue import enqueue
from tests.sim import faults
from tests.sim.books import Books, Broken
from tests.sim.node import USER, Node, Rhythm
from tests.sim.provider import FETCH, SPEC, Provider
from tests.sim.weather import Weather

STORM_S = 240.0
MOST_FAULTS = 32
CALM_S = 3600.0
LOOK_EVERY_S = 5.0
RESTART_AFTER_S = 3.0
SETTLE_S = 60.0
FORGET = """
    DELETE FROM sim_rows WHERE run_id IN (SELECT runs.id FROM runs JOIN job_groups ON job_groups.id = job_group_id
                                          WHERE job_groups.name = :group)
"""
TABLES = (
    "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE schemaname = 'public'"
    " AND tablename NOT IN ('alembic_version', 'users')"
)


def prepare(owner: psycopg.Connection) -> None:
    """Add the table in which every committed fetch leaves a row; nothing keeps it from holding one twice."""
    owner.execute("CREATE TABLE IF NOT EXISTS sim_rows (run_id bigint, key text, execution_id bigint)")
    owner.execute("GRANT SELECT, INSERT, DELETE ON sim_rows TO app")


class Life:
    """One seed's life; `run` returns when it is over and raises `Broken` if a promise was."""

    rhythm = Rhythm()

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
        self.others: list[str] = []
        self._founded = 0
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

    def set_system_enabled(self, is_enabled: bool) -> None:
        """Switch the whole system off or on."""
        self._do(lambda connection: switches.set_enabled(connection, is_enabled))

    def set_source_paused(self, is_paused: bool) -> None:
        """Let the provider rest, or ask it again."""
        self._do(lambda connection: switches.set_source_paused(connection, SPEC.code, is_paused))

    def meddle(self, how: Callable[[Connection, int, datetime], object]) -> None:
        """Do that to some job; a refusal is an answer."""
        ids = [row.id for row in self._all("SELECT id FROM jobs ORDER BY id")]
        if ids:
            job_id = self.world.chance.choice(ids)
            with suppress(Conflict, InvalidInput):
                self._do(lambda connection: how(connection, job_id, self._sql_now()))

    def found_another(self) -> None:
        """Make one more group, which nobody depends on, and ask for a run of it."""
        self._founded += 1
        name = f"other-{self._founded}"
        self._create(name, self.world.chance, schedule=self.world.chance.choice([None, {"every_s": 40}]))
        self.others.append(name)
        self.request(name)

    def delete_another(self) -> None:
        """Delete one of those, with what it has brought."""
        if not self.others:
            return
        name = self.others.pop(self.world.chance.randrange(len(self.others)))
        self.groups.remove(name)

        def work(connection: Connection) -> None:
            connection.execute(text(FORGET), {"group": name})
            groups.delete(connection, USER, name, self._sql_now())

        self._do(work)

    def enqueue(self) -> None:
        """Queue a job that stands alone."""
        chance, now = self.world.chance, self._sql_now()
        key = str(UUID(int=chance.getrandbits(128), version=4))
        unique_key = chance.choice([None, "a", "b"])
        terms = {"due_at": now + timedelta(seconds=chance.choice([0, 0, 20, 90])), "retry_delay_s": 2}
        self._do(lambda connection: enqueue(connection, FETCH, {}, key=key, unique_key=unique_key, **terms))

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
            max_parallel=chance.choice([None, None, 1, 2]),
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
        self.set_system_enabled(True)
        self.set_source_paused(False)
        for group in self.groups:
            self.pause(group, is_paused=False)
        for row in self._all("SELECT id FROM jobs WHERE status = 'paused' OR NOT is_enabled ORDER BY id"):
            self._go_on(row.id)
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

    def _go_on(self, job_id: int) -> None:
        """Take back what was done to the job."""

        def work(connection: Connection) -> None:
            job_switch.resume_job(connection, job_id, self._sql_now())
            job_switch.set_enabled(connection, job_id, True, self._sql_now())

        self._do(work)

    def _look_after_nodes(self) -> None:
        """What a service manager does: start again whatever has ended."""
        self.nodes = [node for node in self.nodes if node.is_alive]
        while len(self.nodes) < self._wanted:
            self._born += 1
            node = Node(
                self.world,
                f"node-{self._born}",
                self._database,
                self.weather,
                self.provider,
                self._source_id,
                self.rhythm,
            )
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

    def _all(self, sql: str) -> Sequence[Row[Any]]:
        return self._database.perform(lambda connection: connection.execute(text(sql)).all())

    def _sql_now(self) -> datetime:
        return self.world.wall(self.world.database_skew_s)
