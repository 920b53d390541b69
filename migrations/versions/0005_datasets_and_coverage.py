"""The first datasets, what is covered of them, and what a correction replaced."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

# Data rows name their owner without a foreign key: checking two of them for each row took half of the time that a
# trading day takes to store. Coverage has them, and nothing is read without it.
OWNED = """
    user_id bigint NOT NULL,
    data_source_id bigint NOT NULL,
"""
PROVENANCE = """
    extra jsonb,
    execution_id bigint,
    fetched_at timestamptz NOT NULL
"""


def finite(*names: str) -> str:
    """Not-a-number and infinity never get in: they compare above or below every real price."""
    checks = [f"CHECK ({name} > '-Infinity' AND {name} < 'Infinity')" for name in names]
    return "".join(f"{check},\n" for check in checks)


def upgrade() -> None:
    op.execute(
        f"""
        CREATE TABLE coverage (
            user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            data_source_id bigint NOT NULL REFERENCES data_sources ON DELETE CASCADE,
            dataset text NOT NULL,
            key text NOT NULL,
            from_on date NOT NULL,
            to_on date NOT NULL CHECK (to_on >= from_on),
            status text NOT NULL CHECK (status IN ('complete', 'empty', 'out_of_window', 'failed')),
            rows integer NOT NULL,
            pages integer NOT NULL,
            execution_id bigint,
            fetched_at timestamptz NOT NULL,
            PRIMARY KEY (user_id, data_source_id, dataset, key, from_on)
        );

        CREATE TABLE revisions (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            {OWNED}
            dataset text NOT NULL,
            row jsonb NOT NULL,
            replaced_by bigint,
            replaced_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE INDEX revisions_of_dataset ON revisions (dataset, id);

        CREATE TABLE listed_issues (
            {OWNED}
            on_date date NOT NULL,
            code text NOT NULL,
            name text, name_en text,
            sector17 text, sector17_name text, sector33 text, sector33_name text,
            scale_category text, market text, market_name text,
            margin text, margin_name text, product_category text,
            {PROVENANCE},
            PRIMARY KEY (user_id, data_source_id, on_date, code)
        );

        CREATE TABLE trading_calendar (
            {OWNED}
            on_date date NOT NULL,
            holiday_division text NOT NULL,
            {PROVENANCE},
            PRIMARY KEY (user_id, data_source_id, on_date)
        );

        CREATE TABLE daily_bars (
            {OWNED}
            code text NOT NULL,
            on_date date NOT NULL,
            open double precision, high double precision, low double precision, close double precision,
            upper_limit text, lower_limit text,
            volume double precision, turnover double precision, adjustment_factor double precision,
            {finite("open", "high", "low", "close", "volume", "turnover", "adjustment_factor")}
            {PROVENANCE},
            PRIMARY KEY (user_id, data_source_id, code, on_date)
        );
        CREATE INDEX daily_bars_of_date ON daily_bars (on_date);

        CREATE TABLE yahoo_daily_bars (
            {OWNED}
            symbol text NOT NULL,
            on_date date NOT NULL,
            open double precision, high double precision, low double precision, close double precision,
            adjusted_close double precision, volume double precision,
            dividend double precision, split_ratio double precision, capital_gain double precision,
            currency text,
            {finite("open", "high", "low", "close", "adjusted_close", "volume", "dividend", "split_ratio")}
            {PROVENANCE},
            PRIMARY KEY (user_id, data_source_id, symbol, on_date)
        );
        """
    )
