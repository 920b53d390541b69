"""`moomarkets jobs`: the units of work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from moomarkets.cli.given_values import instant, json_object
from moomarkets.cli.narrowing import narrowed
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, cell, print_json, print_table, show

COLUMNS = ("id", "job_group", "name", "status", "attempts", "last_run_at", "last_error")
ATTEMPT_COLUMNS = (
    "id",
    "attempt",
    "status",
    "reason",
    "requests",
    "rows_received",
    "rows_written",
    "started_at",
    "error_message",
)


@click.group()
def jobs() -> None:
    """The jobs: units of work."""


@jobs.command("list")
@as_json
@narrowed
@click.pass_obj
def list_jobs(given: Given, /, is_json: bool, **narrowed_by: Any) -> None:
    """Jobs, newest change first."""
    with opened(given) as installation:
        show(installation.jobs.list(**narrowed_by), COLUMNS, is_json)


@jobs.command("show")
@click.argument("job_id", type=int)
@as_json
@click.pass_obj
def show_job(given: Given, job_id: int, is_json: bool) -> None:
    """All that is known of job JOB_ID, with its attempts."""
    with opened(given) as installation:
        record = installation.jobs.show(job_id)
    if is_json:
        print_json(record)
        return
    attempts = record.pop("attempts")
    for field, value in record.items():
        click.echo(f"{field.replace('_', ' ')}: {cell(value)}")
    if isinstance(attempts, list):
        print_table(attempts, ATTEMPT_COLUMNS)


@jobs.command("run")
@click.argument("job_id", type=int)
@click.pass_obj
def run_job(given: Given, job_id: int) -> None:
    """Run job JOB_ID now."""
    with opened(given) as installation:
        installation.jobs.run(job_id)
    click.echo(f"job {job_id}: due now")


@jobs.command("pause")
@click.argument("job_id", type=int)
@click.pass_obj
def pause_job(given: Given, job_id: int) -> None:
    """Let job JOB_ID wait until it is resumed."""
    with opened(given) as installation:
        installation.jobs.pause(job_id)
    click.echo(f"job {job_id}: paused")


@jobs.command("resume")
@click.argument("job_id", type=int)
@click.pass_obj
def resume_job(given: Given, job_id: int) -> None:
    """Let job JOB_ID go on."""
    with opened(given) as installation:
        installation.jobs.resume(job_id)
        status = installation.jobs.show(job_id)["status"]
    click.echo(f"job {job_id}: {status}")


@jobs.command("enable")
@click.argument("job_id", type=int)
@click.pass_obj
def enable_job(given: Given, job_id: int) -> None:
    """Let the next run have job JOB_ID again."""
    with opened(given) as installation:
        installation.jobs.enable(job_id)
    click.echo(f"job {job_id}: switched on")


@jobs.command("disable")
@click.argument("job_id", type=int)
@click.pass_obj
def disable_job(given: Given, job_id: int) -> None:
    """Let no run have job JOB_ID."""
    with opened(given) as installation:
        installation.jobs.disable(job_id)
    click.echo(f"job {job_id}: switched off")


@jobs.command("cancel")
@click.argument("job_id", type=int)
@click.pass_obj
def cancel_job(given: Given, job_id: int) -> None:
    """End job JOB_ID, whether it waits or runs.

    One that has ended is left alone.
    """
    with opened(given) as installation:
        installation.jobs.cancel(job_id)
        status = installation.jobs.show(job_id)["status"]
    stops = "; an attempt that runs ends at the next renewal of its lease" if status == "cancelled" else ""
    click.echo(f"job {job_id}: {status}{stops}")


@jobs.command("retry")
@click.argument("job_id", type=int)
@click.pass_obj
def retry_job(given: Given, job_id: int) -> None:
    """Try job JOB_ID again, with fresh retries."""
    with opened(given) as installation:
        installation.jobs.retry(job_id)
    click.echo(f"job {job_id}: tried again")


@jobs.command("enqueue")
@click.argument("job_type")
@click.argument("parameters", default="{}")
@click.option("--unique-key", help="Of the jobs of this type that are not over, only one has it.")
@click.option("--priority", type=int, help="1 to 10; 10 is the most urgent.")
@click.option("--due", "due_at", type=instant, help="Not before this instant, such as 2026-11-20T17:00+09:00.")
@click.option("--deadline", "deadline_at", type=instant, help="Given up if it has not started until then.")
@click.option("--timeout", "timeout_s", type=float, help="Seconds that one attempt may take.")
@click.option("--max-retries", type=int, help="Retries after failed attempts.")
@click.option("--retry-delay", "retry_delay_s", type=int, help="Seconds before the first retry.")
@click.option("--name", help="For people.")
@click.pass_obj
def enqueue_job(
    given: Given, /, job_type: str, parameters: str, **options: int | float | str | datetime | None
) -> None:
    """Store a job of JOB_TYPE that stands alone.

    PARAMETERS are a JSON object.
    """
    told: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    with opened(given) as installation:
        job_id = installation.jobs.enqueue(job_type, json_object("parameters", parameters), **told)
    click.echo(f"job {job_id}: {job_type}")
