"""`moomarkets quarantine`, `moomarkets findings`: what came and was not stored, and what is strange about the rest."""

from __future__ import annotations

import sys

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, show

COLUMNS = ("id", "dataset", "key", "from_on", "to_on", "status", "reason", "times", "last_at", "detail")
FINDING_COLUMNS = ("id", "dataset", "from_on", "rule", "row_key", "found_at", "detail")

_limit = click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
_note = click.option("--note", help="Why; kept with the decision.")
_by = click.option("--by", default="local", show_default=True, help="Who decides.")


@click.group()
def quarantine() -> None:
    """Answers that were not stored, as they came."""


@quarantine.command("list")
@click.option(
    "--status", type=click.Choice(("open", "released", "dismissed", "all")), default="open", show_default=True
)
@click.option("--dataset", help="Only those of this dataset.")
@_limit
@as_json
@click.pass_obj
def list_answers(given: Given, status: str, dataset: str | None, limit: int, is_json: bool) -> None:
    """The answers in quarantine, the newest first."""
    with opened(given) as installation:
        found = installation.quarantine.list(None if status == "all" else status, dataset=dataset, limit=limit)
        show(found, COLUMNS, is_json)


@quarantine.command("show")
@click.argument("id", type=click.IntRange(1))
@as_json
@click.pass_obj
def show_answer(given: Given, id: int, is_json: bool) -> None:
    """What answer ID was to be, and what was found in it."""
    with opened(given) as installation:
        found = installation.quarantine.show(id)
    if is_json:
        print_json(found)
        return
    days = f"{found['from_on']}" if found["from_on"] == found["to_on"] else f"{found['from_on']} to {found['to_on']}"
    click.echo(f"{found['dataset']} of {days} ({found['source']}, {found['key']}): {found['status']}")
    click.echo(f"{found['reason']}: {found['detail']}")
    often = "once" if found["times"] == 1 else f"{found['times']} times"
    click.echo(f"seen {often}, last {found['last_at']:%Y-%m-%d %H:%M} UTC; {found['bytes']:,} bytes")
    for one in found["findings"] if isinstance(found["findings"], list) else ():
        keys = ", ".join(" ".join(key) for key in one["keys"][:5])
        click.echo(f"  {one['rule']} ({one['severity']}): {one['detail']}" + (f": {keys}" if keys else ""))
    if found["decided_at"] is not None:
        note = f": {found['note']}" if found["note"] else ""
        click.echo(f"{found['status']} by {found['decided_by']} at {found['decided_at']:%Y-%m-%d %H:%M} UTC{note}")


@quarantine.command("body")
@click.argument("id", type=click.IntRange(1))
@click.pass_obj
def print_body(given: Given, id: int) -> None:
    """Print answer ID as it came, its pages one after the other."""
    with opened(given) as installation:
        pages = installation.quarantine.body(id)
    for page in pages:
        sys.stdout.buffer.write(page)
        sys.stdout.buffer.write(b"\n")


@quarantine.command("release")
@click.argument("id", type=click.IntRange(1))
@_by
@_note
@click.pass_obj
def release(given: Given, id: int, by: str, note: str | None) -> None:
    """Store answer ID after all: you have looked at it, and it is right."""
    with opened(given) as installation:
        found = installation.quarantine.release(id, by=by, note=note)
    click.echo(f"{found['dataset']} of {found['from_on']}: stored")


@quarantine.command("dismiss")
@click.argument("id", type=click.IntRange(1))
@_by
@_note
@click.pass_obj
def dismiss(given: Given, id: int, by: str, note: str | None) -> None:
    """Forget answer ID: the next run asks for its part again."""
    with opened(given) as installation:
        found = installation.quarantine.dismiss(id, by=by, note=note)
    click.echo(f"{found['dataset']} of {found['from_on']}: dismissed")


@click.command()
@click.option("--dataset", help="Only those of this dataset.")
@click.option("--rule", help="Only those of this rule.")
@_limit
@as_json
@click.pass_obj
def findings(given: Given, dataset: str | None, rule: str | None, limit: int, is_json: bool) -> None:
    """What is strange about rows that are stored."""
    with opened(given) as installation:
        show(installation.quarantine.findings(dataset, rule=rule, limit=limit), FINDING_COLUMNS, is_json)
