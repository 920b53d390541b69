"""Sources as they are to be used here: what code says, changed by what the settings say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Protocol

from datasources.jquants.endpoints import PLANS, Plan
from datasources.registry import specs
from moomarkets.domain.errors import InvalidInput, NotFound, SettingsError
from moomarkets.domain.limits import Window
from moomarkets.domain.source import SourceSpec

DEFAULT_PLAN = "free"


class SourceChoices(Protocol):
    """What the settings may say about a source; None leaves it as it is."""

    base_url: str | None
    limits: tuple[Window, ...] | None
    plan: str | None
    is_enabled: bool | None


def effective_specs(choices: Mapping[str, SourceChoices]) -> list[SourceSpec]:
    """All sources with their settings applied; a setting for a source that nobody knows is refused."""
    known = {spec.code: spec for spec in specs()}
    faults = [
        f"sources.{code}: expected one of {', '.join(sorted(known))}, got {code!r}"
        for code in sorted(set(choices) - set(known))
    ]
    found = []
    for spec in known.values():
        try:
            found.append(_effective(spec, choices.get(spec.code)))
        except SettingsError as error:
            faults += error.faults
    if faults:
        raise SettingsError(faults)
    return found


def check_takes_key(code: str) -> None:
    """Refuse a source that nobody knows, or that needs no credential."""
    known = {spec.code: spec for spec in specs()}
    if code not in known:
        raise NotFound("source", code, sorted(known))
    if not known[code].needs_credential:
        keyed = sorted(spec.code for spec in known.values() if spec.needs_credential)
        raise InvalidInput("source", f"one that needs a credential ({', '.join(keyed)})", code)


def reach_of(choices: Mapping[str, SourceChoices]) -> dict[str, Callable[[date], tuple[date, date | None]]]:
    """For each source with plans: which dates the chosen one lets us read, as of a day."""
    chosen = choices.get("jquants")
    return {"jquants": _plan(chosen.plan if chosen else None).reach}


def _effective(spec: SourceSpec, choice: SourceChoices | None) -> SourceSpec:
    windows = spec.windows
    if spec.code == "jquants":
        windows = _plan(choice.plan if choice else None).windows
    elif choice is not None and choice.plan is not None:
        raise SettingsError([f"sources.{spec.code}.plan: expected none, this source has no plans; got {choice.plan!r}"])
    if choice is None:
        return replace(spec, windows=windows)
    return replace(spec, base_url=choice.base_url or spec.base_url, windows=choice.limits or windows)


def _plan(name: str | None) -> Plan:
    plan = PLANS.get(name or DEFAULT_PLAN)
    if plan is None:
        raise SettingsError([f"sources.jquants.plan: expected one of {', '.join(PLANS)}, got {name!r}"])
    return plan
