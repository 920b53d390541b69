"""The newest look at the clocks is kept, so that a clock set during a restart frees nothing early either."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE permit_buckets ADD COLUMN looked_at timestamptz, ADD COLUMN looked_boot_s double precision,"
        " ADD COLUMN looked_boot_id text"
    )
