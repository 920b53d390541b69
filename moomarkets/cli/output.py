"""What commands print: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import click

PIPED_WIDTH = 200

as_json = click.option("--json", "is_json", is_flag=True, help="One JSON document instead of a table.")
Records = Sequence[Mapping[str, object]]


def show(records: Records, columns: Sequence[str], is_json: bool) -> None:
    """Print records whole as JSON, or their columns as a table."""
    if is_json:
        print_json(records)
    else:
        print_table(records, columns)


def print_json(value: object) -> None:
    """Print one JSON document; instants and dates in ISO form."""
    click.echo(json.dumps(value, default=_as_text, ensure_ascii=False, indent=2))


def print_table(records: Records, columns: Sequence[str]) -> None:
    """Print one row per record; wide enough for everything where no terminal says otherwise."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        heading = f"{column.removesuffix('_at')} (UTC)" if column.endswith("_at") else column
        table.add_column(heading.replace("_", " "), no_wrap=not sys.stdout.isatty())
    for record in records:
        table.add_row(*(cell(record[column]).replace("[", r"\[") for column in columns))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def cell(value: object) -> str:
    """A value as a person reads it: nothing for none, instants to the minute, in UTC."""
    if value is None:
        return ""
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
