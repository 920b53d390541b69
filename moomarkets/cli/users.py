"""`moomarkets users`: who may do what here."""

from __future__ import annotations

import sys

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_table, show
from moomarkets.domain.account import Role
from moomarkets.domain.secret import Secret
from moomarkets.exit_codes import ExitCode

COLUMNS = ("id", "name", "email", "role", "is_enabled", "has_password", "last_sign_in_at", "created_at")
_ROLES = click.Choice([role.value for role in Role])


@click.group()
def users() -> None:
    """The users, and what each may do.

    Each has groups, jobs, credentials and data of their own. Most of this is an admin's.
    """


@users.command("list")
@as_json
@click.pass_obj
def list_users(given: Given, is_json: bool) -> None:
    """All users.

    To everybody but an admin: themselves.
    """
    with opened(given) as installation:
        show(installation.users.list(), COLUMNS, is_json)


@users.command("add")
@click.argument("name")
@click.option("--email", help="An address; nobody else has it.")
@click.option("--role", type=_ROLES, default=Role.OPERATOR.value, show_default=True, help="What they may do.")
@click.option("--password", "has_password", is_flag=True, help="Ask for a password, with which they can sign in.")
@click.pass_obj
def add_user(given: Given, name: str, email: str | None, role: str, has_password: bool) -> None:
    """Add a user NAME.

    Act as them with `moomarkets --user NAME`.
    """
    password = _asked() if has_password else None
    with opened(given) as installation:
        installation.users.add(name, email=email, role=role, password=password)
    click.echo(f"{name}: added, {role}")


@users.command("role")
@click.argument("name")
@click.argument("role", type=_ROLES)
@click.pass_obj
def set_role(given: Given, name: str, role: str) -> None:
    """Give user NAME another ROLE."""
    with opened(given) as installation:
        installation.users.role(name, role)
    click.echo(f"{name}: {role}")


@users.command("enable")
@click.argument("name")
@click.pass_obj
def enable_user(given: Given, name: str) -> None:
    """Let user NAME in again."""
    with opened(given) as installation:
        installation.users.enable(name)
    click.echo(f"{name}: switched on")


@users.command("disable")
@click.argument("name")
@click.pass_obj
def disable_user(given: Given, name: str) -> None:
    """Let user NAME neither sign in nor act.

    Their groups go on.
    """
    with opened(given) as installation:
        installation.users.disable(name)
    click.echo(f"{name}: switched off")


@users.command("password")
@click.argument("name")
@click.pass_obj
def set_password(given: Given, name: str) -> None:
    """Give user NAME another password.

    Asked for on a terminal, else read from standard input.
    """
    password = _asked()
    with opened(given) as installation:
        installation.users.password(name, password)
    click.echo(f"{name}: password set")


@users.command("remove")
@click.argument("name")
@click.option("--yes", "is_sure", is_flag=True, help="Do it; without this it is only said what would go.")
@click.pass_obj
def remove_user(given: Given, name: str, is_sure: bool) -> None:
    """Remove user NAME with all that is theirs.

    For good: groups, history, credentials and data.
    """
    with opened(given) as installation:
        found = installation.users.belongings(name)
        theirs = [{"thing": thing, "count": count} for thing, count in found.items() if count]
        if theirs:
            print_table(theirs, ("thing", "count"))
        if not is_sure:
            what = "all of this goes with them" if theirs else "nothing is theirs"
            click.echo(f"{name}: {what}; say --yes to do it", err=True)
            sys.exit(ExitCode.WORK_REMAINS)
        installation.users.remove(name)
    click.echo(f"{name}: removed")


def _asked() -> Secret:
    if sys.stdin.isatty():
        return Secret(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return Secret(sys.stdin.readline().rstrip("\n"))
