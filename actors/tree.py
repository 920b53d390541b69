"""THE SUPERVISION TREE ON ONE PAGE: who is started by whom, in which order, and how often each may be restarted.

root (one_for_one 3/60 s)                 when root gives up the process exits 70
├─ database                               embedded server only; own back-off
└─ core (rest_for_one 3/60 s)
   ├─ store_writers (no restarts)         writer, leases, permits, rescue_writer: a connection each; what one of them
   │                                      held is lost with it, so whoever waits for it starts anew too
   ├─ limiters (dynamic)                  one RateLimiter per credential, started when needed, also after a crash
   ├─ manager                             never blocks; if it dies the executors below start anew with it
   ├─ executors (one_for_one 20/60 s)     one JobExecutor per slot
   └─ duties (one_for_one 10/60 s)        claimer, scheduler, rescuer, listener
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors import names
from actors.claimer import Claimer, ClaimRules
from actors.database import DatabaseServer, Server
from actors.job_executor import ExecutorRules, JobExecutor, Perform
from actors.job_manager import JobManager
from actors.listener import Listener
from actors.otp.child import ChildSpec, ChildType
from actors.otp.dynamic_supervisor import DynamicSpec, DynamicSupervisor
from actors.otp.supervisor import Strategy, Supervisor, SupervisorSpec
from actors.rescuer import Rescuer, RescueRules
from actors.scheduler import Scheduler
from actors.store_writer import StoreWriter
from moomarkets.engines.engine import Engine
from moomarkets.store.database import Database

DATABASE_BACKOFF = (0.5, 30.0)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the tree is built from. `pools` holds one pool of connections per writer and one for the claimer.

    `server` is the embedded server, None where the database is somebody else's; `listen_url` None: polling alone.
    """

    server: Server | None
    pools: Mapping[str, Database]
    claim: ClaimRules
    rescue: RescueRules
    executor: ExecutorRules
    engine: Engine
    perform: Perform
    executors: int
    poll_s: float
    listen_url: str | None


def root(parts: Parts) -> SupervisorSpec:
    """The head of the tree."""
    children = [_supervisor("core", _core(parts))]
    if parts.server is not None:
        database = ChildSpec(
            "database", DatabaseServer, (parts.server,), backoff=DATABASE_BACKOFF, start_timeout_s=600.0
        )
        children.insert(0, database)
    return SupervisorSpec(Strategy.ONE_FOR_ONE, tuple(children), max_restarts=3, max_seconds=60)


def _core(parts: Parts) -> SupervisorSpec:
    return SupervisorSpec(
        Strategy.REST_FOR_ONE,
        (
            _supervisor("store_writers", _store_writers(parts)),
            ChildSpec(
                names.LIMITERS,
                DynamicSupervisor,
                (DynamicSpec(),),
                type=ChildType.SUPERVISOR,
                name=names.LIMITERS,
            ),
            ChildSpec(names.MANAGER, JobManager, (parts.poll_s, parts.executor.lease_s), name=names.MANAGER),
            _supervisor("executors", _executors(parts)),
            _supervisor("duties", _duties(parts)),
        ),
        max_restarts=3,
        max_seconds=60,
    )


def _store_writers(parts: Parts) -> SupervisorSpec:
    writers = (names.WRITER, names.LEASES, names.PERMITS, names.RESCUE_WRITER)
    children = tuple(ChildSpec(name, StoreWriter, (parts.pools[name],), name=name) for name in writers)
    return SupervisorSpec(Strategy.ONE_FOR_ONE, children, max_restarts=0, max_seconds=60)


def _executors(parts: Parts) -> SupervisorSpec:
    slots = [f"x{number}" for number in range(parts.executors)]
    children = tuple(
        ChildSpec(slot, JobExecutor, (slot, parts.engine, parts.perform, parts.executor), name=names.executor(slot))
        for slot in slots
    )
    return SupervisorSpec(Strategy.ONE_FOR_ONE, children, max_restarts=20, max_seconds=60)


def _duties(parts: Parts) -> SupervisorSpec:
    children = [
        ChildSpec(names.CLAIMER, Claimer, (parts.pools[names.CLAIMER], parts.claim), name=names.CLAIMER),
        ChildSpec(names.SCHEDULER, Scheduler, name=names.SCHEDULER),
        ChildSpec(names.RESCUER, Rescuer, (parts.rescue,), name=names.RESCUER),
    ]
    if parts.listen_url is not None:
        children.append(ChildSpec(names.LISTENER, Listener, (parts.listen_url,), name=names.LISTENER))
    return SupervisorSpec(Strategy.ONE_FOR_ONE, tuple(children), max_restarts=10, max_seconds=60)


def _supervisor(id: str, spec: SupervisorSpec) -> ChildSpec:
    return ChildSpec(id, Supervisor, (spec,), type=ChildType.SUPERVISOR)
