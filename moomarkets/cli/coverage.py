"""`moomarkets coverage`, `gaps` and `plan`: what is here, what is missing, and what it would cost to get it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from moomarkets.cli.given_values import day
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, print_json, print_table, show
from moomarkets.exit_codes import ExitCode

if TYPE_CHECKING:
    from moomarkets.services.coverage_views import FetchPlan

COLUMNS = ("dataset", "expected", "complete", "empty", "missing", "first_on", "last_on", "fresh", "rows", "note")
WAYS = ("auto", "date", "code", "bulk")
_OPTIONS = (
    click.option("--from", "from_on", type=day, help="The first date, such as 2026-09-01."),
    click.option("--to", "to_on", type=day, help="The last date."),
    click.option("--code", "codes", multiple=True, help="Only this issue, such as 7203; may be repeated."),
)
by_way = click.option("--way", type=click.Choice(WAYS), default="auto", help="How to ask; default: the cheapest way.")


def narrowed(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which part of a dataset."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("dataset", required=False)
@narrowed
@as_json
@click.pass_obj
def coverage(
    given: Given, dataset: str | None, from_on: date | None, to_on: date | None, codes: tuple[str, ...], is_json: bool
) -> None:
    """How much of what groups keep is here.

    Of all datasets or of DATASET. Exits 1 while something is missing.
    """
    with opened(given) as installation:
        found = installation.coverage.show(dataset, from_on=from_on, to_on=to_on, codes=codes)
    lines = [asdict(line) for line in found]
    if is_json:
        print_json(lines)
    else:
        print_table([{**line, "fresh": _fresh(line)} for line in lines], COLUMNS)
        outside = [line for line in lines if line["out_of_window"] or line["not_published"] or line["quarantined"]]
        for line in outside:
            click.echo(_outside(line))
    if any(line.missing for line in found):
        sys.exit(ExitCode.WORK_REMAINS)


@click.command()
@click.argument("dataset")
@narrowed
@as_json
@click.pass_obj
def gaps(
    given: Given, dataset: str, from_on: date | None, to_on: date | None, codes: tuple[str, ...], is_json: bool
) -> None:
    """What is missing of DATASET, as ranges of dates, and why."""
    with opened(given) as installation:
        found = installation.coverage.gaps(dataset, from_on=from_on, to_on=to_on, codes=codes)
    if not found and not is_json:
        click.echo("nothing is missing")
        return
    show([asdict(gap) for gap in found], ("key", "from_on", "to_on", "why", "days"), is_json)


@click.command()
@click.argument("dataset")
@narrowed
@by_way
@as_json
@click.pass_obj
def plan(
    given: Given,
    dataset: str,
    from_on: date | None,
    to_on: date | None,
    codes: tuple[str, ...],
    way: str,
    is_json: bool,
) -> None:
    """Every way to get what is missing of DATASET, with its cost.

    Sends nothing.
    """
    with opened(given) as installation:
        plans = installation.coverage.plan(dataset, from_on=from_on, to_on=to_on, codes=codes, way=way)
    if is_json:
        print_json([asdict(one) for one in plans])
    else:
        print_plans(plans)


def print_plans(plans: list[FetchPlan]) -> None:
    """Each plan as a table of its ways, the one that is taken marked."""
    if not plans:
        click.echo("nothing is missing")
    for one in plans:
        what = "partition is" if one.missing == 1 else "partitions are"
        click.echo(f"{one.dataset}: {one.missing:,} {what} missing, from {one.from_on} to {one.to_on}")
        print_table(
            [_way(asdict(way)) for way in one.ways], ("taken", "way", "requests", "jobs", "time", "size", "note")
        )


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
        >>> duration(0), duration(180), duration(5400)
        ('at once', '3 min', '1 h 30 min')
    """
    minutes = round(seconds / 60)
    if seconds < 1:
        return "at once"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def in_time(seconds: float) -> str:
    """The same as a part of a sentence.

    Example:
        >>> in_time(0), in_time(180)
        ('at once', 'in about 3 min')
    """
    return duration(seconds) if seconds < 1 else f"in about {duration(seconds)}"


def size(count: float) -> str:
    """Bytes as a person says them.

    Example:
        >>> size(900), size(21_000_000)
        ('900 B', '21.0 MB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"


def _way(way: dict[str, Any]) -> dict[str, object]:
    if way["obstacle"]:
        return {
            "taken": "",
            "way": way["way"],
            **dict.fromkeys(("requests", "jobs", "time", "size"), ""),
            "note": way["obstacle"],
        }
    return {
        "taken": "*" if way["is_picked"] else "",
        "way": way["way"],
        "requests": f"{way['requests']:,}",
        "jobs": f"{way['jobs']:,}",
        "time": duration(way["seconds"]),
        "size": size(way["bytes"]),
        "note": "",
    }


def _fresh(line: dict[str, Any]) -> str:
    if line["is_fresh"] is None:
        return ""
    return "yes" if line["is_fresh"] else f"{line['newest_published_on']} is out"


def _outside(line: dict[str, Any]) -> str:
    counted = {
        "out of reach of the subscription": line["out_of_window"],
        "not published yet": line["not_published"],
        "in quarantine": line["quarantined"],
    }
    told = (f"{count:,} {'day' if count == 1 else 'days'} {what}" for what, count in counted.items() if count)
    return f"{line['dataset']}: " + ", ".join(told)
