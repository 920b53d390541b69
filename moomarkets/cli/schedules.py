"""`moomarkets schedules`: when groups are due, and what became of it."""

from __future__ import annotations

from datetime import datetime

import click

from moomarkets.cli.given_values import instant, json_object
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, cell, print_json, print_table, show

COLUMNS = ("group", "in_words", "is_enabled", "catch_up", "overlap", "next_run_at", "error")
LEDGER_COLUMNS = ("due_at", "job_group", "status", "reason", "run_id")
_count = click.option("--count", "-n", type=int, default=10, show_default=True, help="So many instants (1-500).")


@click.group()
def schedules() -> None:
    """The schedules: when groups are due."""


@schedules.command("list")
@as_json
@click.pass_obj
def list_schedules(given: Given, is_json: bool) -> None:
    """All schedules, in words."""
    with opened(given) as installation:
        found = installation.schedules.list()
    if is_json:
        print_json(found)
        return
    print_table([{**record, "catch_up": _policy(record["catch_up"])} for record in found], COLUMNS)


@schedules.command("show")
@click.argument("group")
@_count
@as_json
@click.pass_obj
def show_schedule(given: Given, group: str, count: int, is_json: bool) -> None:
    """The schedule of GROUP with its next instants."""
    with opened(given) as installation:
        record = installation.schedules.show(group, count)
    if is_json:
        print_json(record)
        return
    upcoming = record.pop("upcoming")
    for field, value in record.items():
        click.echo(f"{field.replace('_', ' ')}: {cell(value)}")
    for due_at in upcoming if isinstance(upcoming, list) else ():
        click.echo(f"due: {cell(due_at)}")


@schedules.command("next")
@_count
@as_json
@click.pass_obj
def next_instants(given: Given, count: int, is_json: bool) -> None:
    """What is due next, over all groups."""
    with opened(given) as installation:
        show(installation.schedules.next(count), ("due_at", "group", "for_on"), is_json)


@schedules.command("occurrences")
@click.option("--group", help="Only those of this group.")
@click.option("--status", help="Only those with this outcome.")
@click.option("--from", "from_at", type=instant, help="Not before this instant, such as 2026-11-20T00:00+09:00.")
@click.option("--to", "to_at", type=instant, help="Before this instant.")
@click.option("--limit", type=int, default=50, show_default=True, help="At most so many (1-500).")
@as_json
@click.pass_obj
def list_occurrences(
    given: Given,
    group: str | None,
    status: str | None,
    from_at: datetime | None,
    to_at: datetime | None,
    limit: int,
    is_json: bool,
) -> None:
    """What became of due instants, newest first."""
    with opened(given) as installation:
        found = installation.schedules.occurrences(group, status=status, from_at=from_at, to_at=to_at, limit=limit)
    show(found, LEDGER_COLUMNS, is_json)


@schedules.command("preview")
@click.argument("schedule")
@click.option("--timezone", help="The time zone of a cron expression; default: UTC.")
@click.option("--after", type=instant, help="Later than this instant; default: now.")
@_count
@as_json
def preview(schedule: str, timezone: str | None, after: datetime | None, count: int, is_json: bool) -> None:
    """When SCHEDULE would be due.

    SCHEDULE is a cron expression or a JSON object. Needs no database.
    """
    from moomarkets.domain.clock import SystemClock
    from moomarkets.services.schedules import read_schedule

    given = json_object("schedule", schedule) if schedule.lstrip().startswith("{") else schedule
    read = read_schedule(given, timezone)
    instants = read.preview(after or SystemClock().now(), count)
    if is_json:
        print_json({"in_words": read.describe(), "instants": instants})
        return
    click.echo(read.describe())
    for due_at in instants:
        click.echo(f"{due_at:%Y-%m-%d %H:%M:%S} UTC")


def _policy(catch_up: object) -> object:
    return catch_up.get("policy", "") if isinstance(catch_up, dict) else catch_up
