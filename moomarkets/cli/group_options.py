"""The options that say what a group is: those of `groups create` and `groups edit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from moomarkets.cli.given_values import json_object

_WITHOUT: Mapping[str, tuple[str, object]] = {
    "source": ("data_source", None),
    "schedule": ("schedule", None),
    "after": ("depends_on", ()),
    "parent": ("parent", None),
    "jobs": ("jobs", ()),
    "max-parallel": ("max_parallel", None),
    "crash-limit": ("crash_limit", None),
    "keep-days": ("keep_days", None),
}
"""What `--without` takes away: the field, and what it is then."""

_OPTIONS = (
    click.option("--source", "data_source", help="The provider that its jobs ask."),
    click.option("--job-type", "job_types", multiple=True, help="What its runs plan jobs for; may be repeated."),
    click.option("--scope", help="Which part of the data, as a JSON object."),
    click.option("--description", help="For people."),
    click.option("--cron", help="When it is due: five fields, such as '0 17 * * 1-5'."),
    click.option("--timezone", help="The time zone of --cron; default: UTC."),
    click.option("--every", "every_s", type=float, help="Due every so many seconds, in place of --cron."),
    click.option("--schedule", help="When it is due, as a JSON object, in place of --cron."),
    click.option("--catch-up", help="Which missed instants get a run: skip, latest, all, or a JSON object."),
    click.option("--overlap", help="An instant while a run is under way: skip, queue, cancel_running."),
    click.option(
        "--after", "depends_on", multiple=True, help="GROUP[:latest|same_date[:block|skip|run]]; may be repeated."
    ),
    click.option("--parent", help="The group above it."),
    click.option("--priority", type=int, help="1 to 10; 10 is the most urgent."),
    click.option("--max-retries", type=int, help="Retries of each job."),
    click.option("--retry-delay", "retry_delay_s", type=int, help="Seconds before the first retry."),
    click.option("--max-parallel", type=int, help="At most so many of its jobs run at a time."),
    click.option("--crash-limit", type=int, help="Deaths of the process under a job before it is given up."),
    click.option("--keep-days", type=int, help="How long its history is kept."),
    click.option("--endpoint", "endpoint_id", help="The endpoint of the provider, as a name for people."),
    click.option("--enabled/--disabled", "is_enabled", default=None, help="Whether its schedule brings runs."),
    click.option("--job", "jobs", multiple=True, help="A job for each run, as JSON: key, job_type; may be repeated."),
    click.option(
        "--without", multiple=True, type=click.Choice(list(_WITHOUT)), help="Take this away; may be repeated."
    ),
)


def group_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, as the fields of a `GroupDefinition`; what was not given is left out.

    Raises:
        InvalidInput: JSON that is none, a policy or a match that does not exist, two schedules at once, or a field that
            is given and taken away.
    """
    from moomarkets.domain.catch_up import CatchUp

    # Not by their truth: 0 is a number like any other.
    told = {name: value for name, value in given.items() if value is not None and value != ()}
    taken = dict(_WITHOUT[name] for name in told.pop("without", ()))
    told |= _schedule(told)
    if "scope" in told:
        told["scope"] = json_object("scope", told["scope"])
    if "depends_on" in told:
        told["depends_on"] = tuple(_dependency(text) for text in told["depends_on"])
    if "jobs" in told:
        told["jobs"] = tuple(_job(text) for text in told["jobs"])
    if "catch_up" in told:
        text = told["catch_up"]
        told["catch_up"] = CatchUp.from_json(json_object("catch_up", text) if text.startswith("{") else text)
    if "overlap" in told:
        told["overlap"] = _overlap(told["overlap"])
    return _merged(told, taken)


def _merged(told: dict[str, Any], taken: dict[str, Any]) -> dict[str, Any]:
    from moomarkets.domain.errors import InvalidInput

    for field in taken:
        if field in told:
            raise InvalidInput(field, "either a value or --without", "both")
    return told | taken


def _schedule(told: dict[str, Any]) -> dict[str, Any]:
    """The schedule as a change of its own; takes the options that spell it out of `told`."""
    from moomarkets.domain.errors import InvalidInput

    ways = [name for name in ("cron", "every_s", "schedule") if name in told]
    spelled = {name: told.pop(name) for name in (*ways, "timezone") if name in told}
    if len(ways) > 1 or ("timezone" in spelled and ways != ["cron"]):
        raise InvalidInput("schedule", "one of --cron (with --timezone), --every and --schedule", ", ".join(spelled))
    if not ways:
        return {}
    return {"schedule": json_object("schedule", spelled["schedule"]) if ways == ["schedule"] else spelled}


def _job(text: str) -> object:
    from moomarkets.domain.errors import InvalidInput
    from moomarkets.domain.job import PlannedJob

    given = json_object("job", text)
    unknown = set(given) - {"key", "job_type", "name", "parameters", "symbol"}
    if unknown or not {"key", "job_type"} <= set(given):
        raise InvalidInput("job", "key and job_type, and maybe name, parameters and symbol", given)
    name, parameters = given.get("name", given["key"]), given.get("parameters", {})
    return PlannedJob(given["key"], given["job_type"], name, parameters, given.get("symbol"))


def _dependency(text: str) -> object:
    from moomarkets.domain.errors import InvalidInput
    from moomarkets.domain.group import Dependency, Match, OnFailure

    group, *rest = text.split(":")
    match, on_failure = [*rest, *("latest", "skip")[len(rest) :]][:2]
    if len(rest) > 2 or match not in list(Match) or on_failure not in list(OnFailure):
        raise InvalidInput("after", "GROUP[:latest|same_date[:block|skip|run]]", text)
    return Dependency(group, Match(match), OnFailure(on_failure))


def _overlap(text: str) -> object:
    from moomarkets.domain.catch_up import Overlap
    from moomarkets.domain.errors import InvalidInput

    if text not in list(Overlap):
        raise InvalidInput("overlap", f"one of {', '.join(Overlap)}", text)
    return Overlap(text)
