"""Connections to Postgres: one small pool per purpose, deadlines on every statement, units of work tried again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Forbidden, SettingsError, StoreTooSlow, StoreUnavailable
from moomarkets.store.patience import NoAnswer, Patience, be_patient

T = TypeVar("T")

TRIES = 5
MARGIN_S = 2.0
"""What an answer may take beyond the server's own deadline; a server that is frozen keeps none."""

REACHING: Mapping[str, int] = MappingProxyType(
    {
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
)
"""Parameters of libpq by which a network that says nothing is noticed; milliseconds where the name says tcp."""

_TOO_SLOW = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)


class Database:
    """A pool of connections for one purpose, and one as large for single statements; safe to use from any thread.

    `statement_timeout_s` and `lock_timeout_s` are enforced by the server, and 2 s after them by us, should the server
    not answer at all. A connection that sits idle inside a transaction for 5 s is ended there, so that a frozen client
    blocks nobody. `is_read_only` is for users who may look only. `waits_for_disk` False is for what a crash of the
    server may forget; `patience` is shared with other pools, and may be shortened.
    """

    def __init__(
        self,
        url: str,
        *,
        purpose: str,
        pool_size: int = 2,
        statement_timeout_s: float = 5.0,
        lock_timeout_s: float = 2.0,
        waits_for_disk: bool = True,
        patience: Patience | None = None,
        is_read_only: bool = False,
    ) -> None:
        self.url = sqlalchemy_url(url)
        self.purpose = purpose
        options = {
            "statement_timeout": f"{statement_timeout_s * 1000:.0f}",
            "lock_timeout": f"{lock_timeout_s * 1000:.0f}",
            "idle_in_transaction_session_timeout": "5000",
            "timezone": "UTC",
        }
        self._is_read_only = is_read_only
        if is_read_only:
            options["default_transaction_read_only"] = "on"
        if not waits_for_disk:
            options["synchronous_commit"] = "off"
        self._engine = _engine(self.url, purpose, pool_size, options)
        # Connections of its own: to switch one to and fro costs as much as many a statement.
        self._single = _engine(self.url, purpose, pool_size, options, isolation_level="AUTOCOMMIT")
        patience = patience or Patience()
        for engine in (self._engine, self._single):
            be_patient(engine, statement_timeout_s + MARGIN_S, patience)

    def __repr__(self) -> str:
        return f"<Database {self.purpose} at {make_url(self.url).render_as_string(hide_password=True)}>"

    def check_writable(self) -> None:
        """Refuse to change anything for somebody who may look only, wherever the change would be made.

        Raises:
            Forbidden: this is the pool of such a user.
        """
        if self._is_read_only:
            raise Forbidden("user: expected one who may change this, got one who may only look")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        Raises:
            StoreUnavailable: the server cannot be reached or did not answer in time.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError) as error:
            raise _translated(error) from error

    def perform(self, work: Callable[[Connection], T]) -> T:
        """Do one unit of work in a transaction of its own; one that lost a race for rows is tried again.

        `work` may run more than once, so it must be harmless to repeat.
        """
        return self._try(self._engine.begin, work)

    def perform_statement(self, work: Callable[[Connection], T]) -> T:
        """The same for work that is a single statement: it is its own transaction, in one round trip, not three."""
        return self._try(self._single.connect, work)

    def _try(self, connect: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]) -> T:
        token = CancelToken()
        for tried in range(1, TRIES + 1):
            try:
                with connect() as connection:
                    return work(connection)
            except (DBAPIError, PoolTimeoutError) as error:
                if isinstance(getattr(error, "orig", None), psycopg.errors.ReadOnlySqlTransaction):
                    self.check_writable()
                if tried == 1 and _is_left_over(error):
                    continue
                if tried == TRIES or not _is_transient(error):
                    raise _translated(error) from error
            token.sleep(random.uniform(0.005, 0.02) * 2**tried)  # noqa: S311 - jitter, not a secret
        raise AssertionError("unreachable: the last try returns or raises")

    def close(self) -> None:
        """Close all connections of the pool."""
        self._engine.dispose()
        self._single.dispose()


def sqlalchemy_url(url: str) -> str:
    """`url` with the driver that we use; `postgres://`, `postgresql://` and `postgresql+psycopg://` are accepted."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            ["database_url: expected postgresql://user:password@host/database, got a text that is no URL"]
        ) from None
    if parsed.drivername.split("+")[0] not in ("postgres", "postgresql"):
        raise SettingsError([f"database_url: expected a postgresql:// URL, got one for {parsed.drivername!r}"])
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def libpq_url(url: str) -> str:
    """The same database as a URL that psycopg itself takes."""
    parsed = make_url(sqlalchemy_url(url)).set(drivername="postgresql")
    return parsed.render_as_string(hide_password=False)


def _engine(url: str, purpose: str, pool_size: int, options: Mapping[str, str], **more: Any) -> Engine:
    return create_engine(
        url,
        **more,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={
            **REACHING,
            "application_name": f"moomarkets {purpose}",
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )


def _is_left_over(error: Exception) -> bool:
    """Whether the connection was from before a restart of the server: there is nothing to wait for."""
    return isinstance(error, DBAPIError) and error.connection_invalidated and not isinstance(error.orig, NoAnswer)


def _is_transient(error: Exception) -> bool:
    """Whether the same work may succeed at once: lost a race, not lost the server."""
    return isinstance(
        getattr(error, "orig", None),
        psycopg.errors.SerializationFailure | psycopg.errors.DeadlockDetected | psycopg.errors.LockNotAvailable,
    )


def _translated(error: DBAPIError | PoolTimeoutError) -> Exception:
    """Ours for "not there" and "not in time", the driver's own for everything else; never with parameters."""
    if isinstance(error, PoolTimeoutError):
        return StoreUnavailable("database: no connection became free within 10 s")
    original = error.orig
    # A server that is read-only has failed over or is full: it comes back, or another takes its place.
    gone = error.connection_invalidated or isinstance(
        original,
        psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction,
    )
    if not gone:
        return error
    kind = StoreTooSlow if isinstance(original, _TOO_SLOW) else StoreUnavailable
    first_line = str(original).strip().splitlines()[0] if str(original).strip() else type(original).__name__
    return kind(f"database: {first_line}")
