"""What a source is: a provider with its endpoints, its limits, and the permission to send one request now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, runtime_checkable

from moomarkets.domain.bulk import BulkFile
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Batch, Dataset
from moomarkets.domain.learnt import Readable
from moomarkets.domain.limits import NAMED_SECONDS, USUAL_SILENCES, SilenceRule, Window
from moomarkets.domain.secret import Secret
from moomarkets.domain.upkeep import Upkeep
from moomarkets.domain.ways import Volume


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription allows: requests in windows, years back, and files; `delay_weeks` hides the newest.

    Example:
        >>> Plan("free", (Window(5, 60),), years=2, delay_weeks=12).reach(date(2026, 11, 20))
        (datetime.date(2024, 8, 28), datetime.date(2026, 8, 28))
    """

    name: str
    windows: tuple[Window, ...]
    years: int
    delay_weeks: int = 0
    has_bulk: bool = True

    def reach(self, today: date) -> tuple[date, date | None]:
        """First and last readable date as of `today` at the provider; None where the end is open."""
        last = today - timedelta(weeks=self.delay_weeks)
        return years_before(last, self.years), last if self.delay_weeks else None


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; 28 February for a 29th that does not exist."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One kind of call. `windows` are limits of this endpoint on top of the source's own.

    `plan` is the lowest subscription that may ask, or the name of an add-on to it; "" where everybody may. `since` is
    the oldest date that the provider has. With an `upkeep` a job type of the dataset's name keeps it; `has_bulk`:
    whole months and days can be had as files. `volume` is how much a day of it holds, about. `is_apart`: its windows
    stand in place of the source's, and what is asked of it counts nowhere else (an add-on that is limited by itself).
    From `live_plan` on the rows of today can be asked for again and again: an answer ends with a cursor, and with that
    in the parameter `cursor` only what is newer comes.
    """

    name: str
    path: str
    dataset: Dataset
    method: str = "GET"
    requires_symbol: bool = False
    windows: tuple[Window, ...] = ()
    version: int = 1
    plan: str = ""
    since: date | None = None
    upkeep: Upkeep | None = None
    has_bulk: bool = False
    volume: Volume = field(default_factory=Volume)
    is_apart: bool = False
    live_plan: str = ""

    @property
    def rate_limit(self) -> dict[str, int | None]:
        """The endpoint's own limits as `{per_minute, per_hour, per_day}`; None where it has none."""
        by_seconds = {window.seconds: window.count for window in self.windows}
        return {name: by_seconds.get(seconds) for name, seconds in NAMED_SECONDS.items()}


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A provider as the system knows it before any setting: `code` is its unique name.

    `plans` are its subscriptions, the smallest first, each of which contains those before it; the first counts where
    nothing is said. `add_ons` can be had beside a plan. `credential_fields` are the values that a credential has, where
    one is needed. A source that is not `is_on_by_default` has to be switched on by a setting or by hand.
    """

    code: str
    name: str
    description: str
    provider_type: str
    base_url: str
    api_version: str
    windows: tuple[Window, ...]
    endpoints: tuple[Endpoint, ...]
    needs_credential: bool
    plans: tuple[Plan, ...] = ()
    add_ons: tuple[str, ...] = ()
    silences: SilenceRule = USUAL_SILENCES
    """How long a 429 without Retry-After keeps the source silent; the next ones in a row wait longer."""
    credential_fields: tuple[str, ...] = ("api_key",)
    is_on_by_default: bool = True

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of that name; KeyError where there is none."""
        for endpoint in self.endpoints:
            if endpoint.name == name:
                return endpoint
        raise KeyError(name)

    def plan(self, name: str) -> Plan:
        """The subscription of that name; KeyError where there is none."""
        for plan in self.plans:
            if plan.name == name:
                return plan
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a person has subscribed to at a source: a plan, where it has plans, and add-ons to it.

    Example:
        >>> Subscription().reach(date(2026, 11, 20))
        (datetime.date(1, 1, 1), None)
    """

    plan: Plan | None = None
    names: frozenset[str] = frozenset()
    """The plan with all that it contains, and the add-ons."""

    refused: frozenset[str] = frozenset()
    """The endpoints of which the provider has said that they do not belong to it."""

    @property
    def label(self) -> str:
        """What tells it from others, as one text.

        Example:
            >>> Subscription(names=frozenset({"light", "free"})).label
            'free light'
        """
        return " ".join(sorted(self.names))

    @classmethod
    def of(cls, spec: SourceSpec, plan: str, add_ons: Iterable[str] = ()) -> Subscription:
        """A subscription to that plan of the source; KeyError where there is none of that name."""
        chosen = spec.plan(plan)
        contained = spec.plans[: spec.plans.index(chosen) + 1]
        return cls(chosen, frozenset({*(known.name for known in contained), *add_ons}))

    def reach(self, today: date) -> tuple[date, date | None]:
        """First and last readable date as of `today` at the provider; None where the end is open."""
        return self.plan.reach(today) if self.plan else (date.min, None)

    def may_ask(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint belongs to it."""
        if endpoint.name in self.refused:
            return False
        return not endpoint.plan or self.plan is None or endpoint.plan in self.names


@dataclass(frozen=True, slots=True)
class Detected:
    """What a provider has said of a subscription: its plan, the dates that may be read, and add-ons."""

    plan: str
    readable: Readable
    add_ons: tuple[str, ...]
    requests: int


class Permit(Protocol):
    """The right to send one request now."""

    deadline: float
    """Monotonic second (of the injected clock) at which the whole request must be over."""

    def check(self) -> None:
        """Raise `AttemptError` if the permit is too old to be used; call it as the last thing before sending."""

    def answered(self, weight: int | None = None) -> None:
        """The provider has answered, whatever it says: it will not count this request later than now.

        Without this the request counts until its deadline: one that was cut off may still be on its way. `weight` is
        what the request has really used, where the answer tells; default what was reserved.
        """

    def unsent(self) -> None:
        """The request certainly never left: give the permit back."""


class PermitGate(Protocol):
    """Where a source's client asks before each request. Used in an attempt's thread; blocks it, nobody else."""

    def permit(self, endpoint: Endpoint, token: CancelToken, weight: int = 1) -> AbstractContextManager[Permit]:
        """Wait for a permit; it is used up when the block ends. Raises `Cancelled` when the token says so.

        The token tells how urgent the work is. A request of more `weight` takes as much room in every window.
        """

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


@runtime_checkable
class DetectsPlan(Protocol):
    """What a client can do besides, where its provider has plans."""

    def detect_plan(self, token: CancelToken) -> Detected:
        """Find out, with as few requests as it takes, what the credential is subscribed to."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave in exchange for a credential; None for what there is not. Instants are UTC."""

    refresh_token: Secret | None = None
    refresh_expires_at: datetime | None = None
    id_token: Secret | None = None
    id_expires_at: datetime | None = None


class TokenBox(Protocol):
    """Where the tokens of one credential are kept, sealed, for all threads and nodes. Thread-safe.

    A client keeps what `read` gave until it expires or is refused, and renews like this:

        with box.renewing(cancel) as tokens:
            if tokens.id_token in (None, refused):      # else somebody has renewed it meanwhile
                tokens = ...                            # ask the provider
                box.write(tokens)
    """

    def read(self) -> Tokens:
        """The tokens as they are kept now: one look at the store. Raises `CannotDecrypt` where they do not open."""

    def write(self, tokens: Tokens) -> bool:
        """Keep these in place of the older ones; for the holder of `renewing`.

        False: nothing was kept, for the renewal took too long and is somebody else's now, or the credential was given
        anew meanwhile. The tokens themselves may be used all the same.
        """

    def clear(self) -> bool:
        """Forget all tokens, such as when the refresh token is refused; for the holder of `renewing`."""

    def renewing(self, token: CancelToken) -> AbstractContextManager[Tokens]:
        """Become the one that renews, over all threads and nodes; gives the tokens as they are then.

        Waits for whoever renews now; raises `Cancelled` when the token says so. No transaction is open inside. A holder
        that says nothing (`write`, `clear`) for three minutes loses its turn to the next.
        """


@runtime_checkable
class BulkSource(Protocol):
    """What a client has beside `DataSource` where its provider offers files of whole months and days."""

    def bulk_files(self, endpoint: Endpoint, period: str, token: CancelToken) -> list[BulkFile]:
        """The files that lie within a month like "2024-01" or a day like "2024-01-15": one request.

        Raises what `fetch_data` raises.
        """

    def open_bulk(self, endpoint: Endpoint, file: BulkFile, token: CancelToken) -> Iterator[Batch]:
        """The rows of one file in the order of the file, in batches of bounded size, while it is being downloaded.

        The counters of the batches add up to those of the file. Keys are unique within a batch, not across them.
        Raises what `fetch_data` raises, at any batch: only after the last one is the file known to be whole.
        """
