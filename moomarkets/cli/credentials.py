"""`moomarkets credentials`: the keys of sources, kept sealed."""

from __future__ import annotations

import sys

import click

from moomarkets.cli.opening import Given, opened


@click.group()
def credentials() -> None:
    """The keys of sources, kept sealed."""


@credentials.command("set")
@click.argument("source")
@click.pass_obj
def set_credential(given: Given, source: str) -> None:
    """Keep the key of SOURCE. Asked for on a terminal, else read from standard input; it takes effect at once."""
    from moomarkets.domain.secret import Secret
    from moomarkets.services.source_setup import check_takes_key

    check_takes_key(source)
    text = click.prompt("API key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    with opened(given) as installation:
        installation.credentials.set(source, {"api_key": Secret(text.strip())})
    click.echo(f"{source}: credential kept")


@credentials.command("remove")
@click.argument("source")
@click.pass_obj
def remove_credential(given: Given, source: str) -> None:
    """Forget the key of SOURCE."""
    with opened(given) as installation:
        installation.credentials.remove(source)
    click.echo(f"{source}: credential removed")
