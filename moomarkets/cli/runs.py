"""`moomarkets runs`: the passes of groups."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from moomarkets.cli.narrowing import narrowed
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, show

if TYPE_CHECKING:
    from moomarkets.domain.eta import RunProgress

COLUMNS = (
    "id",
    "job_group",
    "kind",
    "for_on",
    "status",
    "total_jobs",
    "completed_jobs",
    "failed_jobs",
    "rows_received",
    "rows_written",
    "blocked_by",
    "requested_at",
    "completed_at",
)


@click.group()
def runs() -> None:
    """The runs: passes of groups."""


@runs.command("list")
@as_json
@narrowed
@click.pass_obj
def list_runs(given: Given, /, is_json: bool, **narrowed_by: Any) -> None:
    """Runs, newest first."""
    with opened(given) as installation:
        show(installation.runs.list(**narrowed_by), COLUMNS, is_json)


@runs.command("show")
@click.argument("run_id", type=int)
@as_json
@click.pass_obj
def show_run(given: Given, run_id: int, is_json: bool) -> None:
    """How far run RUN_ID has come.

    Counters, what its jobs wait for, and when it will be over at the rate of the newest ends.
    """
    with opened(given) as installation:
        progress = installation.runs.progress(run_id)
    if is_json:
        print_json({**asdict(progress), "done": progress.done, "eta_at": progress.eta_at})
        return
    for line in _lines(progress):
        click.echo(line)


def _lines(progress: RunProgress) -> list[str]:
    about = f" for {progress.for_on}" if progress.for_on is not None else ""
    blocked = f", waits for: {progress.blocked_by}" if progress.blocked_by else ""
    told = [f"run {progress.run_id} of group {progress.group}{about}: {progress.status}{blocked}"]
    percent = f" ({progress.done * 100 // progress.total} %)" if progress.total else ""
    told.append(
        f"jobs: {progress.done} of {progress.total} ended{percent}: {progress.completed} completed, "
        f"{progress.failed} failed, {progress.cancelled} cancelled; {progress.running} running"
    )
    told += [f"  {count} wait for {reason}" for reason, count in progress.waiting.items()]
    if progress.status == "running":
        end = progress.eta_at
        told.append("ends: not known yet" if end is None else f"ends: about {end:%Y-%m-%d %H:%M:%S} UTC")
    return told
