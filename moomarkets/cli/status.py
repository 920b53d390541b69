"""`moomarkets status`: where everything stands."""

from __future__ import annotations

from typing import Any, cast

import click

from moomarkets.cli.groups import COLUMNS
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, print_table

_LEFT = {
    "pending_runs": ("run", "waiting"),
    "running_runs": ("run", "under way"),
    "running_jobs": ("job", "running"),
    "due_jobs": ("job", "due"),
    "later_jobs": ("job", "later"),
    "resting_jobs": ("job", "resting"),
    "failed_groups": ("group", "failed"),
}


@click.command()
@as_json
@click.pass_obj
def status(given: Given, is_json: bool) -> None:
    """Where everything stands: groups, rows, nodes, what is left."""
    with opened(given) as installation:
        shown = {**cast("dict[str, Any]", installation.status.show()), "freshness": installation.freshness.list()}
    if is_json:
        print_json(shown)
        return
    groups, datasets, left, nodes = cast("tuple[Any, ...]", (shown[p] for p in ("groups", "datasets", "left", "nodes")))
    print_table(groups, COLUMNS)
    if not groups:
        click.echo("no groups yet; the first start of a supervisor makes them")
    click.echo("rows: " + (", ".join(f"{count:,} {name}" for name, count in datasets.items() if count) or "none yet"))
    click.echo("freshness: " + _freshness(cast("list[dict[str, Any]]", shown["freshness"])))
    click.echo(f"left to do: {_in_words(left)}")
    for one in shown["credentials"]:
        if one["state"] != "present":
            click.echo(f"credentials: that of {one['source']} is {one['state']}; see `moomarkets check`")
    click.echo("supervisors: " + (", ".join(f"pid {node['pid']} on {node['host']}" for node in nodes) or "none runs"))


def _freshness(found: list[dict[str, Any]]) -> str:
    """Each dataset with how fresh it is, what is late first."""
    told = sorted(found, key=lambda one: (one["state"] != "overdue", one["dataset"]))
    # Several groups may keep a dataset: what is told of it alike is told once.
    return ", ".join(dict.fromkeys(_one(one) for one in told)) or "nothing is kept by a group"


def _one(one: dict[str, Any]) -> str:
    since = f" since {one['since']:%Y-%m-%d %H:%M} UTC" if one["since"] else ""
    return f"{one['dataset']} {one['state']}{since}" + (f" (up to {one['have_on']})" if one["have_on"] else "")


def _in_words(left: dict[str, Any]) -> str:
    """What remains, or `nothing`."""
    next_at = left["next_due_at"]
    told = []
    for name, (thing, state) in _LEFT.items():
        if count := left[name]:
            when = f" (next {next_at:%Y-%m-%d %H:%M} UTC)" if name == "later_jobs" and next_at else ""
            told.append(f"{count} {thing}{'' if count == 1 else 's'} {state}{when}")
    return ", ".join(told) or "nothing"
