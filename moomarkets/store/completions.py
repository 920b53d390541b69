"""Ends attempts that bring no rows, many in one statement, each behind its own fence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain.errors import Fenced
from moomarkets.domain.job import Attempt, Usage
from moomarkets.store.executions import already_ended, count_completed
from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class Completion:
    """One attempt that has done its work. The id was made before the first try, so that a second one is harmless."""

    attempt: Attempt
    id: UUID
    usage: Usage
    now: datetime | None = None


def complete_many(connection: Connection, completions: Sequence[Completion]) -> list[bool | Fenced]:
    """End all of them in the caller's transaction; says for each whether its run ended, or that it was fenced.

    Locks runs, then jobs, then executions, each in the order of their ids.
    """
    now = completions[0].now
    run_ids = sorted({c.attempt.run_id for c in completions if c.attempt.run_id is not None})
    if run_ids:
        connection.execute(
            text("SELECT 1 FROM runs WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE"), {"ids": run_ids}
        )
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
