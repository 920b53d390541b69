"""What each user may ask of each source: learnt from refusals, kept in the store, remembered for a moment."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from sqlalchemy import Connection

from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import Reason, SourceError, StoreUnavailable
from moomarkets.domain.events import Events
from moomarkets.domain.learnt import WHOLE, Learnt, Readable
from moomarkets.domain.source import Endpoint, SourceSpec, Subscription
from moomarkets.store import learnt, sources
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database

REMEMBERED_S = 30.0


class Access:
    """One for all attempts of a process; thread-safe. Another node's lessons are seen half a minute later."""

    def __init__(
        self, database: Database, subscriptions: Mapping[str, Subscription], clock: Clock, events: Events
    ) -> None:
        self._database, self._subscriptions, self._clock, self._events = database, subscriptions, clock, events
        self._lock = threading.Lock()
        self._remembered: dict[Owner, tuple[float, Learnt]] = {}

    def known(self, owner: Owner, source: str) -> Learnt:
        """What holds now."""
        now_s = self._clock.monotonic()
        with self._lock:
            read_at_s, found = self._remembered.get(owner, (float("-inf"), Learnt()))
        if now_s - read_at_s < REMEMBERED_S:
            return found
        try:
            found = self._database.perform(lambda connection: self._read(connection, owner, source))
        except StoreUnavailable:
            # The provider will say it again; a result can wait for the database.
            return found
        with self._lock:
            self._remembered[owner] = (now_s, found)
        return found

    def _read(self, connection: Connection, owner: Owner, source: str) -> Learnt:
        return learnt.read(connection, owner, self._label(source), self._clock.now())

    def learn(self, owner: Owner, spec: SourceSpec, endpoint: Endpoint, error: SourceError) -> Readable | None:
        """Keep what a refusal says; returns the window that it names, None for any other error."""
        label, now = self._label(spec.code), self._clock.now()
        if error.reason is not Reason.PLAN_RESTRICTED:
            return None
        fields = {"source": spec.code, "endpoint": endpoint.name}
        if error.readable is None:
            self._database.perform(lambda connection: learnt.keep_refusal(connection, owner, endpoint.name, label, now))
            self._events.emit("access.refused", **fields)
        else:
            # What lies beside a plan has a window of its own.
            scope = endpoint.name if endpoint.plan in spec.add_ons else WHOLE
            window = Readable(*error.readable)
            self._database.perform(lambda connection: learnt.keep_window(connection, owner, scope, window, label, now))
            self._events.emit("access.window_learnt", **fields, window=str(window))
        with self._lock:
            self._remembered.pop(owner, None)
        return Readable(*error.readable) if error.readable else None

    def refuse_credential(self, owner: Owner, source: str) -> None:
        """The provider has refused the credential: what needs it waits until it is given anew or accepted."""
        if self._database.perform(lambda connection: sources.refuse(connection, owner.user_id, owner.source_id)):
            self._events.emit("credential.refused", source=source)

    def _label(self, source: str) -> str:
        return self._subscriptions.get(source, Subscription()).label
