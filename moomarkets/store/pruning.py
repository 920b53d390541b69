"""Forgets old history in small steps, each a short transaction of its own; market data are never touched.

The newest run of each group and the newest instant of each schedule stay, however old: the one is what a group shows,
from the other on is counted what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.store.sql import statement

FORGOTTEN_S = 86400.0
"""A node that has not shown itself for so long, and holds nothing, is gone: who died with a boot never says so."""

MOST_NODES = 20


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one step did: how many rows are gone, up to which id it has looked, and whether there is nothing more."""

    count: int
    last_id: int
    is_over: bool


Step = Callable[[Connection, datetime, int, int, int], Pruned]
"""One step over a kind of row: now, the days that history is kept, how many rows at a time, after which id."""


def executions(connection: Connection, now: datetime, keep_days: int, size: int, after: int) -> Pruned:
    """Attempts that ended longer ago than their group, or else `keep_days`, says."""
    return _walk(connection, "prune_executions", now, keep_days, size, after)


def jobs(connection: Connection, now: datetime, keep_days: int, size: int, after: int) -> Pruned:
    """Jobs that stand alone and ended longer ago; those of groups stand for ever."""
    return _walk(connection, "prune_jobs", now, keep_days, size, after)


def occurrences(connection: Connection, now: datetime, keep_days: int, size: int, after: int) -> Pruned:
    """Instants of schedules that are settled."""
    return _delete(connection, "prune_occurrences", now, keep_days, size)


def runs(connection: Connection, now: datetime, keep_days: int, size: int, after: int) -> Pruned:
    """Runs that are over."""
    return _delete(connection, "prune_runs", now, keep_days, size)


def nodes(connection: Connection, now: datetime, keep_days: int, size: int, after: int) -> Pruned:
    """Bury the nodes that nobody has seen for a day, and forget those of which no attempt is left; a few at a time."""
    connection.execute(
        text(
            """
            UPDATE nodes SET stopped_at = :now
            WHERE stopped_at IS NULL AND seen_at < :now - make_interval(secs => :forgotten_s) AND NOT EXISTS (
                SELECT FROM executions WHERE executions.node_id = nodes.id AND executions.status = 'running')
            """
        ),
        {"now": now, "forgotten_s": FORGOTTEN_S},
    )
    gone = connection.execute(
        text(
            """
            DELETE FROM nodes WHERE id IN (
                SELECT id FROM nodes
                WHERE stopped_at < :now - make_interval(days => :keep_days)
                  AND NOT EXISTS (SELECT FROM executions WHERE executions.node_id = nodes.id)
                ORDER BY stopped_at LIMIT :most FOR UPDATE SKIP LOCKED)
            """
        ),
        {"now": now, "keep_days": keep_days, "most": MOST_NODES},
    )
    return Pruned(gone.rowcount, 0, is_over=True)


def quarantine(connection: Connection, now: datetime, keep_days: int, size: int, after: int) -> Pruned:
    """Answers in quarantine that were last seen longer ago, decided or not; a part that is missing is asked for again.

    Of a released one only the bodies go: by its digest the same answer is accepted again.
    """
    values = {"now": now, "keep_days": keep_days, "size": size}
    gone = connection.execute(
        text(
            """
            DELETE FROM quarantine WHERE id IN (
                SELECT id FROM quarantine
                WHERE last_at < :now - make_interval(days => :keep_days) AND status <> 'released'
                ORDER BY last_at LIMIT :size FOR UPDATE SKIP LOCKED)
            """
        ),
        values,
    ).rowcount
    emptied = connection.execute(
        text(
            """
            UPDATE quarantine SET bodies = '{}', is_whole = false WHERE id IN (
                SELECT id FROM quarantine
                WHERE last_at < :now - make_interval(days => :keep_days) AND status = 'released'
                  AND cardinality(bodies) > 0
                ORDER BY last_at LIMIT :size FOR UPDATE SKIP LOCKED)
            """
        ),
        values,
    ).rowcount
    return Pruned(gone + emptied, 0, gone < size and emptied < size)


KINDS: Mapping[str, Step] = {
    "executions": executions,
    "jobs": jobs,
    "occurrences": occurrences,
    "runs": runs,
    "nodes": nodes,
    "quarantine": quarantine,
}
"""The kinds of rows, in the order in which they go: what refers to others first."""


def prune(
    connection: Connection, kind: str, *, keep_days: int, size: int, after: int = 0, now: datetime | None = None
) -> Pruned:
    """One step over the rows of that kind, `size` of them, after that id."""
    at: datetime = now or connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return KINDS[kind](connection, at, keep_days, size, after)


def _walk(connection: Connection, name: str, now: datetime, keep_days: int, size: int, after: int) -> Pruned:
    """Look at the next rows by id, which come in the order of their age, until they are too young for all."""
    least_days = _least_days(connection, keep_days)
    values = {"now": now, "keep_days": keep_days, "least_days": least_days, "size": size, "after": after}
    row = connection.execute(statement(name), values).one()
    return Pruned(row.pruned, row.last_id or after, row.is_over)


def _delete(connection: Connection, name: str, now: datetime, keep_days: int, size: int) -> Pruned:
    values = {"now": now, "keep_days": keep_days, "least_days": _least_days(connection, keep_days), "size": size}
    gone = connection.execute(statement(name), values).rowcount
    return Pruned(gone, 0, gone < size)


def _least_days(connection: Connection, keep_days: int) -> int:
    """How long whatever is forgotten first is kept."""
    found: int = connection.execute(
        text("SELECT least(:keep_days, min(keep_days)) FROM job_groups"), {"keep_days": keep_days}
    ).scalar_one()
    return found
