"""`moomarkets export`: writes a dataset to a file, a folder of files, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import click

from moomarkets.cli.opening import Given, opened
from moomarkets.cli.reading_options import narrowed, readable

STANDARD_OUTPUT = "-"


@click.command()
@click.argument("dataset")
@readable
@click.option("--to", required=True, metavar="FILE", help="A .parquet or .csv file, or - for CSV on standard output.")
@click.option("--partition-by", metavar="year|code", help="A folder with a Parquet file for each year or code.")
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@click.pass_obj
def export(given: Given, /, dataset: str, to: str, partition_by: str | None, overwrite: bool, **asked: Any) -> None:
    """Write DATASET to a file.

    The file appears under its name when it is complete. Memory stays flat however many rows there are.
    """
    what = narrowed(**asked)
    with opened(given) as installation:
        data = installation.data
        if to == STANDARD_OUTPUT:
            _refuse_options(partition_by, overwrite)
            _pour(data.csv(dataset, **what))
            return
        with _progress(lambda: data.count(dataset, **what)) as on_progress:
            done = data.export(
                dataset, to, partition_by=partition_by, overwrite=overwrite, on_progress=on_progress, **what
            )
    files = f" in {done.files} file{'' if done.files == 1 else 's'}" if partition_by else ""
    click.echo(f"{done.path}: {done.rows:,} rows{files}, {done.bytes:,} bytes", err=True)


def _refuse_options(partition_by: str | None, overwrite: bool) -> None:
    from moomarkets.domain.errors import InvalidInput

    if partition_by is not None or overwrite:
        option = "--overwrite" if overwrite else "--partition-by"
        raise InvalidInput(option, "a file to write to", STANDARD_OUTPUT)


def _pour(chunks: Generator[bytes]) -> None:
    """The bytes as they come; whoever reads them may have seen enough, which must end the statement first."""
    with closing(chunks):
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.flush()


@contextmanager
def _progress(count: Callable[[], int]) -> Iterator[Callable[[int], object]]:
    """A bar on a terminal, nothing elsewhere; the rows are counted only for the bar."""
    if not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=count())
        yield lambda rows: progress.update(task, completed=rows)
