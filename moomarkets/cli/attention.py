"""`moomarkets check` and `moomarkets doctor`: what needs attention, and the handles for tests."""

from __future__ import annotations

import sys

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, show
from moomarkets.exit_codes import ExitCode


@click.command()
@as_json
@click.pass_obj
def check(given: Given, is_json: bool) -> None:
    """Say what needs attention. Looks at database, keyring, credentials and groups; exits 1 if anything does."""
    from moomarkets.checks import problems

    with opened(given) as installation:
        found = list(problems(installation))
    if is_json:
        print_json(found)
    else:
        for problem in found:
            click.echo(problem)
        click.echo(_counted(len(found)))
    if found:
        sys.exit(ExitCode.WORK_REMAINS)


def _counted(count: int) -> str:
    if not count:
        return "all is well"
    return f"{count} {'thing needs' if count == 1 else 'things need'} attention"


@click.command()
@click.option("--failpoints", is_flag=True, help="List the places at which tests can have the process die.")
@as_json
@click.pass_context
def doctor(context: click.Context, failpoints: bool, is_json: bool) -> None:
    """Check the installation, as `check` does.

    Or list the handles that tests of crashes use.
    """
    if not failpoints:
        context.invoke(check, is_json=is_json)
        return
    from moomarkets.domain.failpoints import PLACES

    show([{"name": name, "where": where} for name, where in PLACES.items()], ("name", "where"), is_json)
