"""All sources by their code: the built-in ones, and those that other packages bring along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

from datasources.host_names import HostNames
from datasources.jquants.endpoints import JQUANTS
from datasources.jquants.v2 import JQuantsV2
from datasources.yahoo import YAHOO, YahooChart
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import CredentialsMissing, NotFound
from moomarkets.domain.events import Events
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import DataSource, PermitGate, SourceSpec

ENTRY_POINTS = "moomarkets.datasources"

SPECS = (JQUANTS, YAHOO)
"""The built-in sources."""


class Opener(Protocol):
    """Makes the client of one source; nothing is sent yet."""

    def __call__(
        self,
        base_url: str,
        credential: Mapping[str, Secret],
        gate: PermitGate,
        clock: Clock,
        windows: Sequence[Window],
        events: Events,
        hosts: HostNames,
    ) -> DataSource: ...


@dataclass(frozen=True, slots=True)
class Provider:
    """A source and how to open it. A package offers one under the entry point group `moomarkets.datasources`.

    Example:
        >>> find("yahoo").spec.provider_type
        'yfinance'
    """

    spec: SourceSpec
    open: Opener


def find(code: str) -> Provider:
    """The provider of that code; a built-in one first, so that nobody can slip in front of it."""
    for provider in _BUILT_IN:
        if provider.spec.code == code:
            return provider
    for entry in entry_points(group=ENTRY_POINTS, name=code):
        provider = entry.load()
        if isinstance(provider, Provider) and provider.spec.code == code:
            return provider
    raise NotFound("source", code)


def specs() -> tuple[SourceSpec, ...]:
    """Every source, the built-in ones first; loads the packages that bring others."""
    built_in = {spec.code for spec in SPECS}
    names = sorted({entry.name for entry in entry_points(group=ENTRY_POINTS)} - built_in)
    return SPECS + tuple(find(name).spec for name in names)


def build(
    code: str,
    base_url: str,
    credential: Mapping[str, Secret] | None,
    gate: PermitGate,
    clock: Clock,
    windows: Sequence[Window],
    events: Events,
    hosts: HostNames,
) -> DataSource:
    """The client of one source for one credential; `base_url` "" and no `windows` mean the source's own.

    `hosts` looks up the names of all clients.
    """
    provider = find(code)
    if provider.spec.needs_credential and not credential:
        raise CredentialsMissing(code)
    return provider.open(
        base_url or provider.spec.base_url,
        credential or {},
        gate,
        clock,
        windows or provider.spec.windows,
        events,
        hosts,
    )


def _open_jquants(
    base_url: str,
    credential: Mapping[str, Secret],
    gate: PermitGate,
    clock: Clock,
    windows: Sequence[Window],
    events: Events,
    hosts: HostNames,
) -> DataSource:
    return JQuantsV2(base_url, credential, gate, clock, events, windows=windows, hosts=hosts)


def _open_yahoo(
    base_url: str,
    credential: Mapping[str, Secret],
    gate: PermitGate,
    clock: Clock,
    windows: Sequence[Window],
    events: Events,
    hosts: HostNames,
) -> DataSource:
    return YahooChart(base_url, gate, clock, events, windows=windows, hosts=hosts)


_BUILT_IN = (Provider(JQUANTS, _open_jquants), Provider(YAHOO, _open_yahoo))
