"""The switches of the system and of its sources: kept in rows, so they last over restarts and hold on every node."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from moomarkets.domain.errors import NotFound
from moomarkets.store.notify import SWITCHES, notify
from moomarkets.store.reports import Record
from moomarkets.store.sql import statement


def is_enabled(connection: Connection) -> bool:
    """Whether the system takes up work at all."""
    return not connection.scalar(text("SELECT EXISTS (SELECT FROM scheduler_settings WHERE NOT is_enabled)"))


def set_enabled(connection: Connection, is_enabled: bool) -> None:
    """Switch the whole on or off: off, nothing is booked, started or claimed on any node."""
    connection.execute(
        text(
            """
            INSERT INTO scheduler_settings (is_enabled) VALUES (:is_enabled)
            ON CONFLICT (is_only) DO UPDATE SET is_enabled = excluded.is_enabled, updated_at = clock_timestamp()
            """
        ),
        {"is_enabled": is_enabled},
    )
    notify(connection, SWITCHES)


def set_source_paused(connection: Connection, code: str, is_paused: bool) -> None:
    """Let a source rest, or go on: meanwhile nothing is asked of it.

    Raises:
        NotFound: there is no such source.
    """
    _set_source(connection, "is_paused", code, is_paused)


def set_source_enabled(connection: Connection, code: str, is_enabled: bool) -> None:
    """Switch a source on or off for good.

    Raises:
        NotFound: there is no such source.
    """
    _set_source(connection, "is_enabled", code, is_enabled)


SHOWN = ("code", "name", "description", "is_enabled", "is_paused", "base_url", "limits", "silent_until")
"""What `sources` says of each."""


def sources(connection: Connection) -> list[Record]:
    """Each source with its switches, its limits, and until when a 429 keeps it silent."""
    rows = connection.execute(
        text(
            """
            SELECT code, name, description, is_enabled, is_paused, base_url, config -> 'limits' AS limits,
                   (SELECT max(silent_until) FROM permit_buckets
                    WHERE data_source_id = data_sources.id AND silent_until > clock_timestamp()) AS silent_until
            FROM data_sources ORDER BY code
            """
        )
    )
    return [dict(row) for row in rows.mappings()]


def resting(connection: Connection, sources: Mapping[int, str]) -> set[int]:
    """Which of these claimed jobs may not start now: their group, their source or everything is paused or off.

    `sources` has for each job the source that its job type asks, "" for none.
    """
    found = connection.execute(
        statement("read_resting_jobs"), {"job_ids": list(sources), "sources": list(sources.values())}
    )
    return set(found.scalars())


def _set_source(connection: Connection, column: str, code: str, value: bool) -> None:
    changed = connection.execute(
        text(
            f"UPDATE data_sources SET {column} = :value, updated_at = clock_timestamp()"  # noqa: S608 - a name of ours
            " WHERE code = :code"
        ),
        {"code": code, "value": value},
    )
    if changed.rowcount == 0:
        known = connection.execute(text("SELECT code FROM data_sources ORDER BY code")).scalars()
        raise NotFound("source", code, list(known))
    notify(connection, SWITCHES)
