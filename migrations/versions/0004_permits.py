"""Permits: what has been asked of each provider lately, so that no window is ever exceeded."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE permit_buckets (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            data_source_id bigint NOT NULL REFERENCES data_sources ON DELETE CASCADE,
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            silent_until timestamptz,
            silence_count integer NOT NULL DEFAULT 0,
            silenced_at timestamptz,
            UNIQUE (data_source_id, user_id)
        ) WITH (fillfactor = 70);

        CREATE TABLE permits (
            id uuid PRIMARY KEY,
            bucket_id bigint NOT NULL REFERENCES permit_buckets ON DELETE CASCADE,
            endpoint text NOT NULL,
            node_id uuid NOT NULL,
            weight integer NOT NULL DEFAULT 1 CHECK (weight > 0),
            reserved_at timestamptz NOT NULL,
            deadline_at timestamptz NOT NULL,
            done_at timestamptz
        ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
        CREATE INDEX permits_live ON permits (bucket_id, (coalesce(done_at, deadline_at)));
        """
    )
