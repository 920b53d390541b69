"""Ends attempts that bring no rows, many in one statement, each behind its own fence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain import failpoints
from moomarkets.domain.errors import Fenced
from moomarkets.domain.job import Attempt, Usage
from moomarkets.store import parallel
from moomarkets.store.executions import already_ended, count_completed
from moomarkets.store.run_locks import LockedRun, lock_runs
from moomarkets.store.sql import statement


@dataclass(frozen=True, slots=True)
class Completion:
    """One attempt that has done its work. The id was made before the first try, so that a second one is harmless."""

    attempt: Attempt
    id: UUID
    usage: Usage
    now: datetime | None = None
    lasted_s: float | None = None
    """How long its code has run."""


def complete_many(connection: Connection, completions: Sequence[Completion]) -> list[bool | Fenced]:
    """End all of them in the caller's transaction; says for each whether its run ended, or that it was fenced.

    Locks the runs with their groups, then jobs, then executions, each in the order of their ids.
    """
    now = completions[0].now
    if len(completions) > 1:
        # A plan that was made while there were few jobs would be kept, and is very slow once there are many.
        connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    runs = lock_runs(connection, {c.attempt.run_id for c in completions if c.attempt.run_id is not None})
    ended = set(connection.execute(statement("finish_executions"), _arrays(completions, now)).scalars())
    by_run: dict[int, list[Completion]] = defaultdict(list)
    for completion in completions:
        if completion.attempt.run_id is not None and completion.attempt.lease.execution_id in ended:
            by_run[completion.attempt.run_id].append(completion)
    over = {run_id for run_id, group in sorted(by_run.items()) if _count(connection, runs[run_id], group, now)}
    failpoints.hit("finish_before_commit")
    return [
        completion.attempt.run_id in over
        if completion.attempt.lease.execution_id in ended
        else _already(connection, completion)
        for completion in completions
    ]


def complete_chunks(connection: Connection, chunks: Sequence[Sequence[Completion]]) -> list[list[bool | Fenced]]:
    """The same for many that come in chunks, none of them empty; says it chunk by chunk."""
    results = iter(complete_many(connection, [completion for chunk in chunks for completion in chunk]))
    return [[next(results) for _ in chunk] for chunk in chunks]


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
        "written": [usage.rows_written for usage in usages],
        "pages": [usage.pages for usage in usages],
        "lasted_s": [completion.lasted_s for completion in completions],
    }


def _count(connection: Connection, run: LockedRun, completions: Sequence[Completion], now: datetime | None) -> bool:
    usages = [completion.usage for completion in completions]
    used = Usage(
        requests=sum(usage.requests for usage in usages),
        rows=sum(usage.rows for usage in usages),
        written=sum(usage.rows_written for usage in usages),
    )
    if run.is_limited:
        parallel.release(connection, run.id, len(completions), now)
    return count_completed(connection, run.id, len(completions), used, now)


def _already(connection: Connection, completion: Completion) -> bool | Fenced:
    try:
        return already_ended(connection, completion.attempt, completion.id)
    except Fenced as fenced:
        return fenced
