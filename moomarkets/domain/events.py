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
        "supervisor.finished",
        "supervisor.gave_up",
        "hook.failed",
        "server.crashed",
        "server.message_unexpected",
        "server.killed",
        "server.slow",
        "subscriber.failed",
        "trace.failed",
        # actors
        "clock.stepped",
        "drain.begun",
        "engine.exhausted",
        "engine.recovered",
        "history.pruned",
        "job.abandoned",
        "job.completed",
        "job.failed",
        "job.expired",
        "job.fenced",
        "job.long_running",
        "job.parked",
        "job.put_back",
        "job.rescued",
        "listener.lost",
        "node.gave_up",
        "occurrence.booked",
        "occurrence.skipped",
        "rescue.failed",
        "run.skipped",
        "run.waiting",
        "runs.look_failed",
        "schedule.failed",
        "schedule.invalid",
        "source.allowance_learnt",
        "source.silenced",
        "store.recovered",
        "store.refused",
        "store.unavailable",
        "dataset.overdue",
        "dataset.recovered",
        # jobtypes, services
        "access.refused",
        "access.window_learnt",
        "credential.refused",
        "corporate_action.corrected",
        "dataset.corrected",
        "quarantine.entered",
        "limiter.not_started",
        "plugin.failed",
        # store
        "keyring.created",
        "keyring.reread",
        "migration.applied",
        "migration.waiting",
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
        "lookup.abandoned",
        "source.cursor_refused",
        "source.fetched",
        "source.oddities_found",
        # web
        "web.port_unavailable",
        "web.request_failed",
        # assembly, installation, system, supervisor
        "credential.missing",
        "credential.readable",
        "credential.rejected",
        "credential.unreadable",
        "drain.timed_out",
        "failpoints.armed",
        "keyring.rejected",
        "node.leave_failed",
        "stop.timed_out",
        "supervisor.not_started",
        "tree.gave_up",
        "tree.stop_failed",
    }
)
