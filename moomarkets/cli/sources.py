"""`moomarkets sources`: the providers."""

from __future__ import annotations

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, show

COLUMNS = ("code", "name", "is_enabled", "is_paused", "silent_until", "base_url", "fault")


@click.group()
def sources() -> None:
    """The sources: providers of data."""


@sources.command("list")
@as_json
@click.pass_obj
def list_sources(given: Given, is_json: bool) -> None:
    """All sources with their switches."""
    with opened(given) as installation:
        show(installation.sources.list(), COLUMNS, is_json)


@sources.command("show")
@click.argument("code")
@as_json
@click.pass_obj
def show_source(given: Given, code: str, is_json: bool) -> None:
    """How source CODE stands.

    What may still be asked of it now, what waits, and until when. Instants are in UTC.
    """
    with opened(given) as installation:
        source, budget = installation.sources.show(code), installation.sources.budget(code)
    if is_json:
        print_json(source | {"budget": budget.to_json()})
        return
    click.echo(f"{source['name']} ({code}), {source['base_url']}")
    for line in budget.lines():
        click.echo(f"  {line}")


@sources.command("pause")
@click.argument("code")
@click.pass_obj
def pause_source(given: Given, code: str) -> None:
    """Ask nothing of source CODE until it is resumed."""
    with opened(given) as installation:
        installation.sources.pause(code)
    click.echo(f"{code}: paused")


@sources.command("resume")
@click.argument("code")
@click.pass_obj
def resume_source(given: Given, code: str) -> None:
    """Let source CODE go on."""
    with opened(given) as installation:
        installation.sources.resume(code)
    click.echo(f"{code}: goes on")


@sources.command("enable")
@click.argument("code")
@click.pass_obj
def enable_source(given: Given, code: str) -> None:
    """Use source CODE."""
    with opened(given) as installation:
        installation.sources.enable(code)
    click.echo(f"{code}: switched on")


@sources.command("disable")
@click.argument("code")
@click.pass_obj
def disable_source(given: Given, code: str) -> None:
    """Do not use source CODE: its groups wait."""
    with opened(given) as installation:
        installation.sources.disable(code)
    click.echo(f"{code}: switched off")


@sources.command("detect")
@click.argument("code")
@as_json
@click.pass_obj
def detect(given: Given, code: str, is_json: bool) -> None:
    """Ask source CODE what its key is subscribed to.

    With as few requests as it takes, within its limits.
    """
    with opened(given) as installation:
        found = installation.sources.detect(code)
    if is_json:
        show([found], tuple(found), is_json)
        return
    names = found["add_ons"]
    add_ons = f" with {', '.join(names)}" if isinstance(names, list) and names else ""
    first, last = found["first_on"], found["last_on"]
    window = f"{first} to {last}" if first and last else f"from {first} on" if first else f"up to {last or 'now'}"
    click.echo(f"{code}: plan {found['plan']}{add_ons}, readable {window} ({found['requests']} requests)")
    if found["plan_set"] != found["plan"]:
        click.echo(f"the settings say {found['plan_set']}; put this into them:")
    click.echo(str(found["settings"]))
