"""Shows a session: a live table on a terminal, a line for each change where the output is piped, and a summary."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from moomarkets.services.progress import Snapshot
from moomarkets.store.reports import Record

MOST_LINES = 10


class Display(Protocol):
    """Something that shows snapshots as they come, and a summary at the end."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how things stand."""

    def close(self) -> None:
        """Show no more."""


class LiveDisplay:
    """A table that redraws itself in place."""

    def __init__(self, console: Console) -> None:
        # Log lines on the same terminal are printed above the table; those that go elsewhere stay there.
        is_shared = sys.stderr.isatty()
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=is_shared
        )
        self._live.start()

    def show(self, snapshot: Snapshot) -> None:
        self._live.update(_progress_table(snapshot.groups), refresh=True)

    def close(self) -> None:
        self._live.stop()


class StandardError(io.TextIOBase):
    """Standard error as it is at each write: a live display puts itself before it while it shows."""

    def write(self, text: str, /) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


class PlainDisplay:
    """One line whenever a group's state or a tenth of its jobs has changed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown: dict[object, tuple[object, ...]] = {}

    def show(self, snapshot: Snapshot) -> None:
        for group in snapshot.groups:
            total, done = _count(group, "total_jobs"), _count(group, "completed_jobs")
            mark = (
                group["run_id"],
                group["run_status"],
                group["blocked_by"],
                total,
                10 * done // total if total else 0,
            )
            if self._shown.get(group["name"], (None, None, None, 0, 0)) != mark:
                self._shown[group["name"]] = mark
                print(f"{group['name']}: {_state(group)}, {done}/{total} jobs, {_rows(group)} rows", file=self._stream)
        self._stream.flush()

    def close(self) -> None:
        """Nothing is kept on the screen."""


def print_summary(
    console: Console, snapshot: Snapshot, datasets: dict[str, int], troubled: Sequence[Record] = ()
) -> None:
    """What the session has done, what the database holds now, and why something remains, if it does.

    `troubled` are jobs that failed or wait for another try.
    """
    table = Table(title="runs of this session", title_justify="left")
    for column in ("group", "state", "jobs", "failed", "rows changed", "requests", "seconds"):
        table.add_column(column, justify="left" if column in ("group", "state") else "right")
    for run in snapshot.runs:
        table.add_row(
            escape(str(run["job_group"])),
            "waits" if run["blocked_by"] else str(run["status"]),
            f"{run['completed_jobs']}/{run['total_jobs']}",
            str(run["failed_jobs"]),
            f"{_count(run, 'rows_written'):,}",
            str(run["requests"]),
            _seconds(run),
        )
    if snapshot.runs:
        console.print(table)
    else:
        console.print("nothing was due")
    if snapshot.runs and snapshot.is_all_done and snapshot.requests == 0:
        console.print("everything is here already: nothing new is published, no request was sent")
    held = ", ".join(f"{rows:,} {name}" for name, rows in datasets.items() if rows)
    console.print(f"in the database: {held or 'nothing yet'}", soft_wrap=True)
    for line in [*_errors(snapshot.runs), *_failed_before(snapshot), *_troubles(snapshot.runs, troubled)]:
        console.print(line, markup=False, soft_wrap=True)


def _progress_table(groups: list[Record]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("group", "state", "", "jobs", "rows"):
        table.add_column(column, justify="right" if column in ("jobs", "rows") else "left")
    # One line, whatever it says: the table must not jump.
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for group in groups:
        total, done = _count(group, "total_jobs"), _count(group, "completed_jobs")
        bar = ProgressBar(
            total=max(total, 1), completed=done if total else int(group["run_status"] == "completed"), width=30
        )
        name, state = escape(str(group["name"])), "waits" if _is_blocked(group) else str(group["status"])
        table.add_row(name, state, bar, f"{done}/{total}", _rows(group), escape(_note(group)))
    return table


def _state(group: Record) -> str:
    """The group's state in words; what it waits for, where it waits."""
    return f"waits for {group['blocked_by']}" if _is_blocked(group) else str(group["status"])


def _note(group: Record) -> str:
    """What a group waits for; of one that has nothing to do, when that will change."""
    if _is_blocked(group):
        return f"for {group['blocked_by']}"
    due_at = group["next_run_at"]
    is_over = group["run_status"] not in ("pending", "running")
    return f"next {_minute(due_at)}" if is_over and isinstance(due_at, datetime) else ""


def _is_blocked(group: Record) -> bool:
    return group["run_status"] == "pending" and bool(group["blocked_by"])


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _rows(group: Record) -> str:
    return f"{_count(group, 'rows_written'):,}"


def _count(record: Record, name: str) -> int:
    return int(str(record[name]))


def _seconds(run: Record) -> str:
    started, completed = run["started_at"], run["completed_at"]
    if not isinstance(started, datetime) or not isinstance(completed, datetime):
        return ""
    return f"{(completed - started).total_seconds():.1f}"


def _errors(runs: list[Record]) -> list[str]:
    """What runs wait for, and why they failed where no job can say so."""
    return [
        f"{run['job_group']}: waits for {run['blocked_by']}"
        if run["blocked_by"]
        else f"{run['job_group']}: {run['error_message']}"
        for run in runs
        if run["blocked_by"] or run["error_message"]
    ]


def _failed_before(snapshot: Snapshot) -> list[str]:
    """Groups whose newest run failed before this session: what remains would have no name else."""
    ids = {run["id"] for run in snapshot.runs}
    return [
        f"{group['name']}: its newest run {group['run_status']} earlier; "
        f"run it again with `moomarkets groups run {group['name']}`"
        for group in snapshot.groups
        if group["run_status"] in ("failed", "cancelled") and group["run_id"] not in ids
    ]


def _troubles(runs: list[Record], troubled: Sequence[Record]) -> list[str]:
    """One line for each error among the jobs of these runs, with how many have it and what becomes of them."""
    ids = {run["id"] for run in runs}
    alike: dict[tuple[object, bool, object], list[Record]] = {}
    for job in troubled:
        if job["run_id"] in ids and job["last_error"]:
            alike.setdefault((job["job_group"], job["status"] == "failed", job["last_error"]), []).append(job)
    lines = []
    for (group, is_failed, error), jobs in alike.items():
        count = f"{len(jobs)} job{'s' if len(jobs) > 1 else ''}"
        due_at = min(job["due_at"] for job in jobs if isinstance(job["due_at"], datetime))
        fate = f"{count} failed" if is_failed else f"{count} to be tried again, not before {_minute(due_at)}"
        lines.append(f"{group}: {fate}: {error}")
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"{more} other errors: `moomarkets jobs list`"]
