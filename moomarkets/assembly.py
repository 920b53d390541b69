"""Builds what the tree is made of: pools, the engine, and the tools that attempts get."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actors import names
from actors.alerter import AlertRules
from actors.claimer import ClaimRules
from actors.custodian import CustodyRules
from actors.endurance import Endurance
from actors.job_executor import ExecutorRules
from actors.otp.runtime import Runtime
from actors.otp.thread_runtime import ThreadRuntime
from actors.pruner import PruneRules
from actors.rescuer import RescueRules
from actors.tree import Parts
from moomarkets.domain.errors import SettingsError
from moomarkets.domain.job import NodeIdentity
from moomarkets.engines.computations import Computations
from moomarkets.engines.process import ProcessEngine
from moomarkets.engines.thread import ThreadEngine
from moomarkets.installation import Installation
from moomarkets.jobtypes.freshness import Watch
from moomarkets.jobtypes.job_type import JobType, Tools
from moomarkets.jobtypes.perform import perform
from moomarkets.jobtypes.registry import job_types
from moomarkets.services.source_clients import Learn, RequestRules, SourceClients
from moomarkets.services.source_setup import subscriptions
from moomarkets.settings import Settings
from moomarkets.store import nodes
from moomarkets.store.database import Database
from moomarkets.web.address import Address
from moomarkets.web.site import WebSite

if TYPE_CHECKING:
    from moomarkets.web.access import Office

VERSION = "0.1.0"
RUNNER_CONNECTIONS = 10
FORGETTABLE = (names.LEASES,)
"""What these write may be lost when the server crashes: a lease that was not renewed ends a little earlier."""

LATE_THREAD_S = 2.0
"""How long the end of a thread is waited for that did not stop when asked to; it dies with the process."""


def enter_node(installation: Installation, runtime: Runtime, undo: ExitStack) -> NodeIdentity:
    """Register this process as a node; `undo` says that it has left."""
    node = nodes.identify(runtime.new_id(), VERSION)
    installation.reads.perform(lambda connection: nodes.register(connection, node))
    undo.callback(lambda: _leave(installation.reads, node, runtime))
    return node


def build_parts(
    settings: Settings,
    runtime: ThreadRuntime,
    installation: Installation,
    node: NodeIdentity,
    learn: Learn,
    extra: Sequence[JobType],
    undo: ExitStack,
) -> Parts:
    """All that the tree needs, with `extra` job types beside those that are installed.

    `undo` gets what takes each part down again.
    """
    engine = ThreadEngine(runtime.spawn, name="engine")
    processes = ProcessEngine(runtime.spawn, workers=settings.process_workers)
    computations = Computations(processes, runtime.wait_for)
    tools = _tools(settings, runtime, installation, node, learn, extra, undo)
    tools = replace(tools, compute=computations.compute)
    installation.reads.perform(lambda connection: nodes.learn(connection, node.id, tools.job_types))
    writers = (names.WRITER, names.LEASES, names.PERMITS, names.RESCUE_WRITER, names.CLAIMER)
    pools = {name: installation.pool(name, waits_for_disk=name not in FORGETTABLE) for name in writers}
    # The threads end before the pools close: whoever came back late would open a connection again.
    undo.callback(runtime.close, LATE_THREAD_S)
    undo.callback(engine.close)
    undo.callback(computations.close)
    return Parts(
        server=installation.place.server,
        pools=pools,
        claim=ClaimRules(
            node_id=node.id,
            job_types=tuple(tools.job_types),
            lease_s=settings.lease_s,
            poll_s=settings.poll_s,
            at_once=settings.claim_batch,
            sources={name: job_type.source for name, job_type in tools.job_types.items()},
        ),
        rescue=RescueRules(
            node, settings.rescue_every_s, settings.lease_s, settings.crash_limit, settings.long_running_s
        ),
        executor=ExecutorRules(lease_s=settings.lease_s, deadline_s=settings.attempt_deadline_s),
        engine=engine,
        perform=lambda attempt, completion_id, token: perform(attempt, completion_id, tools, token),
        custody=(installation.reads, CustodyRules(node.id, installation.keyring.open, settings.poll_s)),
        prune=(installation.pool("pruner", statement_timeout_s=30.0), _prune_rules(settings)),
        alert=(
            installation.pool("alerter"),
            Watch(tools.job_types, tools.source_ids, tools.subscriptions).look,
            AlertRules(),
        ),
        executors=settings.executors,
        poll_s=settings.poll_s,
        listen_url=installation.place.app_url,
        endurance=Endurance(settings.abandoned_limit or 2 * settings.executors, drain_s=settings.drain_deadline_s),
    )


def open_site(settings: Settings, runtime: Runtime, office: Office, undo: ExitStack) -> WebSite:
    """A web site over the services of `office`: its socket is open, and who serves it is a part of the tree.

    Raises:
        SettingsError: it cannot be had where the settings want it.
    """
    address = Address(settings.web_host, settings.web_port, is_chosen=settings.origin("web_port") != "default")
    try:
        listener = address.listen(runtime.events)
    except SettingsError as error:
        raise settings.spelled(error) from None
    undo.callback(listener.close)

    def application() -> Any:
        from moomarkets.web.app import create_app

        return create_app(office, VERSION)

    return WebSite(runtime, listener, application)


def _prune_rules(settings: Settings) -> PruneRules:
    return PruneRules(settings.prune_every_s, settings.keep_days)


def _tools(
    settings: Settings,
    runtime: Runtime,
    installation: Installation,
    node: NodeIdentity,
    learn: Learn,
    extra: Sequence[JobType],
    undo: ExitStack,
) -> Tools:
    runners = installation.pool("runners", min(settings.executors, RUNNER_CONNECTIONS), statement_timeout_s=30.0)
    rules = RequestRules(node.id, node.boot_id, settings.request_deadline_s, settings.permit_use_s)
    clients = SourceClients(
        runtime, runners, installation.keyring, installation.specs, installation.source_ids, rules, learn
    )
    undo.callback(clients.close)
    return Tools(
        database=runners,
        open_source=clients.open,
        source_ids=installation.source_ids,
        subscriptions=subscriptions(installation.specs, settings.sources),
        job_types=job_types(runtime.events, extra),
        clock=runtime.clock,
        events=runtime.events,
    )


def _leave(database: Database, node: NodeIdentity, runtime: Runtime) -> None:
    """A node that cannot say goodbye is found dead by the others; that must not stop the stop."""
    try:
        database.perform(lambda connection: nodes.leave(connection, node.id))
    except Exception as error:  # noqa: BLE001 - the last step of a stop, whatever the database has come to
        runtime.events.emit("node.leave_failed", error=type(error).__name__)
