"""What a credential has learnt from refusals is kept, and how long its last silence was meant to last."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE permit_buckets
            ADD COLUMN silence_s double precision NOT NULL DEFAULT 0 CHECK (silence_s >= 0),
            ADD COLUMN share double precision NOT NULL DEFAULT 1 CHECK (share BETWEEN 0.5 AND 1),
            ADD COLUMN learnt_for text
        """
    )
