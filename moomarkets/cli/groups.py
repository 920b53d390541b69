"""`moomarkets groups`: the standing orders."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import click

from moomarkets.cli.given_values import day, json_object
from moomarkets.cli.group_options import changes, group_options
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, cell, print_json, show

COLUMNS = ("name", "source", "status", "total_jobs", "completed_jobs", "failed_jobs", "next_run_at", "blocked_by")


@click.group()
def groups() -> None:
    """The groups: standing orders."""


@groups.command("list")
@as_json
@click.pass_obj
def list_groups(given: Given, is_json: bool) -> None:
    """All groups with the counters of their newest run."""
    with opened(given) as installation:
        show(installation.status.groups(), COLUMNS, is_json)


@groups.command("show")
@click.argument("name")
@as_json
@click.pass_obj
def show_group(given: Given, name: str, is_json: bool) -> None:
    """All that is known of group NAME."""
    with opened(given) as installation:
        record = installation.runs.group(name)
    if is_json:
        print_json(record)
        return
    for field, value in record.items():
        click.echo(f"{field.replace('_', ' ')}: {cell(value)}")


@groups.command("create")
@click.argument("name")
@group_options
@click.pass_obj
def create_group(given: Given, /, name: str, **options: Any) -> None:
    """Make a group NAME."""
    from moomarkets.domain.group import GroupDefinition

    definition = GroupDefinition(name=name, **{"data_source": None, **changes(options)})
    with opened(given) as installation:
        installation.groups.create(definition)
    click.echo(f"{name}: created; run it with `moomarkets groups run {name}`")


@groups.command("edit")
@click.argument("name")
@click.option("--name", "new_name", help="What it is called from now on.")
@group_options
@click.pass_obj
def edit_group(given: Given, /, name: str, new_name: str | None, **options: Any) -> None:
    """Change what is given of group NAME.

    A run that is under way goes on as it was.
    """
    told = changes(options) | ({} if new_name is None else {"name": new_name})
    if not told:
        raise click.UsageError("expected at least one option that says what to change, got none")
    with opened(given) as installation:
        installation.groups.edit(name, **told)
    click.echo(f"{name}: changed")


@groups.command("schedule-job")
@click.argument("name")
@click.argument("key")
@click.argument("job_type")
@click.argument("parameters", default="{}")
@click.option("--name", "job_name", help="For people; default: KEY.")
@click.option("--symbol", help="The symbol that it is about.")
@click.pass_obj
def schedule_job(
    given: Given, name: str, key: str, job_type: str, parameters: str, job_name: str | None, symbol: str | None
) -> None:
    """Have each run of group NAME do one more job.

    PARAMETERS are a JSON object. A job of the same KEY is replaced.
    """
    from moomarkets.domain.job import PlannedJob

    job = PlannedJob(key, job_type, job_name or key, json_object("parameters", parameters), symbol)
    with opened(given) as installation:
        installation.groups.schedule_job(name, job)
    click.echo(f"{name}: each run does job {key}")


@groups.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete_group(given: Given, name: str, yes: bool) -> None:
    """Delete group NAME with jobs and history.

    The market data stay.
    """
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("expected --yes, as there is no terminal to ask on")
    if not yes and not click.confirm("Delete the group with its jobs and their history?"):
        click.echo(f"{name}: not deleted")
        return
    with opened(given) as installation:
        installation.groups.delete(name)
    click.echo(f"{name}: deleted")


@groups.command("run")
@click.argument("name")
@click.option("--for", "for_on", type=day, help="The date that the run is about, such as 2026-11-20.")
@click.pass_obj
def run_group(given: Given, name: str, for_on: date | None) -> None:
    """Ask for a run of group NAME.

    It starts with the supervisor that runs, or else with the next one.
    """
    with opened(given) as installation:
        run_id = installation.groups.request(name, for_on)
        is_running = bool(installation.status.show()["nodes"])
    click.echo(f"{name}: run {run_id} " + ("asked for" if is_running else "waits for the next start of a supervisor"))


@groups.command("stop")
@click.argument("name")
@click.pass_obj
def stop_group(given: Given, name: str) -> None:
    """Cancel the runs of group NAME."""
    with opened(given) as installation:
        installation.groups.stop(name)
    click.echo(f"{name}: stopped; attempts that run end at the next renewal of their lease")


@groups.command("pause")
@click.argument("name")
@click.pass_obj
def pause_group(given: Given, name: str) -> None:
    """Start nothing of group NAME and those below it.

    What runs finishes. It lasts until `groups resume`, over restarts too.
    """
    with opened(given) as installation:
        installation.groups.pause(name)
    click.echo(f"{name}: paused")


@groups.command("resume")
@click.argument("name")
@click.pass_obj
def resume_group(given: Given, name: str) -> None:
    """Let group NAME go on."""
    with opened(given) as installation:
        installation.groups.resume(name)
    click.echo(f"{name}: goes on")


@groups.command("enable")
@click.argument("name")
@click.pass_obj
def enable_group(given: Given, name: str) -> None:
    """Let the schedule of group NAME bring runs."""
    with opened(given) as installation:
        installation.groups.enable(name)
    click.echo(f"{name}: switched on")


@groups.command("disable")
@click.argument("name")
@click.pass_obj
def disable_group(given: Given, name: str) -> None:
    """Let the schedule of group NAME bring no runs.

    It may still be run by hand.
    """
    with opened(given) as installation:
        installation.groups.disable(name)
    click.echo(f"{name}: switched off")


@groups.command("retry")
@click.argument("name")
@click.option("--reason", help="Only jobs that failed for this reason, such as upstream.")
@click.option("--error-class", help="Only jobs of this class: retryable, rate_limit, non_retryable.")
@click.pass_obj
def retry_group(given: Given, name: str, reason: str | None, error_class: str | None) -> None:
    """Try the failed jobs of group NAME again.

    Those of its newest run.
    """
    with opened(given) as installation:
        count = installation.groups.retry_failed(name, reason=reason, error_class=error_class)
    click.echo(f"{name}: {count} {'job is' if count == 1 else 'jobs are'} tried again")
