"""`moomarkets`: looks at an installation and changes it, beside a running supervisor or without one."""

from __future__ import annotations

from typing import Any

import click

# Light modules all of them: what a command needs to do its work is imported when it runs.
from moomarkets.cli import (
    attention,
    coverage,
    credentials,
    data,
    db,
    executions,
    export,
    fill,
    groups,
    jobs,
    keys,
    purge,
    quarantine,
    runs,
    schedules,
    simulate,
    sources,
    status,
    switches,
    users,
    why,
)
from moomarkets.domain.errors import MoomarketsError
from moomarkets.exit_codes import ExitCode, exit_code_of
from moomarkets.shell import shell


class Commands(click.Group):
    """Turns our errors into one sentence on standard error and the right exit code."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(context)
        except MoomarketsError as error:
            click.echo(str(error), err=True)
            context.exit(exit_code_of(error))
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            context.exit(ExitCode.INTERRUPTED)


@click.group(cls=Commands)
@click.option("--demo", is_flag=True, help="The demo's installation instead of the real one.")
@click.option("--database-url", help="A Postgres server to use instead of the embedded one.")
@click.option("--data-dir", type=click.Path(), help="Where the embedded server and the keyring lie.")
@click.option("--user", help="Who acts, in place of the built-in user.")
@click.version_option(package_name="moomarkets")
@click.pass_context
def main(context: click.Context, demo: bool, database_url: str | None, data_dir: str | None, user: str | None) -> None:
    """Look after your own copy of market data."""
    context.obj = {"demo": demo or None, "database_url": database_url, "data_dir": data_dir, "user": user}


for command in (
    status.status,
    why.why,
    groups.groups,
    runs.runs,
    jobs.jobs,
    executions.executions,
    coverage.coverage,
    coverage.gaps,
    coverage.plan,
    fill.fill,
    data.data,
    export.export,
    schedules.schedules,
    sources.sources,
    quarantine.quarantine,
    quarantine.findings,
    credentials.credentials,
    keys.keys,
    users.users,
    purge.purge,
    switches.pause,
    switches.resume,
    db.db,
    attention.check,
    attention.doctor,
    simulate.simulate,
    shell,
):
    main.add_command(command)
