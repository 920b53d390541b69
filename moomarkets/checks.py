"""What an installation needs before it can do all that it is set up for."""

from __future__ import annotations

from collections.abc import Iterator

from moomarkets.domain.credential import CredentialState
from moomarkets.domain.dependencies import refuse_cycle
from moomarkets.domain.errors import InvalidInput
from moomarkets.installation import Installation
from moomarkets.services.group_checks import check_group
from moomarkets.store.reports import Record

MOST_ANSWERS = 20


def problems(installation: Installation) -> Iterator[str]:
    """One sentence for each thing that needs attention, with its remedy; reads only."""
    groups = installation.status.groups()
    yield from _source_problems(installation)
    yield from _credential_problems(installation)
    yield from _switch_problems(installation, groups)
    yield from _definition_problems(installation, groups)
    yield from _graph_problems(groups)
    yield from _run_problems(groups)
    yield from _quality_problems(installation)
    yield from _freshness_problems(installation)


def _source_problems(installation: Installation) -> Iterator[str]:
    """Sources that cannot be used, and those whose providers do not say what the settings say."""
    for code, fault in installation.source_faults.items():
        yield f"source {code}: {fault}; mend or remove the package that brings it"
    for code in installation.specs:
        if installation.status.is_enabled(code):
            yield from installation.subscriptions.disagreements(code)


def _credential_problems(installation: Installation) -> Iterator[str]:
    for spec in installation.specs.values():
        if not spec.needs_credential or not installation.status.is_enabled(spec.code):
            continue
        found = installation.credentials.show(spec.code)
        anew = f"`moomarkets credentials set {spec.code}`"
        if found["state"] == CredentialState.MISSING:
            yield f"{spec.code}: no credential; give it with {anew}"
        elif found["state"] == CredentialState.UNREADABLE:
            place, key_id = installation.keyring.place, found["key_id"] or "unknown"
            yield (
                f"{spec.code}: its credential does not open (key {key_id}) with {place}; "
                f"put that key back, or set it anew with {anew}"
            )
        elif found["is_accepted"] is False:
            yield f"{spec.code}: the provider refused its credential; set it anew with {anew}"


def _switch_problems(installation: Installation, groups: list[Record]) -> Iterator[str]:
    """What rests although somebody may count on it."""
    if not installation.switches.is_enabled:
        yield "the whole is paused: nothing is booked or started; let it go on with `moomarkets resume`"
    for source in installation.sources.list():
        if source["is_paused"]:
            yield f"{source['code']}: paused; let it go on with `moomarkets sources resume {source['code']}`"
    for group in groups:
        if group["status"] == "paused":
            yield f"group {group['name']}: paused; let it go on with `moomarkets groups resume {group['name']}`"


def _definition_problems(installation: Installation, groups: list[Record]) -> Iterator[str]:
    """Groups that would be refused if somebody made them now, and schedules that rest."""
    for group in groups:
        name = str(group["name"])
        try:
            check_group(installation.groups.definition(name))
        except InvalidInput as error:
            yield f"group {name}: {error}; give another value with `moomarkets groups edit {name}`"
            continue
        if group["schedule_error"]:
            error_text = f"its schedule rests ({group['schedule_error']})"
            yield f"group {name}: {error_text}; give another one with `moomarkets groups edit {name}`"


def _graph_problems(groups: list[Record]) -> Iterator[str]:
    """Circles among the groups, and groups that wait for one that nothing brings a run of."""
    by_name = {str(group["name"]): group for group in groups}
    upstream = {name: _names(group["depends_on"]) for name, group in by_name.items()}
    for thing, edges in (
        ("depends_on", upstream),
        ("parent", {name: _names([group["parent"]]) for name, group in by_name.items()}),
    ):
        try:
            refuse_cycle(edges, thing)
        except InvalidInput as error:
            yield f"groups: {error}"
    for name, group in by_name.items():
        for above in upstream[name]:
            if group["is_enabled"] and above in by_name and not by_name[above]["is_enabled"]:
                yield (
                    f"group {name}: waits for group {above}, which is switched off; "
                    f"switch it on with `moomarkets groups enable {above}`"
                )


def _run_problems(groups: list[Record]) -> Iterator[str]:
    for group in groups:
        name = group["name"]
        if group["run_status"] == "failed":
            jobs = "1 failed job" if group["failed_jobs"] == 1 else f"{group['failed_jobs']} failed jobs"
            yield (
                f"group {name}: its newest run failed with {jobs}; see why with "
                f"`moomarkets why {name}`, try them again with `moomarkets groups retry {name}`"
            )
        elif group["run_status"] == "pending" and group["blocked_by"]:
            yield f"group {name}: waits for {group['blocked_by']}; see `moomarkets why {name}`"


def _quality_problems(installation: Installation) -> Iterator[str]:
    """Answers that wait for a decision. Strange rows are no work for anybody: they are on record."""
    for kept in installation.quarantine.list("open", limit=MOST_ANSWERS):
        yield (
            f"{kept['dataset']} of {kept['from_on']}: an answer is in quarantine ({kept['detail']}); look at it with "
            f"`moomarkets quarantine show {kept['id']}`, then release or dismiss it"
        )


def _freshness_problems(installation: Installation) -> Iterator[str]:
    for one in installation.freshness.list():
        if one["state"] == "overdue":
            here = f"the newest that is here is {one['have_on']}" if one["have_on"] else "nothing is here"
            yield (
                f"{one['dataset']}: overdue since {one['since']:%Y-%m-%d %H:%M} UTC: expected data of "
                f"{one['expected_on']}, {here}; see `moomarkets why {one['group']}`"
            )


def _names(given: object) -> list[str]:
    return [str(name) for name in given if name is not None] if isinstance(given, list) else []
