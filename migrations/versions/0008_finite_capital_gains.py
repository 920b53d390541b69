"""Capital gains are finite numbers, as all others are."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE yahoo_daily_bars ADD CHECK (capital_gain > '-Infinity' AND capital_gain < 'Infinity')")
