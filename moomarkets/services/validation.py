"""Asks a provider whether it accepts a credential, behind limiters of its own, with or without a running supervisor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TypeVar

from actors import names
from actors.otp.dynamic_supervisor import DynamicSpec, DynamicSupervisor
from actors.otp.thread_runtime import ThreadRuntime
from actors.store_writer import StoreWriter
from moomarkets.domain.clock import Clock
from moomarkets.domain.events import Events
from moomarkets.domain.source import DataSource, SourceSpec
from moomarkets.services.source_clients import Learn, RequestRules, SourceClients
from moomarkets.store import nodes
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring

T = TypeVar("T")

REQUEST_S = 60.0
PERMIT_USE_S = 5.0
LATE_THREAD_S = 2.0


class Validator:
    """Opens what one request needs and closes it again.

    The permit is taken from the rows that all nodes share, so that the limits hold beside a supervisor.
    """

    def __init__(
        self,
        database: Database,
        keyring: LiveKeyring,
        specs: Mapping[str, SourceSpec],
        source_ids: Mapping[str, int],
        clock: Clock,
        events: Events,
        learn: Learn,
    ) -> None:
        self._database, self._keyring, self._specs, self._source_ids = database, keyring, specs, source_ids
        self._clock, self._events, self._learn = clock, events, learn

    def ask(self, user_id: int, source: str) -> bool:
        """Whether the provider accepts the user's credential, from one request."""
        return self.with_client(user_id, source, lambda client: client.validate_credentials())

    def with_client(self, user_id: int, source: str, work: Callable[[DataSource], T]) -> T:
        """What `work` makes of the user's client of that source."""
        runtime = ThreadRuntime(self._clock, self._events)
        node = nodes.identify(runtime.new_id(), "")
        rules = RequestRules(node.id, node.boot_id, REQUEST_S, PERMIT_USE_S)
        with ExitStack() as undo:
            undo.callback(runtime.close, LATE_THREAD_S)
            runtime.start(StoreWriter, self._database, name=names.PERMITS)
            runtime.start(DynamicSupervisor, DynamicSpec(), name=names.LIMITERS)
            clients = SourceClients(
                runtime, self._database, self._keyring, self._specs, self._source_ids, rules, self._learn
            )
            undo.callback(clients.close)
            return work(clients.open(user_id, source))
