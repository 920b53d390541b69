"""What a source's client is opened with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datasources.host_names import HostNames
from moomarkets.domain.clock import Clock
from moomarkets.domain.events import Events
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import PermitGate, TokenBox


@dataclass(frozen=True, slots=True)
class Opening:
    """All that the client of one source for one credential gets; it reads neither settings nor the environment.

    `hosts` looks up names for all clients of the process. `windows` are the limits in force, for `get_rate_limit`.
    `tokens` keeps what a provider gives in exchange for the credential; None where there is no credential.
    """

    base_url: str
    credential: Mapping[str, Secret]
    gate: PermitGate
    clock: Clock
    windows: Sequence[Window]
    events: Events
    hosts: HostNames
    tokens: TokenBox | None = None
