"""The options with which lists of jobs, runs and attempts are narrowed down."""

from __future__ import annotations

from collections.abc import Callable

import click

_OPTIONS = (
    click.option("--group", help="Only those of this group."),
    click.option("--status", help="Only those in this state."),
    click.option("--limit", type=int, default=50, show_default=True, help="At most so many (1-500)."),
)


def narrowed(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--group`, `--status` and `--limit`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
