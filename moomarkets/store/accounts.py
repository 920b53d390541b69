"""Users as rows, and the tries to sign in that failed lately."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from moomarkets.domain.account import Account, Role
from moomarkets.domain.errors import Conflict, NotFound

_ACCOUNT = "SELECT id, name, email, role, is_enabled, password_hash IS NOT NULL, last_sign_in_at, created_at FROM users"


def every(connection: Connection) -> list[Account]:
    """All users, by id."""
    return [_account(row) for row in connection.execute(text(f"{_ACCOUNT} ORDER BY id"))]


def find(connection: Connection, name: str, *, locks: bool = False) -> Account:
    """The user of that name; `NotFound` where there is none."""
    row = None
    if name.isprintable():
        sql = f"{_ACCOUNT} WHERE name = :name {'FOR UPDATE' if locks else ''}"
        row = connection.execute(text(sql), {"name": name}).first()
    if row is None:
        raise NotFound("user", name)
    return _account(row)


def add(connection: Connection, name: str, email: str | None, role: Role, password_hash: str | None) -> Account:
    """A new user.

    Raises:
        Conflict: name or address are taken.
    """
    taken = connection.execute(
        text("SELECT name = :name FROM users WHERE name = :name OR email = CAST(:email AS text)"),
        {"name": name, "email": email},
    ).first()
    if taken is not None:
        thing = (
            f"user {name}: expected a new name" if taken[0] else f"email {email}: expected an address of nobody else"
        )
        raise Conflict(f"{thing}, got one that is taken")
    connection.execute(
        text("INSERT INTO users (name, email, role, password_hash) VALUES (:name, :email, :role, :password_hash)"),
        {"name": name, "email": email, "role": role, "password_hash": password_hash},
    )
    return find(connection, name)


def set_role(connection: Connection, user_id: int, role: Role) -> None:
    """Give the user another role."""
    _update(connection, user_id, "role = :value", role)


def set_enabled(connection: Connection, user_id: int, is_enabled: bool) -> None:
    """Switch the user on or off."""
    _update(connection, user_id, "is_enabled = :value", is_enabled)


def set_password(connection: Connection, user_id: int, password_hash: str | None) -> None:
    """Give the user another password, or none."""
    _update(connection, user_id, "password_hash = :value", password_hash)


def note_sign_in(connection: Connection, user_id: int, password_hash: str | None, now: datetime | None) -> None:
    """The user has signed in; `password_hash` is one of today's cost, where the kept one was not."""
    connection.execute(
        text(
            "UPDATE users SET last_sign_in_at = coalesce(:now, clock_timestamp()),"
            " password_hash = coalesce(CAST(:password_hash AS text), password_hash) WHERE id = :id"
        ),
        {"id": user_id, "now": now, "password_hash": password_hash},
    )


def password_hash(connection: Connection, name: str) -> str | None:
    """The hash of an enabled user's password; None where there is nobody who could sign in by that name."""
    found: str | None = connection.scalar(
        text("SELECT password_hash FROM users WHERE name = :name AND is_enabled"), {"name": name}
    )
    return found


def admins(connection: Connection) -> int:
    """How many enabled admins there are; they stay as they are until the end of the transaction."""
    # All of them locked, so that two who go at the same time do not each count the other.
    locked = connection.execute(text("SELECT id FROM users WHERE role = 'admin' AND is_enabled ORDER BY id FOR UPDATE"))
    return len(locked.all())


def remove(connection: Connection, user_id: int) -> None:
    """Remove the row of a user to whom no group belongs any more; credentials, permits and coverage go along."""
    connection.execute(text("DELETE FROM users WHERE id = :id"), {"id": user_id})


def begin_try(
    connection: Connection, name: str, address: str, *, most: int, within_s: float, now: datetime | None
) -> int | float:
    """Count a try to sign in, as one that fails until it is taken back; returns its id.

    Where there were `most` already within that time: the seconds (a float) until the next one. The tries of one account
    from one address are counted one after the other.
    """
    values = {"account": _hidden(name), "address": address[:200], "now": now, "within_s": within_s, "most": most}
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:account || :address, 14))"), values)
    wait_s = connection.scalar(
        text(
            """
            SELECT extract(epoch FROM min(failed_at) - coalesce(:now, clock_timestamp()))::float8 + :within_s
            FROM (SELECT failed_at FROM sign_in_failures
                  WHERE account = :account AND address = :address
                    AND failed_at > coalesce(:now, clock_timestamp()) - make_interval(secs => :within_s)
                  ORDER BY failed_at DESC LIMIT :most) AS lately
            HAVING count(*) >= :most
            """
        ),
        values,
    )
    if wait_s is not None:
        return float(wait_s)
    connection.execute(
        text(
            "DELETE FROM sign_in_failures"
            " WHERE failed_at < coalesce(:now, clock_timestamp()) - make_interval(secs => :within_s)"
        ),
        values,
    )
    made = connection.scalar(
        text(
            "INSERT INTO sign_in_failures (account, address, failed_at)"
            " VALUES (:account, :address, coalesce(:now, clock_timestamp())) RETURNING id"
        ),
        values,
    )
    return int(made or 0)


def end_try(connection: Connection, name: str, address: str) -> None:
    """The account has signed in from there: its earlier failures count no more."""
    connection.execute(
        text("DELETE FROM sign_in_failures WHERE account = :account AND address = :address"),
        {"account": _hidden(name), "address": address[:200]},
    )


def _hidden(name: str) -> str:
    """People type passwords into the field of the name: no such text is kept."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _update(connection: Connection, user_id: int, change: str, value: object) -> None:
    connection.execute(
        text(f"UPDATE users SET {change}, updated_at = clock_timestamp() WHERE id = :id"),  # noqa: S608 - from above
        {"id": user_id, "value": value},
    )


def _account(row: Any) -> Account:
    return Account(row[0], row[1], row[2], Role(row[3]), row[4], row[5], row[6], row[7])
