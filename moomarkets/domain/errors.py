"""Every error of the product, and the one list of reasons why an attempt can fail.

MoomarketsError
├─ SettingsError            settings are wrong; all faults at once
├─ InvalidInput             a value that a person or program gave is refused; nothing was stored
├─ NotFound, Conflict       names or states that do not fit
│  └─ Forbidden             (a Conflict) whoever acts may not do this
├─ TooManyTries             somebody has guessed passwords; carries `retry_after_s`
├─ StoreError
│  ├─ StoreUnavailable      the database cannot be reached, or did not answer in time
│  │  └─ StoreTooSlow       it answered that this very work took too long; other work may be fine
│  ├─ DatabaseTooNew        the database was migrated by a newer moomarkets
│  └─ EmbeddedServerError   the embedded server cannot run here
├─ CannotDecrypt            a sealed value does not open with these keys
├─ CredentialsMissing       a source needs a key that nobody has given
├─ PluginError              what another package brings along cannot be used
├─ Fenced                   the lease went to somebody else; the result was dropped
└─ AttemptError             an attempt failed; carries `reason`, and by it the error class
   ├─ Cancelled             asked to stop: cancelled, interrupted or timed_out
   ├─ BadAnswer             the answer can be read but must not be stored; carries what was found
   └─ SourceError           the provider's answer, or the lack of one
      └─ RateLimited        429: carries `retry_after_s`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum


class ErrorClass(StrEnum):
    """What the REST API shows; decides whether an attempt is spent and tried again."""

    RETRYABLE = "retryable"
    RATE_LIMIT = "rate_limit"
    NON_RETRYABLE = "non_retryable"


class Reason(StrEnum):
    """Why an attempt failed; each reason belongs to one error class."""

    TIMEOUT = "timeout"
    NETWORK = "network"
    UPSTREAM = "upstream"
    MALFORMED = "malformed"
    SCHEMA = "schema"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    PLAN_RESTRICTED = "plan_restricted"
    INVALID = "invalid"
    PARTIAL = "partial"
    QUARANTINED = "quarantined"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"

    @property
    def error_class(self) -> ErrorClass:
        """The class of this reason."""
        return _CLASSES.get(self, ErrorClass.NON_RETRYABLE)


_CLASSES = {
    Reason.TIMEOUT: ErrorClass.RETRYABLE,
    Reason.NETWORK: ErrorClass.RETRYABLE,
    Reason.UPSTREAM: ErrorClass.RETRYABLE,
    Reason.MALFORMED: ErrorClass.RETRYABLE,
    Reason.PARTIAL: ErrorClass.RETRYABLE,
    Reason.CRASHED: ErrorClass.RETRYABLE,
    Reason.TIMED_OUT: ErrorClass.RETRYABLE,
    Reason.INTERRUPTED: ErrorClass.RETRYABLE,
    Reason.RATE_LIMITED: ErrorClass.RATE_LIMIT,
}


class MoomarketsError(Exception):
    """The family of all errors that moomarkets raises on purpose.

    Example:
        >>> issubclass(NotFound, MoomarketsError)
        True
    """


class SettingsError(MoomarketsError):
    """Settings are wrong. `faults` holds one sentence per fault, all of them at once.

    Example:
        >>> SettingsError(["poll_s: expected seconds from 0.1 to 60, got -1"]).faults[0].partition(":")[0]
        'poll_s'
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(*faults)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(self.faults)


class InvalidInput(MoomarketsError, ValueError):
    """A given value is refused: `<thing>: expected <what>, got <value>`.

    Example:
        >>> print(InvalidInput("limit", "a whole number from 1 to 500", 0))
        limit: expected a whole number from 1 to 500, got 0
    """

    def __init__(self, thing: str, expected: str, got: object) -> None:
        super().__init__(thing, expected, got)
        self.thing, self.expected, self.got = thing, expected, got

    def __str__(self) -> str:
        return f"{self.thing}: expected {self.expected}, got {_short(self.got)}"


class NotFound(MoomarketsError):
    """No such thing: `<kind> <name> does not exist`, and which there are, where `known` says so.

    Example:
        >>> print(NotFound("source", "yaho", ["jquants", "yahoo"]))
        source yaho does not exist; there are: jquants, yahoo
    """

    def __init__(self, kind: str, name: object, known: Sequence[str] = ()) -> None:
        super().__init__(kind, name, known)
        self.kind, self.name, self.known = kind, name, tuple(known)

    def __str__(self) -> str:
        there_are = f"; there are: {', '.join(self.known)}" if self.known else ""
        return f"{self.kind} {self.name} does not exist{there_are}"


class Conflict(MoomarketsError):
    """The thing exists already, or its state does not allow this.

    Example:
        >>> print(Conflict("group mine: expected a new name, got one that is taken"))
        group mine: expected a new name, got one that is taken
    """


class Forbidden(Conflict):
    """Whoever acts may not do this: their role has not that right, or they are switched off."""


class TooManyTries(MoomarketsError):
    """Too many tries to sign in have failed lately; this one was not looked at."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return (
            f"sign-in: expected fewer tries that fail, got too many; try again in {max(1, round(self.retry_after_s))} s"
        )


class StoreError(MoomarketsError):
    """The store cannot do what was asked."""


class StoreUnavailable(StoreError):
    """The database cannot be reached or did not answer in time; worth trying again later.

    Example:
        >>> isinstance(StoreUnavailable("database: connection refused"), StoreError)
        True
    """


class StoreTooSlow(StoreUnavailable):
    """The database gave this very work up: it took too long, or waited too long for a lock. Other work may be fine."""


class DatabaseTooNew(StoreError):
    """The database was migrated by a newer moomarkets than this one; nothing was touched."""


class EmbeddedServerError(StoreError):
    """The embedded server cannot run here; the text says why and what to do.

    `exit_code` is what a command ends with: 78 for a place that cannot work, 4 where another supervisor owns it,
    else 69.
    """

    def __init__(self, message: str, exit_code: int = 69) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class CannotDecrypt(MoomarketsError):
    """A sealed value does not open: damaged, moved, or sealed with a key that is not in the keyring."""


class CredentialsMissing(MoomarketsError):
    """A source needs a credential that nobody has given."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source

    def __str__(self) -> str:
        return f"{self.source}: no credential; give it with `moomarkets credentials set {self.source}`"


class PluginError(MoomarketsError):
    """What another package offers under an entry point group cannot be used.

    Example:
        >>> print(PluginError("moomarkets.datasources", "sunflower", "ModuleNotFoundError: No module named 'x'"))
        plug-in sunflower of moomarkets.datasources: ModuleNotFoundError: No module named 'x'
    """

    def __init__(self, group: str, plugin: str, detail: str) -> None:
        super().__init__(group, plugin, detail)
        self.group, self.plugin, self.detail = group, plugin, detail

    def __str__(self) -> str:
        return f"plug-in {self.plugin} of {self.group}: {self.detail}"


class Fenced(MoomarketsError):
    """The lease went to somebody else meanwhile; the late result was dropped and nothing was charged."""


class AttemptError(MoomarketsError):
    """An attempt failed. `reason` says why; `detail` is safe to store and to show.

    `again_in_s` is how long the next attempt should wait at least, where there is one; None: as the policy says.
    """

    again_in_s: float | None = None

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    @property
    def error_class(self) -> ErrorClass:
        return self.reason.error_class

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class Cancelled(AttemptError):
    """The attempt was asked to stop and did."""


class BadAnswer(AttemptError):
    """The provider's answer can be read, but must not be stored. `findings` say what is wrong, each a map for JSON."""

    def __init__(self, detail: str, findings: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(Reason.QUARANTINED, detail)
        self.findings = tuple(findings)


class SourceError(AttemptError):
    """The provider's answer was no good, or there was none. `status` is the HTTP status, if one came.

    `body` is what came, decoded and bounded, for whoever has to look into it; it is in no text of the error.
    """

    readable: tuple[date, date | None] | None = None
    """The first and last date that may be read, where a refusal has named them."""

    def __init__(
        self, reason: Reason, detail: str = "", *, source: str = "", status: int | None = None, body: bytes = b""
    ) -> None:
        super().__init__(reason, detail)
        self.source, self.status, self.body = source, status, body

    def __str__(self) -> str:
        status = f" (HTTP {self.status})" if self.status else ""
        return f"{self.source or 'source'}: {super().__str__()}{status}"


class RateLimited(SourceError):
    """The provider answered 429. `retry_after_s` is what it asked for; None where it said nothing."""

    def __init__(self, detail: str = "", *, source: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(Reason.RATE_LIMITED, detail, source=source, status=429)
        self.retry_after_s = retry_after_s


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
