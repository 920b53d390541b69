"""`moomarkets fill`: gets what is missing, beside a running supervisor or by itself, and shows how far it is."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from moomarkets.cli.coverage import by_way, in_time, narrowed, print_plans, size
from moomarkets.cli.opening import Given, load_settings, opened
from moomarkets.cli.output import as_json, print_json
from moomarkets.exit_codes import ExitCode

if TYPE_CHECKING:
    from moomarkets.installation import Installation
    from moomarkets.services.coverage_views import FetchPlan
    from moomarkets.settings import Settings


@click.command()
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@narrowed
@by_way
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), help="Follow it for so many seconds at most.")
@as_json
@click.pass_obj
def fill(
    given: Given,
    /,
    datasets: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    timeout_s: float | None,
    is_json: bool,
    **part: Any,
) -> None:
    """Get what is missing.

    Of the DATASETs, or of all that groups keep. Exits 0 when nothing is missing any more, 1 when something is, 5 when
    a credential is missing. Where no supervisor runs it starts the system itself. Ctrl-C stops looking; what is not
    done is done by the next fill.
    """
    if not datasets and any(part[name] for name in ("from_on", "to_on", "codes")):
        raise click.UsageError("expected a DATASET beside --from, --to and --code, got none")
    settings = load_settings(given)
    with opened(given) as installation:
        names = list(datasets) or installation.coverage.kept()
        plans = [plan for name in names for plan in installation.coverage.plan(name, **part)]
        is_running = installation.status.is_running()
        if plans and not dry_run:
            _demand_credentials(installation, plans)
    if is_json and dry_run:
        print_json([asdict(plan) for plan in plans])
    elif is_json and not plans:
        print_json({"missing": 0, "fills": []})
    elif not is_json:
        print_plans(plans)
    if dry_run or not plans:
        return
    if not yes and sys.stdin.isatty() and not click.confirm(_question(plans), err=is_json):
        click.echo("nothing was asked for", err=is_json)
        sys.exit(ExitCode.WORK_REMAINS)
    sys.exit(_run(settings, given, names, part, timeout_s, is_running=is_running, is_json=is_json))


def _run(
    settings: Settings,
    given: Given,
    names: list[str],
    part: dict[str, Any],
    timeout_s: float | None,
    *,
    is_running: bool,
    is_json: bool,
) -> int:
    """Order it and follow it; the exit code."""
    from moomarkets.cli.filling import Follower
    from moomarkets.wakes import Wakes

    with closing(Wakes()) as wakes:
        wakes.catch_signals()
        if is_running:
            with opened(given) as installation:
                return Follower(installation, wakes, names, part, timeout_s, is_ours=False, is_json=is_json).follow()
        from moomarkets.cli.filling import quiet_events
        from moomarkets.system import System

        events = quiet_events()
        with System(settings, clock=events.clock, events=events, learn_secret=events.scrubber.learn) as system:
            system.on_end(wakes.end)
            return Follower(system, wakes, names, part, timeout_s, is_ours=True, is_json=is_json).follow()


def _demand_credentials(installation: Installation, plans: list[FetchPlan]) -> None:
    from moomarkets.domain.errors import CredentialsMissing

    missing = installation.missing_credentials()
    for plan in plans:
        if plan.source in missing:
            raise CredentialsMissing(plan.source)


def _question(plans: list[FetchPlan]) -> str:
    picked = [plan.picked for plan in plans if plan.picked is not None]
    requests, seconds = sum(way.requests for way in picked), sum(way.seconds for way in picked)
    what = "request" if requests == 1 else "requests"
    return f"Send {requests:,} {what} {in_time(seconds)}, for {size(sum(way.bytes for way in picked))}?"
