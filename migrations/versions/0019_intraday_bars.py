"""Bars within a day, from Yahoo's charts."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE yahoo_intraday_bars (
            user_id bigint NOT NULL,
            data_source_id bigint NOT NULL,
            symbol text NOT NULL,
            bar_length text NOT NULL,
            started_at timestamptz NOT NULL,
            on_date date,
            open double precision, high double precision, low double precision, close double precision,
            volume double precision,
            currency text,
            extra jsonb,
            execution_id bigint,
            fetched_at timestamptz NOT NULL,
            CHECK (greatest(open, high, low, close, volume) < 'Infinity'
               AND least(open, high, low, close, volume) > '-Infinity'),
            PRIMARY KEY (user_id, data_source_id, symbol, bar_length, started_at)
        );
        CREATE INDEX yahoo_intraday_bars_of_date ON yahoo_intraday_bars (on_date);
        CREATE VIEW v_data_yahoo_intraday_bars AS SELECT * FROM yahoo_intraday_bars;
        """
    )
