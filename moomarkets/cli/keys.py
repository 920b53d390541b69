"""`moomarkets keys`: what credentials are sealed with."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, show
from moomarkets.exit_codes import ExitCode

COLUMNS = ("key_id", "is_primary", "is_there", "credentials", "tokens", "from")


@click.group()
def keys() -> None:
    """What credentials are sealed with.

    All of it is safe beside a running supervisor.
    """


@keys.command("new")
@click.pass_obj
def new_key(given: Given) -> None:
    """Add a fresh key, the primary from now on.

    Everything is sealed with it from now on; `rotate` brings the rest over.
    """
    with opened(given) as installation:
        key_id = installation.keys.new()
        place = installation.keyring.place
    click.echo(f"{key_id}: the primary key from now on; back up {place}, then run `moomarkets keys rotate`")


@keys.command("rotate")
@as_json
@click.pass_obj
def rotate(given: Given, is_json: bool) -> None:
    """Seal everything anew with the primary key.

    Harmless to break off and to repeat; exits 1 if anything remains.
    """
    with opened(given) as installation:
        rotation = installation.keys.rotate()
    if is_json:
        print_json(asdict(rotation))
    else:
        click.echo(f"{rotation.primary}: {rotation.resealed} sealed anew, {rotation.left} left")
        _say_unreadable(rotation.unreadable)
    if rotation.left or rotation.unreadable:
        sys.exit(ExitCode.WORK_REMAINS)


@keys.command("list")
@as_json
@click.pass_obj
def list_keys(given: Given, is_json: bool) -> None:
    """All keys, and how much each one seals.

    Also those that are missed.
    """
    with opened(given) as installation:
        show(installation.keys.list(), COLUMNS, is_json)


@keys.command("verify")
@as_json
@click.pass_obj
def verify(given: Given, is_json: bool) -> None:
    """Open everything that is sealed.

    Proves the keyring too; exits 1 if anything does not open.
    """
    with opened(given) as installation:
        found = installation.keys.verify()
    if is_json:
        print_json(asdict(found))
    else:
        proved = "is that of this database" if found.is_proved else "is not the one of this database"
        click.echo(f"the keyring {proved}; {found.opened} sealed values open")
        _say_unreadable(found.unreadable)
    if not found.is_well:
        sys.exit(ExitCode.WORK_REMAINS)


@keys.command("remove")
@click.argument("key_id")
@click.pass_obj
def remove_key(given: Given, key_id: str) -> None:
    """Take key KEY_ID away.

    Only one with which nothing is sealed any more.
    """
    with opened(given) as installation:
        installation.keys.remove(key_id)
    click.echo(f"{key_id}: removed")


def _say_unreadable(unreadable: tuple[str, ...]) -> None:
    for line in unreadable:
        click.echo(f"does not open: {line}", err=True)
    if unreadable:
        click.echo("put the key back, or give the credential anew with `moomarkets credentials set`", err=True)
