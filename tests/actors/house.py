"""The real tree over a test's own database, with job code that the test writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from actors import job_manager, names, tree
from actors.claimer import ClaimRules
from actors.job_executor import ExecutorRules
from actors.otp.reasons import SHUTDOWN
from actors.otp.ref import Ref
from actors.otp.supervisor import Supervisor
from actors.otp.thread_runtime import ThreadRuntime
from actors.rescuer import RescueRules
from actors.tree import Parts
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Fenced
from moomarkets.domain.job import PLAN, Attempt, Ending, LostLease, Succeeded, Usage
from moomarkets.engines.thread import ThreadEngine
from moomarkets.store import executions, runs
from moomarkets.store.database import Database
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import WORK, Books

Code = Callable[[Attempt, CancelToken], object]
WRITERS = (names.WRITER, names.LEASES, names.PERMITS, names.RESCUE_WRITER, names.CLAIMER)


@dataclass
class House:
    """A running tree; `stop` takes everything down."""

    books: Books
    runtime: ThreadRuntime
    events: RecordedEvents
    engine: ThreadEngine
    pools: dict[str, Database]
    root: Ref

    def status(self) -> dict[str, Any]:
        """What the manager says of itself."""
        return job_manager.status(self.runtime)

    def stop(self) -> None:
        """Stop the tree, without a drain."""
        if self.root.is_alive:
            self.runtime.stop(self.root, SHUTDOWN)
        self.engine.close()
        late = self.runtime.close(5)
        for pool in self.pools.values():
            pool.close()
        assert late == []


def build(books: Books, code: Code, events: RecordedEvents, **given: Any) -> House:
    """Start the tree; `given` replaces parts of it, and the times that are slow on purpose in production."""
    runtime = ThreadRuntime(given.pop("clock", None), events)
    engine = ThreadEngine(runtime.spawn)
    pools = {name: Database(books.url, purpose=name, pool_size=1) for name in WRITERS}
    pools["runners"] = Database(books.url, purpose="runners", pool_size=4)
    parts = Parts(
        server=None,
        pools=pools,
        claim=ClaimRules(books.node.id, (WORK, PLAN), lease_s=6, poll_s=60),
        rescue=RescueRules(books.node, every_s=0.1, lease_s=6, crash_limit=5),
        executor=ExecutorRules(lease_s=6),
        engine=engine,
        perform=lambda attempt, completion_id, token: _perform(pools["runners"], code, attempt, completion_id, token),
        executors=2,
        poll_s=60,
        listen_url=None,
    )
    root = runtime.start(Supervisor, tree.root(replace(parts, **given)), name="root")
    assert root is not None
    return House(books, runtime, events, engine, pools, root)


def _perform(database: Database, code: Code, attempt: Attempt, completion_id: UUID, token: CancelToken) -> Ending:
    """Do what the test wrote, then end the attempt in the store; a plan plans nothing."""
    if attempt.job_type != PLAN:
        code(attempt, token)
    token.check()

    def write(connection: Connection) -> None:
        if attempt.job_type == PLAN and attempt.run_id is not None:
            runs.plan(connection, attempt.run_id, [])

    usage = Usage(rows=1)
    try:
        run_ended = database.perform(
            lambda connection: executions.complete(connection, attempt, completion_id, usage, write)
        )
    except Fenced:
        return LostLease()
    return Succeeded(usage, run_ended)
