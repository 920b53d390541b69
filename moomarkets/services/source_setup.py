"""Sources as they are to be used here: what code says, changed by what the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from datasources.registry import installed
from moomarkets.domain.errors import InvalidInput, NotFound, SettingsError
from moomarkets.domain.limits import Window
from moomarkets.domain.source import SourceSpec, Subscription


class SourceChoices(Protocol):
    """What the settings may say about a source; None leaves it as it is."""

    base_url: str | None
    limits: tuple[Window, ...] | None
    plan: str | None
    add_ons: tuple[str, ...] | None
    is_enabled: bool | None


def effective_specs(choices: Mapping[str, SourceChoices]) -> list[SourceSpec]:
    """All sources with their settings applied; a setting for a source that nobody knows is refused."""
    known = {spec.code: spec for spec in installed().specs}
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


def check_takes_key(code: str) -> tuple[str, ...]:
    """The values that a credential of the source has; refuses one that nobody knows, or that needs none."""
    known = {spec.code: spec for spec in installed().specs}
    if code not in known:
        raise NotFound("source", code, sorted(known))
    if not known[code].needs_credential:
        keyed = sorted(spec.code for spec in known.values() if spec.needs_credential)
        raise InvalidInput("source", f"one that needs a credential ({', '.join(keyed)})", code)
    return known[code].credential_fields


def subscriptions(specs: Mapping[str, SourceSpec], choices: Mapping[str, SourceChoices]) -> dict[str, Subscription]:
    """What is subscribed to at each source."""
    return {code: subscription(spec, choices.get(code)) for code, spec in specs.items()}


def subscription(spec: SourceSpec, choice: SourceChoices | None) -> Subscription:
    """The chosen plan with its add-ons; the smallest plan where nothing is said.

    Raises:
        SettingsError: the source has no such plan or add-on.
    """
    given = choice.plan if choice else None
    add_ons = choice.add_ons if choice and choice.add_ons else ()
    faults = [
        f"sources.{spec.code}.add_ons: expected some of {', '.join(spec.add_ons) or 'none'}, got {name!r}"
        for name in add_ons
        if name not in spec.add_ons
    ]
    if not spec.plans and given is not None:
        faults.append(f"sources.{spec.code}.plan: expected none, this source has no plans; got {given!r}")
    names = [plan.name for plan in spec.plans]
    if spec.plans and given is not None and given not in names:
        faults.append(f"sources.{spec.code}.plan: expected one of {', '.join(names)}, got {given!r}")
    if faults:
        raise SettingsError(faults)
    return Subscription.of(spec, given or names[0], add_ons) if names else Subscription()


def _effective(spec: SourceSpec, choice: SourceChoices | None) -> SourceSpec:
    plan = subscription(spec, choice).plan
    windows = plan.windows if plan else spec.windows
    if choice is None:
        return replace(spec, windows=windows)
    return replace(spec, base_url=choice.base_url or spec.base_url, windows=choice.limits or windows)
