"""The names of everything that is reported, and the sink that code reports to.

Code emits events; one place (`moomarkets.logs`) turns them into log lines.
"""

from __future__ import annotations

from typing import Protocol


class Events(Protocol):
    """Where events go; injected. Must be quick, thread-safe and never raise."""

    def emit(self, name: str, /, **fields: object) -> None:
        """Report `name` (one of `NAMES`) with plain values; no secret, no whole payload."""


class NoEvents:
    """Drops every event: for embedding without logs, and for small tests."""

    def emit(self, name: str, /, **fields: object) -> None:
        """Drop it."""


NAMES = frozenset(
    {
        # actors.otp
        "child.started",
        "child.terminated",
        "child.start_failed",
        "child.shutdown_failed",
        "supervisor.gave_up",
        "server.crashed",
        "server.message_unexpected",
        "server.killed",
        # store.keyring_file
        "keyring.created",
        # store.embedded
        "database.account_created",
        "database.initialized",
        "database.leftover_found",
        "database.pid_file_removed",
        "database.programs_copied",
        "database.recovering",
        "database.started",
        "database.stopped",
        # datasources
        "source.fetched",
        "source.oddities_found",
    }
)
