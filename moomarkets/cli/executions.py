"""`moomarkets executions`: the attempts of jobs."""

from __future__ import annotations

from typing import Any

import click

from moomarkets.cli.narrowing import narrowed
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, show

COLUMNS = ("id", "job_group", "job", "attempt", "status", "reason", "rows_received", "rows_written", "started_at")


@click.group()
def executions() -> None:
    """The attempts of jobs."""


@executions.command("list")
@as_json
@narrowed
@click.pass_obj
def list_executions(given: Given, /, is_json: bool, **narrowed_by: Any) -> None:
    """Attempts, newest first."""
    with opened(given) as installation:
        show(installation.executions.list(**narrowed_by), COLUMNS, is_json)
