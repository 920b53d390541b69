"""What commands print: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import click

PIPED_WIDTH = 100_000

as_json = click.option("--json", "is_json", is_flag=True, help="One JSON document instead of a table.")
_FOLDED = frozenset(
    {"name", "group", "job_group", "job", "blocked_by", "last_error", "error_message", "error", "reason", "in_words"}
    | {"base_url", "where", "why", "detail", "note", "row", "row_key"}
)
"""Columns of text that a narrow terminal folds."""
_LEAST = 8

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
    """Print one row per record; wide enough for everything where no terminal says otherwise.

    Where a terminal is too narrow, names and sentences are folded, and the last columns left out, and those that are
    empty.
    """
    from rich.console import Console
    from rich.table import Table

    is_wide = not sys.stdout.isatty()
    console = Console(width=PIPED_WIDTH if is_wide else None)
    shown = {column: [cell(record[column]) for record in records] for column in columns}
    widths: dict[str, int] = {} if is_wide else _widths(shown, console.width)
    table = Table(box=None, pad_edge=False, padding=(0, 1) if is_wide else (0, 1, 0, 0))
    for column in widths or columns:
        table.add_column(_heading(column), no_wrap=is_wide, width=widths.get(column), overflow="fold")
    for row in zip(*(shown[column] for column in widths or columns), strict=True):
        table.add_row(*(text.replace("[", r"\[") for text in row))
    console.print(table)


def _heading(column: str) -> str:
    heading = f"{column.removesuffix('_at')} (UTC)" if column.endswith("_at") else column
    return heading.replace("_", " ")


def _widths(shown: Mapping[str, Sequence[str]], room: int) -> dict[str, int]:
    """The columns that say anything and fit into `room`, and how wide; text gives way first, then the last columns."""
    from rich.cells import cell_len

    widths = {
        column: max(map(cell_len, (*_heading(column).split(), *cells))) for column, cells in shown.items() if any(cells)
    }
    while sum(widths.values()) + len(widths) > room and len(widths) > 1:
        if wide := [column for column in widths if column in _FOLDED and widths[column] > _LEAST]:
            widths[max(wide, key=widths.__getitem__)] -= 1
        else:
            widths.popitem()
    return widths


def cell(value: object) -> str:
    """A value as a person reads it: nothing for none, yes or no, instants to the minute in UTC, maps as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=_as_text, ensure_ascii=False) if value else ""
    return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
