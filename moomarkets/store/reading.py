"""Runs a reading: as a stream of Arrow batches, as the bytes of a CSV file, or as a few rows for a person."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.engine import make_url

from moomarkets.domain.errors import MoomarketsError, StoreUnavailable
from moomarkets.store.database import REACHING, libpq_url

if TYPE_CHECKING:
    import pyarrow

BATCH_BYTES = 8 * 1024 * 1024
"""About how much of a stream is in memory at a time."""

_FOR_LONG_WORK = """
    SELECT set_config(name, CASE name WHEN 'work_mem' THEN '64MB' ELSE '0' END, false) FROM pg_settings
    WHERE name IN ('work_mem', 'statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
"""
"""The limits of the role are for work of seconds; some of these are unknown to older servers."""


class Reader:
    """Reads a database that it never writes to; each stream has a connection of its own, safe to use from any thread.

    What it raises never holds the password.
    """

    def __init__(self, url: str) -> None:
        self._url = libpq_url(url)

    def __repr__(self) -> str:
        return f"<Reader of {make_url(self._url).render_as_string(hide_password=True)}>"

    def batches(self, query: str) -> Generator[pyarrow.RecordBatch]:
        """The rows of the query as Arrow batches, as they come from the server; at least one, which may be empty.

        Raises:
            MoomarketsError: what this needs is not installed.
            StoreUnavailable: the server cannot be reached, or was lost on the way.
        """
        # Heavy, and needed by readers of frames alone.
        try:
            import pyarrow
            from adbc_driver_manager import Error
            from adbc_driver_postgresql import dbapi
        except ImportError as error:
            raise missing("data frames and Parquet files", error) from None
        lost = (Error, pyarrow.ArrowException, OSError)
        with ExitStack() as undo:
            try:
                connection = undo.enter_context(dbapi.connect(self._address(), autocommit=True))
                cursor = undo.enter_context(connection.cursor())
                cursor.execute(_FOR_LONG_WORK)
                cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
                cursor.execute(query)
                stream = cursor.fetch_record_batch()
                yield pyarrow.RecordBatch.from_pylist([], stream.schema)
                while (batch := next(stream, None)) is not None:
                    yield batch
            except lost as error:
                raise self._unavailable(error) from None

    def csv(self, query: str) -> Generator[bytes]:
        """The rows of the query as the bytes of a CSV file with a head, as they come from the server."""
        try:
            with psycopg.connect(self._address(), autocommit=True) as connection, connection.cursor() as cursor:
                cursor.execute(_FOR_LONG_WORK)
                with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy:
                    for chunk in copy:
                        yield bytes(chunk)
        except psycopg.Error as error:
            raise self._unavailable(error) from None

    def records(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query that brings few, as maps."""
        try:
            with psycopg.connect(self._address(), autocommit=True) as connection:
                cursor = connection.execute(query)
                names = [column.name for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        except psycopg.Error as error:
            raise self._unavailable(error) from None

    def _address(self) -> str:
        parameters = {name: str(value) for name, value in REACHING.items()}
        options = "-c default_transaction_read_only=on -c timezone=UTC"
        named = {**parameters, "application_name": "moomarkets data", "options": options}
        address = make_url(self._url).update_query_dict(named).render_as_string(hide_password=False)
        place, _, query = address.partition("?")
        # libpq takes a plus sign for itself, not for a blank.
        return f"{place}?{query.replace('+', '%20')}"

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        told = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        for secret in {make_url(self._url).password, self._url}:
            told = told.replace(secret, "***") if secret else told
        return StoreUnavailable(f"database: {told}")


def missing(what: str, error: ImportError) -> MoomarketsError:
    """What to say where a package of the extra `data` is not installed."""
    package = (error.name or "").partition(".")[0]
    return MoomarketsError(
        f"{what}: expected the package {package}, got none; install it with pip install 'moomarkets[data]'"
    )
