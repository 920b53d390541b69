"""What an installation needs before it can do all that it is set up for."""

from __future__ import annotations

from collections.abc import Iterator

from moomarkets.domain.errors import CannotDecrypt
from moomarkets.installation import Installation


def problems(installation: Installation) -> Iterator[str]:
    """One sentence for each thing that needs attention, with its remedy; reads only."""
    yield from _credential_problems(installation)
    yield from _group_problems(installation)


def _credential_problems(installation: Installation) -> Iterator[str]:
    for spec in installation.specs.values():
        if not spec.needs_credential or not installation.status.is_enabled(spec.code):
            continue
        if not installation.credentials.is_set(spec.code):
            yield f"{spec.code}: no credential; give it with `moomarkets credentials set {spec.code}`"
            continue
        try:
            installation.credentials.holds(spec.code, {})
        except CannotDecrypt as error:
            yield f"{spec.code}: its credential does not open ({error}); put the keyring back or set it anew"


def _group_problems(installation: Installation) -> Iterator[str]:
    for group in installation.status.groups():
        if group["run_status"] == "failed":
            name = group["name"]
            yield (
                f"group {name}: its newest run failed with {group['failed_jobs']} failed jobs; see why with "
                f"`moomarkets jobs list --group {name} --status failed`, "
                f"run it again with `moomarkets groups run {name}`"
            )
        elif group["run_status"] == "pending" and group["blocked_by"]:
            yield f"group {group['name']}: waits for {group['blocked_by']}"
