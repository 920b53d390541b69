"""A job that stands alone is stored once, however often its maker has to ask because an answer was lost."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("CREATE UNIQUE INDEX jobs_alone ON jobs (key) WHERE job_group_id IS NULL")
