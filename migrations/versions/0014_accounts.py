"""Accounts with roles, a turn to renew tokens, what a provider said of a credential, and the owner of lone jobs."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    _credentials()
    _users()


def _credentials() -> None:
    op.execute(
        """
        ALTER TABLE data_source_credentials
            ADD COLUMN last_validated_at timestamptz,
            ADD COLUMN is_accepted boolean,
            ADD COLUMN renewal_id uuid,
            ADD COLUMN renewal_until timestamptz,
            ADD CONSTRAINT renewal_is_whole CHECK ((renewal_id IS NULL) = (renewal_until IS NULL)),
            ADD CONSTRAINT validation_is_whole CHECK ((last_validated_at IS NULL) = (is_accepted IS NULL));
        """
    )


def _users() -> None:
    op.execute(
        """
        ALTER TABLE users
            ADD COLUMN email text UNIQUE CHECK (length(email) BETWEEN 3 AND 320),
            ADD COLUMN role text NOT NULL DEFAULT 'viewer' CHECK (role IN ('admin', 'operator', 'viewer')),
            ADD COLUMN password_hash text,
            ADD COLUMN is_enabled boolean NOT NULL DEFAULT true,
            ADD COLUMN last_sign_in_at timestamptz;
        UPDATE users SET role = 'admin' WHERE name = 'local';

        CREATE TABLE sign_in_failures (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            account text NOT NULL CHECK (length(account) = 64),
            address text NOT NULL CHECK (length(address) <= 200),
            failed_at timestamptz NOT NULL
        );
        CREATE INDEX sign_in_failures_lately ON sign_in_failures (account, failed_at);
        CREATE INDEX sign_in_failures_old ON sign_in_failures (failed_at);

        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
                REVOKE ALL ON sign_in_failures FROM reader;
            END IF;
        END $$;
        """
    )
