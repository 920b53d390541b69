"""`moomarkets credentials`: the keys of sources, kept sealed."""

from __future__ import annotations

import sys

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, show
from moomarkets.exit_codes import ExitCode

COLUMNS = (
    "source",
    "state",
    "credential",
    "key_id",
    "set_at",
    "last_validated_at",
    "is_accepted",
    "refresh_token_expires_at",
    "id_token_expires_at",
)


@click.group()
def credentials() -> None:
    """The keys of sources, kept sealed."""


@credentials.command("list")
@as_json
@click.pass_obj
def list_credentials(given: Given, is_json: bool) -> None:
    """What is kept for each source.

    Its state, with which key it is sealed, and when it was set and tried; never the thing itself.
    """
    with opened(given) as installation:
        show(installation.credentials.list(), COLUMNS, is_json)


@credentials.command("set")
@click.argument("source")
@click.pass_obj
def set_credential(given: Given, source: str) -> None:
    """Keep the key of SOURCE.

    Or what it takes instead, such as mail address and password. Asked for on a terminal, else read from standard
    input, a line for each value; it takes effect at once.
    """
    from moomarkets.domain.credential import CredentialState
    from moomarkets.domain.secret import Secret
    from moomarkets.services.source_setup import check_takes_key

    values = {name: _asked(name) for name in check_takes_key(source)}
    with opened(given) as installation:
        was = installation.credentials.set(source, {name: Secret(value) for name, value in values.items()})
    instead = ", in place of one that did not open" if was is CredentialState.UNREADABLE else ""
    click.echo(f"{source}: credential kept{instead}")


@credentials.command("validate")
@click.argument("source")
@click.pass_obj
def validate(given: Given, source: str) -> None:
    """Ask SOURCE whether it accepts its key.

    With one request, within its limits; exits 5 if it does not.
    """
    from moomarkets.services.source_setup import check_takes_key

    check_takes_key(source)
    with opened(given) as installation:
        is_accepted = installation.credentials.validate(source)
    if not is_accepted:
        click.echo(f"{source}: the provider refuses this credential", err=True)
        sys.exit(ExitCode.NEEDS_CREDENTIALS)
    click.echo(f"{source}: the provider accepts this credential")


@credentials.command("remove")
@click.argument("source")
@click.pass_obj
def remove_credential(given: Given, source: str) -> None:
    """Forget the key of SOURCE."""
    with opened(given) as installation:
        installation.credentials.remove(source)
    click.echo(f"{source}: credential removed")


_SHOWN = {"api_key": "API key", "mailaddress": "Mail address", "password": "Password"}


def _asked(name: str) -> str:
    """One value of a credential; a mail address may be seen while it is typed."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return str(click.prompt(_SHOWN.get(name, name), hide_input=name != "mailaddress")).strip()
