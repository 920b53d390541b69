"""What a source is: a provider with its endpoints, its limits, and the permission to send one request now."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Batch, Dataset
from moomarkets.domain.limits import NAMED_SECONDS, Window


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One kind of call, defined in code. `windows` are limits of this endpoint on top of the source's own."""

    name: str
    path: str
    dataset: Dataset
    method: str = "GET"
    requires_symbol: bool = False
    windows: tuple[Window, ...] = ()
    version: int = 1

    @property
    def rate_limit(self) -> dict[str, int | None]:
        """The endpoint's own limits as `{per_minute, per_hour, per_day}`; None where it has none."""
        by_seconds = {window.seconds: window.count for window in self.windows}
        return {name: by_seconds.get(seconds) for name, seconds in NAMED_SECONDS.items()}


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A provider as the system knows it before any setting: `code` is its unique name."""

    code: str
    name: str
    description: str
    provider_type: str
    base_url: str
    api_version: str
    windows: tuple[Window, ...]
    endpoints: tuple[Endpoint, ...]
    needs_credential: bool
    default_silence_s: float = 60.0
    """How long a 429 without Retry-After keeps the source silent; the next ones within ten minutes wait longer."""

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of that name; KeyError where there is none."""
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise KeyError(name)


class Permit(Protocol):
    """The right to send one request now."""

    deadline: float
    """Monotonic second (of the injected clock) at which the whole request must be over."""

    def check(self) -> None:
        """Raise `AttemptError` if the permit is too old to be used; call it as the last thing before sending."""

    def answered(self) -> None:
        """The provider has answered, whatever it says: it will not count this request later than now.

        Without this the request counts until its deadline: one that was cut off may still be on its way.
        """

    def unsent(self) -> None:
        """The request certainly never left: give the permit back."""


class PermitGate(Protocol):
    """Where a source's client asks before each request. Used in an attempt's thread; blocks it, nobody else."""

    def permit(self, endpoint: Endpoint, token: CancelToken) -> AbstractContextManager[Permit]:
        """Wait for a permit; it is used up when the block ends. Raises `Cancelled` when the token says so."""

    def silence(self, retry_after_s: float | None) -> None:
        """A 429 was read: stop the whole credential at once, durably, for that long (None: the source's own rule)."""


class DataSource(Protocol):
    """A provider's client: one implementation per provider."""

    spec: SourceSpec

    def fetch_data(self, endpoint: Endpoint, parameters: dict[str, str], token: CancelToken) -> Batch:
        """Fetch one partition completely, over all its pages.

        Raises `SourceError` (with its reason), `RateLimited` or `Cancelled`; nothing is returned in part.
        """

    def validate_credentials(self) -> bool:
        """Ask the provider, with one request, whether the credential is accepted."""

    def get_rate_limit(self) -> tuple[int, str]:
        """The narrowest named limit as (count, "second" | "minute" | "hour" | "day")."""

    def close(self) -> None:
        """Close the connections."""
