"""THE SUPERVISION TREE ON ONE PAGE: who is started by whom, in which order, and how often each may be restarted.

root (one_for_one 3/60 s)                 when root gives up, or the fuse blows, the process exits 70
├─ fuse                                   blown by a manager whose process can only be helped by a new one
├─ database                               embedded server only; own back-off
└─ core (rest_for_one 3/60 s)
   ├─ store_writers (no restarts)         writer, leases, permits, rescue_writer: a connection each; what one of them
   │                                      held is lost with it, so whoever waits for it starts anew too
   ├─ limiters (dynamic)                  one RateLimiter per credential, started when needed, also after a crash
   ├─ manager                             never blocks; if it dies the executors below start anew with it
   ├─ executors (one_for_one 20/60 s)     one JobExecutor per slot
   ├─ duties (one_for_one 10/60 s)        claimer, scheduler, rescuer, pruner, custodian, alerter, listener
   └─ web                                 where one is wanted; own back-off: its end costs the others nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors import names
from actors.alerter import Alerter, AlertRules, Look
from actors.claimer import Claimer, ClaimRules
from actors.custodian import Custodian, CustodyRules
from actors.database import DatabaseServer, Server
from actors.endurance import Endurance
from actors.fuse import Fuse
from actors.job_executor import ExecutorRules, JobExecutor, Perform
from actors.job_manager import JobManager
from actors.listener import Listener
from actors.otp.child import ChildSpec, ChildType, Restart
from actors.otp.dynamic_supervisor import DynamicSpec, DynamicSupervisor
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import AutoShutdown, Strategy, SupervisorSpec
from actors.pruner import Pruner, PruneRules
from actors.pulse import Pulse
from actors.rescuer import Rescuer, RescueRules
from actors.scheduler import Scheduler
from actors.store_writer import StoreWriter
from actors.web_server import Site, WebServer
from moomarkets.engines.engine import Engine
from moomarkets.store.database import Database

DATABASE_BACKOFF = (0.5, 30.0)
WEB_BACKOFF = (0.5, 30.0)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the tree is built from. `pools` holds one pool of connections per writer and one for the claimer.

    `server` is the embedded server, None where the database is somebody else's; `listen_url` None: polling alone.
    `prune` None: history is kept for ever. `custody` None: nothing is sealed here. `alert` None: nobody notices what is
    late.
    `endurance` None: as many abandoned attempts as two for each executor.
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
    endurance: Endurance | None = None
    prune: tuple[Database, PruneRules] | None = None
    custody: tuple[Database, CustodyRules] | None = None
    alert: tuple[Database, Look, AlertRules] | None = None
    web: tuple[Site, Pulse] | None = None


def root(parts: Parts) -> SupervisorSpec:
    """The head of the tree."""
    children = [_supervisor("core", _core(parts))]
    if parts.server is not None:
        database = ChildSpec(
            "database", DatabaseServer, (parts.server,), backoff=DATABASE_BACKOFF, start_timeout_s=600.0
        )
        children.insert(0, database)
    fuse = ChildSpec(names.FUSE, Fuse, name=names.FUSE, restart=Restart.TRANSIENT, significant=True)
    return SupervisorSpec(
        Strategy.ONE_FOR_ONE,
        (fuse, *children),
        max_restarts=3,
        max_seconds=60,
        auto_shutdown=AutoShutdown.ANY_SIGNIFICANT,
    )


def _core(parts: Parts) -> SupervisorSpec:
    limiters = ChildSpec(
        names.LIMITERS, DynamicSupervisor, (DynamicSpec(),), type=ChildType.SUPERVISOR, name=names.LIMITERS
    )
    children = [
        _supervisor("store_writers", _store_writers(parts)),
        limiters,
        ChildSpec(names.MANAGER, JobManager, _manager(parts), name=names.MANAGER),
        _supervisor("executors", _executors(parts)),
        _supervisor("duties", _duties(parts)),
    ]
    if parts.web is not None:
        children.append(ChildSpec(names.WEB, WebServer, parts.web, name=names.WEB, backoff=WEB_BACKOFF))
    return SupervisorSpec(Strategy.REST_FOR_ONE, tuple(children), max_restarts=3, max_seconds=60)


def _manager(parts: Parts) -> tuple[object, ...]:
    endurance = parts.endurance or Endurance(2 * parts.executors)
    return (parts.poll_s, parts.executor.lease_s, parts.engine, endurance, None, parts.rescue.crash_limit)


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
    if parts.prune is not None:
        children.append(ChildSpec(names.PRUNER, Pruner, parts.prune, name=names.PRUNER))
    if parts.custody is not None:
        children.append(ChildSpec(names.CUSTODIAN, Custodian, parts.custody, name=names.CUSTODIAN))
    if parts.alert is not None:
        children.append(ChildSpec(names.ALERTER, Alerter, parts.alert, name=names.ALERTER))
    if parts.listen_url is not None:
        children.append(ChildSpec(names.LISTENER, Listener, (parts.listen_url,), name=names.LISTENER))
    return SupervisorSpec(Strategy.ONE_FOR_ONE, tuple(children), max_restarts=10, max_seconds=60)


def _supervisor(id: str, spec: SupervisorSpec) -> ChildSpec:
    return ChildSpec(id, Supervisor, (spec,), type=ChildType.SUPERVISOR)
