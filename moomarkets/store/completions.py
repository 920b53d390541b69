"""Ends attempts that bring no rows, many in one commit: whoever comes while one is under way goes with the next."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain.errors import Fenced
from moomarkets.domain.job import Attempt, Usage
from moomarkets.store.database import Database
from moomarkets.store.executions import already_ended, count_completed
from moomarkets.store.sql import statement

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Completion:
    """One attempt that has done its work. The id was made before the first try, so that a second one is harmless."""

    attempt: Attempt
    id: UUID
    usage: Usage


def complete_many(
    connection: Connection, completions: Sequence[Completion], now: datetime | None = None
) -> list[bool | Fenced]:
    """End all of them in the caller's transaction; says for each whether its run ended, or that it was fenced.

    Locks runs, then jobs, then executions, each in the order of their ids.
    """
    run_ids = sorted({c.attempt.run_id for c in completions if c.attempt.run_id is not None})
    if run_ids:
        connection.execute(text("SELECT 1 FROM runs WHERE id = ANY (:ids) ORDER BY id FOR UPDATE"), {"ids": run_ids})
    ended = set(connection.execute(statement("finish_executions"), _arrays(completions, now)).scalars())
    by_run: dict[int, list[Completion]] = defaultdict(list)
    for completion in completions:
        if completion.attempt.run_id is not None and completion.attempt.lease.execution_id in ended:
            by_run[completion.attempt.run_id].append(completion)
    over = {run_id for run_id, group in sorted(by_run.items()) if _count(connection, run_id, group, now)}
    return [
        completion.attempt.run_id in over
        if completion.attempt.lease.execution_id in ended
        else _already(connection, completion)
        for completion in completions
    ]


class Completions:
    """Lets the threads of attempts commit together: the first commits for all who wait, then one of those goes on.

    Example: `Completions(database).complete(attempt, completion_id, usage)`
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: list[_Entry] = []
        self._is_led = False

    def complete(self, attempt: Attempt, completion_id: UUID, usage: Usage, now: datetime | None = None) -> bool:
        """End the attempt; returns, once that is durable, whether its run ended.

        Raises:
            Fenced: the lease went to somebody else.
            StoreUnavailable: the database is away; to be tried again with the same id.
        """
        entry = _Entry(Completion(attempt, completion_id, usage), now)
        with self._lock:
            self._waiting.append(entry)
            leads, self._is_led = not self._is_led, True
        if not leads:
            entry.turn.wait()
            leads = entry.result is None
        if leads:
            self._lead()
        assert entry.result is not None
        if isinstance(entry.result, Exception):
            raise entry.result
        return entry.result

    def _lead(self) -> None:
        """Commit for all who wait now, oneself among them, and hand over to the first of those who came meanwhile."""
        with self._lock:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        try:
            results: Sequence[bool | Exception] = self._database.perform(
                lambda connection: complete_many(connection, [entry.completion for entry in batch], batch[0].now)
            )
        except Exception as error:  # noqa: BLE001 - each of those who wait has to get it
            results = [error] * len(batch)
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._is_led = following is not None
        for entry, result in zip(batch, results, strict=True):
            entry.result = result
            entry.turn.set()
        if following is not None:
            following.turn.set()


@dataclass(slots=True)
class _Entry:
    """One who waits; woken with a result, or without one to lead."""

    completion: Completion
    now: datetime | None
    turn: threading.Event = field(default_factory=threading.Event)
    result: bool | Exception | None = None


def _arrays(completions: Sequence[Completion], now: datetime | None) -> dict[str, object]:
    leases = [completion.attempt.lease for completion in completions]
    usages = [completion.usage for completion in completions]
    return {
        "now": now,
        "execution_ids": [lease.execution_id for lease in leases],
        "job_ids": [lease.job_id for lease in leases],
        "tokens": [lease.token for lease in leases],
        "completion_ids": [completion.id for completion in completions],
        "requests": [usage.requests for usage in usages],
        "bytes": [usage.bytes for usage in usages],
        "rows": [usage.rows for usage in usages],
        "pages": [usage.pages for usage in usages],
    }


def _count(connection: Connection, run_id: int, completions: Sequence[Completion], now: datetime | None) -> bool:
    rows = sum(completion.usage.rows for completion in completions)
    requests = sum(completion.usage.requests for completion in completions)
    return count_completed(connection, run_id, len(completions), Usage(requests=requests, rows=rows), now)


def _already(connection: Connection, completion: Completion) -> bool | Fenced:
    try:
        return already_ended(connection, completion.attempt, completion.id)
    except Fenced as fenced:
        return fenced
