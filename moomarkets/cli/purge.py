"""`moomarkets purge`: deletes data that may not be kept, or are not wanted."""

from __future__ import annotations

import sys
from datetime import date

import click

from moomarkets.cli.given_values import day
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, show
from moomarkets.exit_codes import ExitCode

COLUMNS = ("dataset", "rows", "first_on", "last_on", "revisions", "coverage")


@click.command()
@click.option("--source", required=True, help="Whose data: a source such as jquants.")
@click.option("--above-plan", metavar="PLAN", help="What this plan does not give: whole datasets, and other dates.")
@click.option("--add-on", "add_ons", multiple=True, help="An add-on that remains beside the plan; may be given again.")
@click.option("--all", "is_all", is_flag=True, help="Everything of the source.")
@click.option("--before", metavar="DATE", type=day, help="Rows about dates before this one.")
@click.option(
    "--after", metavar="DATE", type=day, help="Rows about dates after this one; with --before: what lies between."
)
@click.option("--dataset", "datasets", multiple=True, help="This dataset alone; may be given again.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", "is_sure", is_flag=True, help="Delete without being asked.")
@as_json
@click.pass_obj
def purge(
    given: Given,
    source: str,
    above_plan: str | None,
    add_ons: tuple[str, ...],
    is_all: bool,
    before: date | None,
    after: date | None,
    datasets: tuple[str, ...],
    dry_run: bool,
    is_sure: bool,
    is_json: bool,
) -> None:
    """Delete stored data for good.

    With what is covered of them and their older revisions. After a downgrade:
    `moomarkets purge --source jquants --above-plan light`. Says what goes first; where nobody can be asked it goes with
    --yes only. Refuses while a run of the source is going on, unless the source is paused.
    """
    from moomarkets.services.purge import Wanted

    wanted = Wanted(source, above_plan, is_all, before, after, datasets, add_ons)
    with opened(given) as installation:
        found = installation.purge.look(wanted)
        if dry_run or not is_json:
            _tell(found, is_json)
        if dry_run:
            return
        if not is_sure and not (sys.stdin.isatty() and click.confirm("Delete this for good?")):
            click.echo("nothing deleted; say --yes to do it", err=True)
            sys.exit(ExitCode.WORK_REMAINS)
        purged = installation.purge.perform(wanted)
    if is_json:
        print_json({"rows": purged.rows, "revisions": purged.revisions, "coverage": purged.coverage})
        return
    rows = ", ".join(f"{count:,} {name}" for name, count in purged.rows.items() if count)
    click.echo(f"deleted: {rows or 'no rows'}; {purged.revisions:,} revisions, {purged.coverage:,} entries of coverage")


def _tell(found: list[dict[str, object]], is_json: bool) -> None:
    """What would go: as a document of all datasets, or as a table of those of which something does."""
    going = [line for line in found if line["rows"] or line["revisions"] or line["coverage"]]
    if going or is_json:
        show(found if is_json else going, COLUMNS, is_json)
    else:
        click.echo("nothing would go")
