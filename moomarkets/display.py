"""Shows a session: a live table on a terminal, a line for each change where the output is piped, and a summary."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from moomarkets.services.progress import Snapshot
from moomarkets.store.reports import Record


class Display(Protocol):
    """Something that shows snapshots as they come, and a summary at the end."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how things stand."""

    def close(self) -> None:
        """Show no more."""


class LiveDisplay:
    """A table that redraws itself in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, snapshot: Snapshot) -> None:
        self._live.update(_progress_table(snapshot.groups), refresh=True)

    def close(self) -> None:
        self._live.stop()


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


def print_summary(console: Console, snapshot: Snapshot, datasets: dict[str, int]) -> None:
    """What the session has done and what the database holds now."""
    table = Table(title="runs of this session", title_justify="left")
    for column in ("group", "state", "jobs", "failed", "rows", "requests", "seconds"):
        table.add_column(column, justify="left" if column in ("group", "state") else "right")
    for run in snapshot.runs:
        table.add_row(
            escape(str(run["job_group"])),
            escape(f"waits for {run['blocked_by']}" if run["blocked_by"] else str(run["status"])),
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
    if snapshot.is_all_done and snapshot.requests == 0:
        console.print("everything is here already: nothing new is published, no request was sent")
    held = ", ".join(f"{rows:,} {name}" for name, rows in datasets.items())
    console.print(f"in the database: {held}")
    for line in _errors(snapshot.runs):
        console.print(line, markup=False)


def _progress_table(groups: list[Record]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("group", "state", "", "jobs", "rows"):
        table.add_column(column, justify="right" if column in ("jobs", "rows") else "left")
    for group in groups:
        total, done = _count(group, "total_jobs"), _count(group, "completed_jobs")
        bar = ProgressBar(
            total=max(total, 1), completed=done if total else int(group["run_status"] == "completed"), width=30
        )
        table.add_row(escape(str(group["name"])), escape(_state(group)), bar, f"{done}/{total}", _rows(group))
    return table


def _state(group: Record) -> str:
    """The group's state in words; what it waits for, where it waits."""
    if group["run_status"] == "pending" and group["blocked_by"]:
        return f"waits for {group['blocked_by']}"
    return str(group["status"])


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
    return [f"{run['job_group']}: {run['error_message']}" for run in runs if run["error_message"]]
