"""All sources by their code: the built-in ones, and those that other packages bring along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points

from datasources.jquants.endpoints import JQUANTS
from datasources.jquants.v1 import JQuantsV1
from datasources.jquants.v1_endpoints import JQUANTS_V1
from datasources.jquants.v2 import JQuantsV2, read_bodies
from datasources.opening import Opening
from datasources.yahoo import YAHOO, YahooChart
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import CredentialsMissing, NotFound, PluginError
from moomarkets.domain.source import DataSource, Endpoint, SourceSpec

ENTRY_POINTS = "moomarkets.datasources"

SPECS = (JQUANTS, YAHOO, JQUANTS_V1)
"""The built-in sources."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A source and how to open it. A package offers one under the entry point group `moomarkets.datasources`.

    `open` makes the client of the source; nothing is sent yet. `read` makes a batch of answers that were kept as they
    came; None where the source cannot do that.

    Example:
        >>> find("yahoo").spec.provider_type
        'yfinance'
    """

    spec: SourceSpec
    open: Callable[[Opening], DataSource]
    read: Callable[[Endpoint, Sequence[bytes]], Batch] | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """The sources that there are, and for the code of each that cannot be used, why."""

    specs: tuple[SourceSpec, ...]
    faults: dict[str, str]


def find(code: str) -> Provider:
    """The provider of that code; a built-in one first, so that nobody can slip in front of it.

    Raises:
        NotFound: nobody offers such a source.
        PluginError: the package that offers it is broken.
    """
    for provider in _BUILT_IN:
        if provider.spec.code == code:
            return provider
    for entry in entry_points(group=ENTRY_POINTS, name=code):
        return _load(entry)
    raise NotFound("source", code)


def installed() -> Installed:
    """Every source, the built-in ones first; loads the packages that bring others, and bears with broken ones."""
    built_in = {spec.code for spec in SPECS}
    found, faults = list(SPECS), {}
    for name in sorted({entry.name for entry in entry_points(group=ENTRY_POINTS)} - built_in):
        try:
            found.append(find(name).spec)
        except PluginError as error:
            faults[name] = error.detail
    return Installed(tuple(found), faults)


def build(code: str, opening: Opening) -> DataSource:
    """The client of one source for one credential; a `base_url` "" and no `windows` mean the source's own."""
    provider = find(code)
    spec = provider.spec
    if spec.needs_credential and not opening.credential:
        raise CredentialsMissing(code)
    base_url, windows = opening.base_url or spec.base_url, opening.windows or spec.windows
    return provider.open(replace(opening, base_url=base_url, windows=windows))


def _load(entry: EntryPoint) -> Provider:
    try:
        provider = entry.load()
    except Exception as error:
        raise PluginError(ENTRY_POINTS, entry.name, f"{type(error).__name__}: {error}") from error
    if not isinstance(provider, Provider) or provider.spec.code != entry.name:
        expected = f"expected a Provider of the source {entry.name}, got {provider!r}"
        raise PluginError(ENTRY_POINTS, entry.name, expected[:500])
    return provider


def _open_jquants(given: Opening) -> DataSource:
    return JQuantsV2(
        given.base_url,
        given.credential,
        given.gate,
        given.clock,
        given.events,
        windows=given.windows,
        hosts=given.hosts,
    )


def _open_jquants_v1(given: Opening) -> DataSource:
    return JQuantsV1(
        given.base_url,
        given.credential,
        given.gate,
        given.clock,
        given.events,
        tokens=given.tokens,
        windows=given.windows,
        hosts=given.hosts,
    )


def _open_yahoo(given: Opening) -> DataSource:
    return YahooChart(given.base_url, given.gate, given.clock, given.events, windows=given.windows, hosts=given.hosts)


_BUILT_IN = (
    Provider(JQUANTS, _open_jquants, read_bodies),
    Provider(YAHOO, _open_yahoo),
    Provider(JQUANTS_V1, _open_jquants_v1),
)
