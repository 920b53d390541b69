"""Sets the scene for tests of the store: a source, a node, groups with runs and jobs, all in a real database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from moomarkets.domain.errors import Reason
from moomarkets.domain.group import GroupDefinition, RunKind
from moomarkets.domain.job import PLAN, Attempt, Failed, Lease, NodeIdentity, PlannedJob, Usage
from moomarkets.domain.limits import Window
from moomarkets.domain.retry import GiveUp, Retry
from moomarkets.domain.source import SourceSpec
from moomarkets.store import executions, groups, jobs, nodes, runs, sources
from moomarkets.store.database import Database

T = TypeVar("T")

LOCAL = 1
START = datetime(2026, 11, 20, tzinfo=UTC)
SPEC = SourceSpec("sim", "Simulator", "", "rest", "http://127.0.0.1", "v1", (Window(5, 60),), (), False)


def after(seconds: float) -> datetime:
    """So many seconds after the start of the scene."""
    return START + timedelta(seconds=seconds)


def nothing(connection: Connection) -> None:
    """Write nothing."""


class Scene:
    """One source, one node, and shortcuts to the store's own functions; by default all happens at `START`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.source_id = database.perform(lambda connection: sources.ensure(connection, SPEC))
        self.node = self.register()
        self._numbers = count(1)

    def do(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function of the store in a transaction of its own."""
        return self.database.perform(lambda connection: work(connection, *args, **kwargs))

    def one(self, sql: str, **parameters: object) -> Any:
        """The first row of a query; an AttributeError at its use where there is none."""
        return self.database.perform(lambda connection: connection.execute(text(sql), parameters).first())

    def execute(self, sql: str, **parameters: object) -> None:
        self.database.perform(lambda connection: connection.execute(text(sql), parameters) and None)

    def register(self, boot_id: str = "", process_start: str = "", pid: int = 1) -> NodeIdentity:
        """A new node; by default one whose death nobody can prove."""
        node = NodeIdentity(uuid4(), "here", pid, boot_id, process_start, "test")
        self.do(nodes.register, node)
        return node

    def group(self, name: str = "", **changes: Any) -> int:
        """A new group; returns its id."""
        definition = GroupDefinition(name or f"group-{next(self._numbers)}", "sim", ("fetch",), **changes)
        return self.do(groups.create, LOCAL, definition)

    def request(self, group_id: int, now: datetime = START) -> int:
        return self.do(runs.request, group_id, uuid4(), RunKind.MANUAL, now)[0]

    def run(self, *keys: str, group_id: int | None = None, now: datetime = START) -> int:
        """A run with one pending job of type `fetch` per key; returns its id."""
        run_id = self.request(group_id or self.group(), now)
        plan = self.admit(run_id, now)
        self.complete(
            plan, write=lambda connection: runs.plan(connection, run_id, planned(*keys), now) and None, now=now
        )
        return run_id

    def admit(self, run_id: int, now: datetime = START) -> Attempt:
        """Start the run; returns the attempt at its plan."""
        assert self.do(runs.admit, run_id, now)
        (plan,) = self.claim(job_types=[PLAN], now=now)
        return plan

    def claim(
        self,
        count: int = 100,
        *,
        claim_id: UUID | None = None,
        job_types: Sequence[str] = ("fetch",),
        node_id: UUID | None = None,
        lease_s: float = 6,
        now: datetime = START,
    ) -> list[Attempt]:
        return self.do(
            jobs.claim,
            node_id=node_id or self.node.id,
            claim_id=claim_id or uuid4(),
            count=count,
            job_types=job_types,
            lease_s=lease_s,
            now=now,
        )

    def complete(
        self,
        attempt: Attempt,
        completion_id: UUID | None = None,
        *,
        usage: Usage | None = None,
        write: Callable[[Connection], None] = nothing,
        now: datetime = START,
    ) -> bool:
        return self.do(executions.complete, attempt, completion_id or uuid4(), usage or Usage(), write, now)

    def fail(
        self,
        attempt: Attempt,
        reason: Reason = Reason.INVALID,
        verdict: Retry | GiveUp | None = None,
        *,
        detail: str = "",
        now: datetime = START,
    ) -> bool:
        failure = Failed(reason, detail, Usage(requests=1))
        return self.do(executions.fail, attempt, uuid4(), failure, verdict or GiveUp(reason), now)

    def counters(self, run_id: int) -> tuple[str, int, int, int, int]:
        """Status, total, completed, failed and cancelled jobs of the run."""
        return tuple(
            self.one(
                "SELECT status, total_jobs, completed_jobs, failed_jobs, cancelled_jobs FROM runs WHERE id = :id",
                id=run_id,
            )
        )

    def job(self, attempt: Attempt | Lease) -> Any:
        """The row of the attempt's job."""
        lease = attempt.lease if isinstance(attempt, Attempt) else attempt
        return self.one("SELECT * FROM jobs WHERE id = :id", id=lease.job_id)

    def execution(self, attempt: Attempt) -> Any:
        return self.one("SELECT * FROM executions WHERE id = :id", id=attempt.lease.execution_id)


def planned(*keys: str, job_type: str = "fetch") -> list[PlannedJob]:
    """Jobs of one type by their keys."""
    return [PlannedJob(key, job_type, f"job {key}", {"key": key}) for key in keys]


def wait_until_blocked(database: Database) -> None:
    """Return as soon as some other connection of this database waits for a lock."""
    asked = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND (database IS NULL OR database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    for _ in range(20_000):
        if database.perform(lambda connection: connection.scalar(asked)):
            return
    raise AssertionError("no connection came to wait for a lock")
