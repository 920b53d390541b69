"""`moomarkets pause` and `moomarkets resume`: the switch of the whole."""

from __future__ import annotations

import click

from moomarkets.cli.opening import Given, opened


@click.command()
@click.pass_obj
def pause(given: Given) -> None:
    """Book, start and claim nothing, on any node."""
    with opened(given) as installation:
        installation.switches.pause()
    click.echo("paused: what runs finishes, nothing new is started until `moomarkets resume`")


@click.command()
@click.pass_obj
def resume(given: Given) -> None:
    """Go on after a pause.

    What was due meanwhile is dealt with as the catch-up of each schedule says.
    """
    with opened(given) as installation:
        installation.switches.resume()
    click.echo("goes on")
