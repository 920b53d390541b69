"""`moomarkets data`: looks at what is stored, row by row, and at what was corrected."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, cell, print_json, print_table, show
from moomarkets.cli.reading_options import narrowed, readable

if TYPE_CHECKING:
    from moomarkets.store.row_history import Version

COLUMNS = ("name", "rows", "first_on", "last_on", "fetched_at")


@click.group()
def data() -> None:
    """The stored data themselves."""


@data.command("list")
@as_json
@click.pass_obj
def list_datasets(given: Given, is_json: bool) -> None:
    """The datasets, with rows, dates and when something came in last."""
    with opened(given) as installation:
        show([asdict(holding) for holding in installation.data.datasets()], COLUMNS, is_json)


@data.command("describe")
@click.argument("dataset")
@as_json
@click.pass_obj
def describe(given: Given, dataset: str, is_json: bool) -> None:
    """What DATASET is, and what its columns mean."""
    with opened(given) as installation:
        described = installation.data.describe(dataset)
    if is_json:
        print_json(asdict(described))
    else:
        click.echo(str(described))


@data.command("show")
@click.argument("dataset")
@readable
@click.option("--limit", type=int, default=20, show_default=True, help="At most so many rows, the newest (1-10000).")
@as_json
@click.pass_obj
def show_rows(given: Given, /, dataset: str, limit: int, is_json: bool, **asked: Any) -> None:
    """The newest rows of DATASET."""
    with opened(given) as installation:
        rows = installation.data.rows(dataset, limit=limit, **narrowed(**asked))
    if not rows and not is_json:
        click.echo("no rows")
        return
    show(rows, tuple(rows[0]) if rows else (), is_json)


@data.command("history")
@click.argument("dataset")
@click.option("--code", multiple=True, help="Only this issue or symbol; may be given several times.")
@click.option("--on", metavar="DATE", help="The rows of this date; without it, all that were ever corrected.")
@click.option("--source", help="Where several sources have filled the dataset: this one.")
@as_json
@click.pass_obj
def history(
    given: Given, dataset: str, code: tuple[str, ...], on: str | None, source: str | None, is_json: bool
) -> None:
    """The versions of rows, and what corrections changed.

    Each row of DATASET with what was known from when until when, and which attempt brought it.
    """
    with opened(given) as installation:
        versions = installation.data.history(dataset, code=list(code) or None, on=on, source=source)
    if is_json:
        print_json([asdict(version) for version in versions])
    elif not versions:
        click.echo("no rows" if on else "nothing was ever corrected")
    else:
        print_table([_line(version) for version in versions], ("row", "from_at", "until_at", "execution", "changed"))


def _line(version: Version) -> dict[str, object]:
    changed = (f"{name}: {cell(before)} -> {cell(now)}" for name, (before, now) in version.changed.items())
    return {
        "row": " ".join(cell(value) for value in version.key.values()),
        "from_at": version.from_at,
        "until_at": version.until_at,
        "execution": version.execution_id,
        "changed": ", ".join(changed),
    }
