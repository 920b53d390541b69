"""The sources as rows, and the sealed credentials of users for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from moomarkets.domain.errors import NotFound
from moomarkets.domain.source import SourceSpec
from moomarkets.store.notify import RUNS, notify


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What the database says about a source."""

    id: int
    code: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """A credential as it is kept: only the keyring opens it. `updated_at` changes whenever it is given anew."""

    sealed: bytes
    updated_at: datetime
    last_validated_at: datetime | None = None
    is_accepted: bool | None = None
    refresh_expires_at: datetime | None = None
    id_expires_at: datetime | None = None


def ensure(connection: Connection, spec: SourceSpec, *, is_enabled: bool | None = None) -> int:
    """Have a row for the source, refreshed from its definition; returns its id.

    `is_enabled` is set only where given: by default a switch that somebody has turned stays as it is.
    """
    named = {window.seconds: window.count for window in spec.windows}
    source_id: int | None = connection.scalar(
        text(
            """
            INSERT INTO data_sources (code, name, description, provider_type, base_url, api_version, is_enabled,
                rate_limit_per_minute, rate_limit_per_hour, rate_limit_per_day, config)
            VALUES (:code, :name, :description, :provider_type, :base_url, :api_version,
                coalesce(:is_enabled, :is_on_by_default), :per_minute, :per_hour, :per_day, CAST(:config AS jsonb))
            ON CONFLICT (code) DO UPDATE SET name = excluded.name, description = excluded.description,
                base_url = excluded.base_url, api_version = excluded.api_version,
                is_enabled = coalesce(:is_enabled, data_sources.is_enabled),
                rate_limit_per_minute = excluded.rate_limit_per_minute,
                rate_limit_per_hour = excluded.rate_limit_per_hour,
                rate_limit_per_day = excluded.rate_limit_per_day,
                config = data_sources.config || excluded.config, updated_at = clock_timestamp()
            RETURNING id
            """
        ),
        {
            "code": spec.code,
            "name": spec.name,
            "description": spec.description,
            "provider_type": spec.provider_type,
            "base_url": spec.base_url,
            "api_version": spec.api_version,
            "is_enabled": is_enabled,
            "is_on_by_default": spec.is_on_by_default,
            "per_minute": named.get(60.0),
            "per_hour": named.get(3600.0),
            "per_day": named.get(86400.0),
            "config": json.dumps(
                {
                    "limits": [[window.count, window.seconds] for window in spec.windows],
                    "needs_credential": spec.needs_credential,
                }
            ),
        },
    )
    assert source_id is not None
    return source_id


def find(connection: Connection, code: str) -> SourceRow:
    """The row of that source.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(
        text("SELECT id, code, is_enabled FROM data_sources WHERE code = :code"), {"code": code}
    ).first()
    if row is None:
        raise NotFound("source", code)
    return SourceRow(row.id, row.code, row.is_enabled)


def put_credential(connection: Connection, user_id: int, source_id: int, sealed: bytes) -> None:
    """Keep a sealed credential, in place of an older one."""
    connection.execute(
        text(
            """
            INSERT INTO data_source_credentials (user_id, data_source_id, encrypted_credentials)
            VALUES (:user_id, :source_id, :sealed)
            ON CONFLICT (user_id, data_source_id) DO UPDATE
            SET encrypted_credentials = excluded.encrypted_credentials, refresh_token = NULL,
                refresh_token_expired_at = NULL, id_token = NULL, id_token_expired_at = NULL,
                renewal_id = NULL, renewal_until = NULL, unreadable_by = NULL,
                last_validated_at = NULL, is_accepted = NULL,
                updated_at = clock_timestamp()
            """
        ),
        {"user_id": user_id, "source_id": source_id, "sealed": sealed},
    )
    notify(connection, RUNS)


def credential(connection: Connection, user_id: int, source_id: int) -> SealedCredential | None:
    """The sealed credential of the user for the source; None when there is none."""
    row = connection.execute(
        text(
            "SELECT encrypted_credentials, updated_at, last_validated_at, is_accepted, refresh_token_expired_at,"
            " id_token_expired_at FROM data_source_credentials"
            " WHERE user_id = :user_id AND data_source_id = :source_id"
        ),
        {"user_id": user_id, "source_id": source_id},
    ).first()
    return None if row is None else SealedCredential(bytes(row[0]), *row[1:])


def record_validation(
    connection: Connection, user_id: int, source_id: int, given_at: datetime, is_accepted: bool
) -> None:
    """Keep what the provider said of that very credential; one that was given anew meanwhile is left alone."""
    connection.execute(
        text(
            "UPDATE data_source_credentials SET last_validated_at = clock_timestamp(), is_accepted = :is_accepted"
            " WHERE user_id = :user_id AND data_source_id = :source_id AND updated_at = :given_at"
        ),
        {"user_id": user_id, "source_id": source_id, "given_at": given_at, "is_accepted": is_accepted},
    )


def refuse(connection: Connection, user_id: int, source_id: int) -> bool:
    """The provider has refused the credential: nobody takes up what needs it until it is given anew or accepted.

    False where that is known already.
    """
    refused = connection.execute(
        text(
            "UPDATE data_source_credentials SET last_validated_at = clock_timestamp(), is_accepted = false"
            " WHERE user_id = :user_id AND data_source_id = :source_id AND is_accepted IS DISTINCT FROM false"
        ),
        {"user_id": user_id, "source_id": source_id},
    )
    if refused.rowcount:
        notify(connection, RUNS)
    return refused.rowcount > 0


def remove_credential(connection: Connection, user_id: int, source_id: int) -> bool:
    """Forget the credential; returns whether there was one."""
    removed = connection.execute(
        text("DELETE FROM data_source_credentials WHERE user_id = :user_id AND data_source_id = :source_id"),
        {"user_id": user_id, "source_id": source_id},
    )
    return removed.rowcount > 0


def has_sealed(connection: Connection) -> bool:
    """Whether anything is kept that only the keyring opens."""
    return bool(connection.scalar(text("SELECT EXISTS (SELECT FROM data_source_credentials)")))


def known_answer(connection: Connection, made_now: bytes) -> bytes:
    """The blob by which a keyring is proved: the one that is kept, or else `made_now`, kept from now on."""
    connection.execute(
        text("INSERT INTO keyring_proof (known_answer) VALUES (:blob) ON CONFLICT DO NOTHING"),
        {"blob": made_now},
    )
    kept: bytes = connection.execute(text("SELECT known_answer FROM keyring_proof")).scalar_one()
    return bytes(kept)
