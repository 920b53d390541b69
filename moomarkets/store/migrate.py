"""Brings a database to the version that this code knows: small steps, one transaction each, one starter at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from moomarkets.domain import failpoints
from moomarkets.domain.errors import DatabaseTooNew, StoreError, StoreUnavailable
from moomarkets.domain.events import Events, NoEvents
from moomarkets.store.database import sqlalchemy_url

ADVISORY_KEY = 0x6D6F6F6D  # "moom": one number for all versions, so that old and new starters exclude each other
LOCK_TIMEOUT = "5s"
# Alembic hands its context to the scripts through globals: two databases of one process would get mixed up.
_ONE_AT_A_TIME = threading.Lock()


def upgrade(url: str, events: Events | None = None) -> str:
    """Migrate the database at `url` (of a role that may create tables) to the newest version and return it.

    Safe to run many times at once: late comers find nothing to do; a step that was killed half-way is done again.

    Raises:
        DatabaseTooNew: the database was migrated by a newer moomarkets; nothing was touched.
        StoreUnavailable: the server cannot be reached.
    """
    engine = create_engine(
        sqlalchemy_url(url), poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 5}
    )
    events = events or NoEvents()
    known = versions()
    try:
        while True:
            with engine.begin() as connection:
                at = current(connection)
                _refuse_newer(at, known)
                if at == known[-1]:
                    return at
                _step(connection, known, events)
    except OperationalError as error:
        raise StoreUnavailable(f"database: {str(error.orig).strip().splitlines()[0]}") from error
    finally:
        engine.dispose()


def preload() -> None:
    """Import what a migration needs, which takes a while: for a thread that has nothing better to do."""
    import alembic.command  # noqa: F401


def versions() -> list[str]:
    """The versions that this code knows, oldest first."""
    return sorted(path.name.split("_")[0] for path in (scripts() / "versions").glob("[0-9]*.py"))


def scripts() -> Path:
    """Where the migrations are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "_migrations", package.parent / "migrations"):
        if (candidate / "env.py").is_file():
            return candidate
    raise StoreError(f"migrations: expected them in {package / '_migrations'} or beside {package}, found none")


def current(connection: Connection) -> str | None:
    """The version that the database is at; None when it was never migrated."""
    # A look at the catalog's rows: `to_regclass` answers from a cache that may not know yet what others have committed.
    known = text(
        "SELECT 1 FROM pg_tables WHERE tablename = 'alembic_version' AND schemaname = ANY (current_schemas(false))"
    )
    if connection.scalar(known) is None:
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _refuse_newer(at: str | None, known: list[str]) -> None:
    if at is not None and at not in known:
        raise DatabaseTooNew(
            f"database: expected version {known[-1]} or older, got {at}; it was migrated by a newer moomarkets, "
            "install that one"
        )


def _step(connection: Connection, known: list[str], events: Events) -> None:
    """The next migration, or nothing when somebody else has just done it."""
    if not _locked(connection):
        events.emit("migration.waiting")
        return
    at = current(connection)
    _refuse_newer(at, known)
    if at == known[-1]:
        return
    target = known[0] if at is None else known[known.index(at) + 1]
    _run(connection, target)
    failpoints.hit("migration_step")
    events.emit("migration.applied", version=target)


def _locked(connection: Connection) -> bool:
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    savepoint = connection.begin_nested()
    try:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_KEY})
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise
        savepoint.rollback()
        return False
    savepoint.commit()
    return True


def _run(connection: Connection, target: str) -> None:
    # Alembic costs a second to import: only a database that is behind pays for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _ONE_AT_A_TIME:
        command.upgrade(config, target)
