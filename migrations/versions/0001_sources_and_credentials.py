"""Users, data sources and their sealed credentials."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE users (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        INSERT INTO users (name) VALUES ('local');

        CREATE TABLE data_sources (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_-]{0,63}$'),
            name text NOT NULL,
            description text NOT NULL DEFAULT '',
            provider_type text NOT NULL,
            is_enabled boolean NOT NULL DEFAULT true,
            base_url text NOT NULL,
            api_version text NOT NULL DEFAULT '',
            rate_limit_per_minute integer CHECK (rate_limit_per_minute > 0),
            rate_limit_per_hour integer CHECK (rate_limit_per_hour > 0),
            rate_limit_per_day integer CHECK (rate_limit_per_day > 0),
            config jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );

        CREATE TABLE data_source_credentials (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            data_source_id bigint NOT NULL REFERENCES data_sources ON DELETE CASCADE,
            encrypted_credentials bytea NOT NULL,
            refresh_token bytea,
            refresh_token_expired_at timestamptz,
            id_token bytea,
            id_token_expired_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (user_id, data_source_id)
        );
        CREATE TABLE keyring_proof (
            is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
            known_answer bytea NOT NULL
        );
        CREATE INDEX data_source_credentials_source ON data_source_credentials (data_source_id);

        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
                REVOKE ALL ON users, data_source_credentials, keyring_proof FROM reader;
            END IF;
        END $$;
        """
    )
