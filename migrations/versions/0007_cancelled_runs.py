"""When the cancelling of a run was asked for: from then on nothing of it is started or tried again."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("ALTER TABLE runs ADD COLUMN cancel_requested_at timestamptz")
