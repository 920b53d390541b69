"""What may still be asked of a source, what holds it back, and when the jobs that wait for it will be done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from moomarkets.domain.budget import SourceBudget, done_at
from moomarkets.domain.errors import NotFound
from moomarkets.domain.source import SourceSpec
from moomarkets.store import buckets, budgets, switches
from moomarkets.store.buckets import Bucket
from moomarkets.store.database import Database


class Budgets:
    """The budgets of one user's credentials. `job_sources` tells which source each job type asks.

    Example: `print(*system.sources.budget("jquants").lines(), sep="\\n")`
    """

    def __init__(
        self,
        database: Database,
        specs: Mapping[str, SourceSpec],
        source_ids: Mapping[str, int],
        job_sources: Callable[[], Mapping[str, str]],
        user_id: int,
    ) -> None:
        self._database, self._specs, self._source_ids = database, specs, source_ids
        self._job_sources, self._user_id = job_sources, user_id

    def show(self, code: str) -> SourceBudget:
        """How the source stands now.

        Raises:
            NotFound: there is no such source.
        """
        if code not in self._specs:
            raise NotFound("source", code, sorted(self._specs))
        return self._database.perform(lambda connection: self._read(connection, code))

    def _read(self, connection: Connection, code: str) -> SourceBudget:
        found = buckets.look(connection, self._source_ids[code], self._user_id)
        bucket_id, state = (0, None) if found is None else found
        bucket, at = bucket_of(self._specs[code], bucket_id), budgets.now_of(connection)
        windows = budgets.windows(connection, bucket, state, at)
        job_types = [job_type for job_type, source in self._job_sources().items() if source == code]
        queue = budgets.queue(connection, job_types, self._user_id)
        row = next(row for row in switches.sources(connection) if row["code"] == code)
        is_open = bool(row["is_enabled"]) and not row["is_paused"]
        silent_until = state.until if state is not None and state.is_silent(at) else None
        requests = math.ceil((sum(queue.waiting.values()) + queue.running) * queue.requests_each)
        shared = tuple(window for window in windows if window.endpoint is None)
        return SourceBudget(
            source=code,
            at=at,
            windows=windows,
            is_paused=bool(row["is_paused"]),
            is_enabled=bool(row["is_enabled"]),
            silent_until=silent_until,
            refusals=state.times if state is not None and silent_until is not None else 0,
            share=1.0 if state is None else state.share_at(at, bucket),
            waiting=queue.waiting,
            running=queue.running,
            requests_each=queue.requests_each,
            done_at=done_at(at, requests, shared, silent_until) if queue.waiting and is_open else None,
        )


def bucket_of(spec: SourceSpec, bucket_id: int = 0) -> Bucket:
    """The bucket of a credential for that source, with the windows that the source has."""
    nested = {endpoint.name: endpoint.windows for endpoint in spec.endpoints if endpoint.windows}
    apart = frozenset(endpoint.name for endpoint in spec.endpoints if endpoint.is_apart)
    return Bucket(bucket_id, spec.windows, nested, apart)
