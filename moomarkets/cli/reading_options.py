"""The options that say what is read of a dataset: for every command that reads one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

# Dates stay text here: what reads them refuses them with the same words for every face.
_OPTIONS = (
    click.option("--code", multiple=True, help="Only this issue or symbol; may be given several times."),
    click.option("--start", metavar="DATE", help="The first date, included."),
    click.option("--end", metavar="DATE", help="The last date, included."),
    click.option("--adjusted", is_flag=True, help="Prices comparable with the newest ones; default: as traded."),
    click.option("--as-of", metavar="WHEN", help="What was known at the end of that date in Tokyo, or at an instant."),
    click.option("--column", "columns", multiple=True, help="Only this column; may be given several times."),
    click.option("--source", help="Where several sources have filled the dataset: this one."),
)


def readable(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a reading; `narrowed` makes arguments of what they were given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def narrowed(code: tuple[str, ...], columns: tuple[str, ...], **given: object) -> dict[str, Any]:
    """The arguments of a reading: what was not given is left out, so that its default holds."""
    lists: dict[str, object] = {"code": list(code) or None, "columns": list(columns) or None}
    return {name: value for name, value in {**lists, **given}.items() if value is not None}
