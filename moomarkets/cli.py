"""`moomarkets`: looks at an installation and changes it, beside a running supervisor or without one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import click

from moomarkets.domain.errors import MoomarketsError
from moomarkets.exit_codes import ExitCode, exit_code_of
from moomarkets.shell import shell

if TYPE_CHECKING:
    from moomarkets.installation import Installation
    from moomarkets.settings import Settings

PIPED_WIDTH = 200
GROUP_COLUMNS = ("name", "source", "status", "total_jobs", "completed_jobs", "failed_jobs", "next_run_at", "blocked_by")
JOB_COLUMNS = ("id", "job_group", "name", "status", "attempts", "last_run_at", "last_error")
EXECUTION_COLUMNS = ("id", "job_group", "job", "attempt", "status", "reason", "rows_written", "started_at")

as_json = click.option("--json", "is_json", is_flag=True, help="One JSON document instead of a table.")
narrowed = [
    click.option("--group", help="Only those of this group."),
    click.option("--status", help="Only those in this state."),
    click.option("--limit", type=int, default=50, show_default=True, help="At most so many (1-500)."),
]


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
@click.version_option(package_name="moomarkets")
@click.pass_context
def main(context: click.Context, demo: bool, database_url: str | None, data_dir: str | None) -> None:
    """Look after your own copy of market data."""
    context.obj = {"demo": demo or None, "database_url": database_url, "data_dir": data_dir}


@main.command()
@as_json
@click.pass_obj
def status(given: dict[str, Any], is_json: bool) -> None:
    """Where everything stands: groups, rows, nodes, what is left."""
    with _installation(given) as installation:
        shown = installation.status.show()
    if is_json:
        _print_json(shown)
        return
    groups, datasets, left, nodes = cast("tuple[Any, ...]", (shown[p] for p in ("groups", "datasets", "left", "nodes")))
    _print_table(groups, GROUP_COLUMNS)
    if not groups:
        click.echo("no groups yet; the first start of a supervisor makes them")
    click.echo("rows: " + ", ".join(f"{count:,} {name}" for name, count in datasets.items()))
    click.echo(f"left to do: {_in_words(left)}")
    click.echo("supervisors: " + (", ".join(f"pid {node['pid']} on {node['host']}" for node in nodes) or "none runs"))


@main.group()
def groups() -> None:
    """The groups: standing orders."""


@groups.command("list")
@as_json
@click.pass_obj
def list_groups(given: dict[str, Any], is_json: bool) -> None:
    """All groups with the counters of their newest run."""
    with _installation(given) as installation:
        _print(installation.status.groups(), GROUP_COLUMNS, is_json)


@groups.command("run")
@click.argument("name")
@click.pass_obj
def run_group(given: dict[str, Any], name: str) -> None:
    """Ask for a run of group NAME: it starts with the supervisor that runs, or else with the next one."""
    with _installation(given) as installation:
        run_id = installation.groups.request(name)
        is_running = bool(installation.status.show()["nodes"])
    click.echo(f"{name}: run {run_id} " + ("asked for" if is_running else "waits for the next start of a supervisor"))


@main.group()
def jobs() -> None:
    """The jobs of groups."""


def _narrowed(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(narrowed):
        command = option(command)
    return command


@jobs.command("list")
@as_json
@_narrowed
@click.pass_obj
def list_jobs(given: dict[str, Any], /, is_json: bool, **narrowed_by: Any) -> None:
    """Jobs, newest change first."""
    with _installation(given) as installation:
        _print(installation.jobs.list(**narrowed_by), JOB_COLUMNS, is_json)


@main.group()
def executions() -> None:
    """The attempts of jobs."""


@executions.command("list")
@as_json
@_narrowed
@click.pass_obj
def list_executions(given: dict[str, Any], /, is_json: bool, **narrowed_by: Any) -> None:
    """Attempts, newest first."""
    with _installation(given) as installation:
        _print(installation.executions.list(**narrowed_by), EXECUTION_COLUMNS, is_json)


@main.group()
def credentials() -> None:
    """The keys of sources, kept sealed."""


@credentials.command("set")
@click.argument("source")
@click.pass_obj
def set_credential(given: dict[str, Any], source: str) -> None:
    """Keep the key of SOURCE. Asked for on a terminal, else read from standard input; it takes effect at once."""
    from moomarkets.domain.secret import Secret
    from moomarkets.services.source_setup import check_takes_key

    check_takes_key(source)
    text = click.prompt("API key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    with _installation(given) as installation:
        installation.credentials.set(source, {"api_key": Secret(text.strip())})
    click.echo(f"{source}: credential kept")


@credentials.command("remove")
@click.argument("source")
@click.pass_obj
def remove_credential(given: dict[str, Any], source: str) -> None:
    """Forget the key of SOURCE."""
    with _installation(given) as installation:
        installation.credentials.remove(source)
    click.echo(f"{source}: credential removed")


@main.group()
def db() -> None:
    """The database itself."""


@db.command("upgrade")
@click.pass_obj
def upgrade(given: dict[str, Any]) -> None:
    """Bring the database up to date. Harmless to repeat; every start does it too."""
    with _installation(given):
        from moomarkets.store.migrate import versions

        click.echo(f"database is at version {versions()[-1]}")


@main.command()
@click.pass_obj
def check(given: dict[str, Any]) -> None:
    """Say what needs attention. Looks at database, keyring, credentials and groups; exits 1 if anything does."""
    from moomarkets.checks import problems

    found = 0
    with _installation(given) as installation:
        for problem in problems(installation):
            found += 1
            click.echo(problem)
    click.echo("all is well" if not found else f"{found} {'thing needs' if found == 1 else 'things need'} attention")
    if found:
        sys.exit(ExitCode.WORK_REMAINS)


main.add_command(shell)


@contextmanager
def _installation(given: dict[str, Any]) -> Iterator[Installation]:
    """The installation that the options and settings name; an embedded server is started where none runs."""
    # Imported here: `--help` and completion must not pay for SQLAlchemy and pydantic.
    from moomarkets.domain.clock import SystemClock
    from moomarkets.installation import Installation
    from moomarkets.logs import LogEvents

    settings: Settings = _settings(given)
    clock = SystemClock()
    with ExitStack() as undo:
        yield Installation(settings, clock, LogEvents(sys.stderr, clock, level="warning"), undo, shares=True)


def _settings(given: dict[str, Any]) -> Settings:
    from moomarkets.settings import Settings

    return Settings.load(**given)


def _print(records: list[dict[str, object]], columns: tuple[str, ...], is_json: bool) -> None:
    if is_json:
        _print_json(records)
    else:
        _print_table(records, columns)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, default=_as_text, ensure_ascii=False, indent=2))


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _print_table(records: list[dict[str, object]], columns: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        heading = f"{column.removesuffix('_at')} (UTC)" if column.endswith("_at") else column
        table.add_column(heading.replace("_", " "), no_wrap=not sys.stdout.isatty())
    for record in records:
        table.add_row(*(_cell(record[column]) for column in columns))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def _in_words(left: dict[str, Any]) -> str:
    """What remains, or `nothing`."""
    next_at = left["next_due_at"]
    later = f"jobs later (next {next_at:%Y-%m-%d %H:%M} UTC)" if next_at else "jobs later"
    words = {
        "pending_runs": "runs waiting",
        "running_runs": "runs under way",
        "running_jobs": "jobs running",
        "due_jobs": "jobs due",
        "later_jobs": later,
        "failed_groups": "groups failed",
    }
    return ", ".join(f"{left[name]} {meaning}" for name, meaning in words.items() if left[name]) or "nothing"


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)
    return text.replace("[", r"\[")


if __name__ == "__main__":
    main()
