"""The tokens that a provider gave for a credential, sealed, and whose turn it is to renew them.

The turn is a lease in the credential's row: it is taken, kept and given back by single statements, so that no
transaction is open while the provider is asked, and a process that dies or freezes with it delays the next by the rest
of the lease at most. `given_at` is the `updated_at` of the credential for which they were got.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

REFRESH_COLUMN = "refresh_token"
ID_COLUMN = "id_token"
_MINE = "user_id = :user_id AND data_source_id = :source_id"


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """The tokens as they are kept; only the keyring opens them."""

    refresh_token: bytes | None = None
    refresh_expires_at: datetime | None = None
    id_token: bytes | None = None
    id_expires_at: datetime | None = None


def read(connection: Connection, user_id: int, source_id: int, given_at: datetime) -> SealedTokens:
    """The tokens of that very credential; empty where there are none, or where it was given anew since."""
    row = connection.execute(
        text(
            "SELECT refresh_token, refresh_token_expired_at, id_token, id_token_expired_at"  # noqa: S608 - constant
            f" FROM data_source_credentials WHERE {_MINE} AND updated_at = :given_at"
        ),
        {"user_id": user_id, "source_id": source_id, "given_at": given_at},
    ).first()
    if row is None:
        return SealedTokens()
    return SealedTokens(_blob(row[0]), row[1], _blob(row[2]), row[3])


def write(
    connection: Connection,
    user_id: int,
    source_id: int,
    given_at: datetime,
    turn_id: UUID,
    tokens: SealedTokens,
    lease_s: float,
) -> bool:
    """Keep the tokens and prolong the turn; False, and nothing done, where the turn is over or the credential new."""
    written = connection.execute(
        text(
            f"""
            UPDATE data_source_credentials
            SET refresh_token = :refresh_token, refresh_token_expired_at = :refresh_expires_at,
                id_token = :id_token, id_token_expired_at = :id_expires_at,
                renewal_until = clock_timestamp() + CAST(:lease_s AS double precision) * interval '1 second'
            WHERE {_MINE} AND updated_at = :given_at AND renewal_id = :turn_id
            """  # noqa: S608 - constant
        ),
        {
            "user_id": user_id,
            "source_id": source_id,
            "given_at": given_at,
            "turn_id": turn_id,
            "lease_s": lease_s,
            "refresh_token": tokens.refresh_token,
            "refresh_expires_at": tokens.refresh_expires_at,
            "id_token": tokens.id_token,
            "id_expires_at": tokens.id_expires_at,
        },
    )
    return written.rowcount > 0


def take_turn(connection: Connection, user_id: int, source_id: int, turn_id: UUID, lease_s: float) -> bool | None:
    """Take the turn to renew unless somebody has it; None where there is no such credential any more.

    One statement; the row is locked for its length only. Asked again with the same id it is taken still.
    """
    parameters = {"user_id": user_id, "source_id": source_id, "turn_id": turn_id, "lease_s": lease_s}
    taken = connection.execute(
        text(
            f"""
            UPDATE data_source_credentials
            SET renewal_id = :turn_id,
                renewal_until = clock_timestamp() + CAST(:lease_s AS double precision) * interval '1 second'
            WHERE {_MINE} AND (renewal_until IS NULL OR renewal_until < clock_timestamp() OR renewal_id = :turn_id)
            """  # noqa: S608 - constant
        ),
        parameters,
    )
    if taken.rowcount:
        return True
    is_there = text(f"SELECT EXISTS (SELECT FROM data_source_credentials WHERE {_MINE})")  # noqa: S608 - constant
    return False if connection.scalar(is_there, parameters) else None


def end_turn(connection: Connection, user_id: int, source_id: int, turn_id: UUID) -> None:
    """Give the turn back, if it is still one's own."""
    connection.execute(
        text(
            "UPDATE data_source_credentials SET renewal_id = NULL, renewal_until = NULL"  # noqa: S608 - constant
            f" WHERE {_MINE} AND renewal_id = :turn_id"
        ),
        {"user_id": user_id, "source_id": source_id, "turn_id": turn_id},
    )


def _blob(value: object) -> bytes | None:
    return None if value is None else bytes(value)  # type: ignore[call-overload]
