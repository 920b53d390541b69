"""`moomarkets db`: the database itself."""

from __future__ import annotations

import click

from moomarkets.cli.opening import Given, opened


@click.group()
def db() -> None:
    """The database itself."""


@db.command("upgrade")
@click.pass_obj
def upgrade(given: Given) -> None:
    """Bring the database up to date. Harmless to repeat; every start does it too."""
    with opened(given):
        from moomarkets.store.migrate import versions

        click.echo(f"database is at version {versions()[-1]}")
