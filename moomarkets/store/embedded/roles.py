"""The roles and the database of a new server: who may do what."""

from __future__ import annotations

import psycopg
from psycopg import sql

from moomarkets.store.embedded.passwords import Passwords

READY = "moomarkets: roles and rights are complete"
# Errors of statements quote values, and whoever sent the statement is told anyway: they stay out of the log.
QUIET = {"log_min_messages": "fatal"}
# Time limits by role, so that a forgotten transaction or a runaway query ends at the server.
LIMITS = {
    "owner": {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "60s"},
    "app": {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "5s",
        "transaction_timeout": "60s",
    },
    "reader": {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "5s",
        "transaction_timeout": "60s",
        "default_transaction_read_only": "on",
    },
}
RIGHTS = """
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO app;
GRANT CONNECT ON DATABASE {database} TO reader;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO owner;
GRANT USAGE ON SCHEMA public TO app, reader;
ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app;
ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO app;
ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT SELECT ON TABLES TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT USAGE ON SCHEMAS TO app, reader;
COMMENT ON DATABASE {database} IS {ready};
"""


def is_complete(connection: psycopg.Connection, database: str) -> bool:
    """Whether `create` has run to its end."""
    row = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (database,)
    ).fetchone()
    return row is not None and row[0] == READY


def create_database(connection: psycopg.Connection, database: str, passwords: Passwords) -> None:
    """Make the roles and the database where missing, as the manager; repeatable after a crash half-way."""
    for role, limits in LIMITS.items():
        _create_role(connection, role, passwords.of(role), limits)
    row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
    if row is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER owner TEMPLATE template0").format(sql.Identifier(database))
        )


def grant_rights(connection: psycopg.Connection, database: str) -> None:
    """Give the roles their rights in `database`, to which `connection` leads, in one transaction."""
    statements = sql.SQL(RIGHTS).format(database=sql.Identifier(database), ready=sql.Literal(READY))
    connection.execute(statements)


def _create_role(connection: psycopg.Connection, role: str, password: str, limits: dict[str, str]) -> None:
    name = sql.Identifier(role)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    # Only the verifier goes to the server: the password itself is in no statement, and so in no log.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}").format(
            name, sql.Literal(verifier)
        )
    )
    for setting, value in {**limits, **QUIET}.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
        )
