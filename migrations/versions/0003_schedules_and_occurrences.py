"""Schedules and the ledger of every instant at which one was due."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE schedules (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            job_group_id bigint NOT NULL UNIQUE REFERENCES job_groups ON DELETE CASCADE,
            spec jsonb NOT NULL,
            is_enabled boolean NOT NULL DEFAULT true,
            counted_from timestamptz NOT NULL DEFAULT clock_timestamp(),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );

        CREATE TABLE occurrences (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            schedule_id bigint NOT NULL REFERENCES schedules ON DELETE CASCADE,
            due_at timestamptz NOT NULL,
            status text NOT NULL CHECK (status IN ('pending', 'ran', 'merged', 'skipped', 'superseded')),
            reason text,
            run_id bigint REFERENCES runs ON DELETE SET NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (schedule_id, due_at)
        );
        CREATE INDEX occurrences_of_run ON occurrences (run_id) WHERE status = 'pending';
        """
    )
