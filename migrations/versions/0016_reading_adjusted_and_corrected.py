"""Adjusted bars as a view, corrections found by code, and attempts that tell rows received from rows written."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute(
        """
        CREATE AGGREGATE product(double precision) (sfunc = float8mul, stype = double precision, initcond = '1');

        -- Days with a factor are few, and every adjusted price needs those that come after it.
        CREATE INDEX daily_bars_factors ON daily_bars (user_id, data_source_id, code, on_date)
            WHERE adjustment_factor NOT IN (0, 1);

        CREATE INDEX revisions_of_code ON revisions (dataset, (coalesce(row ->> 'code', row ->> 'symbol')), id);
        """
    )
    _round_price()
    _view_of_adjusted_bars()
    _rows_received()


def _round_price() -> None:
    # Ten times a price is the sum of eight times and two times, both exact; what the sum loses is exact as well, and
    # decides about prices that look like a tie and are none. So it rounds as correctly as Python does.
    op.execute(
        """
        CREATE FUNCTION round_price(price double precision) RETURNS double precision
        LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT (CASE
                WHEN (price * 8 + price * 2) - floor(price * 8 + price * 2) > 0.5
                  OR (price * 8 + price * 2) - floor(price * 8 + price * 2) = 0.5
                 AND (price * 2 - ((price * 8 + price * 2) - price * 8) > 0
                   OR price * 2 - ((price * 8 + price * 2) - price * 8) = 0
                  AND floor(price * 8 + price * 2) / 2 <> floor(floor(price * 8 + price * 2) / 2))
                THEN floor(price * 8 + price * 2) + 1
                ELSE floor(price * 8 + price * 2)
            END) / 10
        $$;
        COMMENT ON FUNCTION round_price IS 'to one decimal, correctly rounded, ties to even';
        """
    )


def _view_of_adjusted_bars() -> None:
    prices = ", ".join(
        f"CASE WHEN span.factor IS NULL THEN bar.{name} ELSE round_price(bar.{name} * span.factor) END"
        f" AS adjusted_{name}"
        for name in ("open", "high", "low", "close")
    )
    op.execute(
        f"""
        CREATE VIEW v_adjusted_daily_bars AS
        WITH spans AS (
            SELECT user_id, data_source_id, code, on_date AS until_on, lead(on_date) OVER later AS from_on,
                   product(adjustment_factor) OVER later AS factor
            FROM daily_bars WHERE adjustment_factor NOT IN (0, 1)
            WINDOW later AS (PARTITION BY user_id, data_source_id, code ORDER BY on_date DESC)
        )
        SELECT bar.user_id, bar.data_source_id, bar.code, bar.on_date,
               bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover,
               {prices}, bar.volume / coalesce(span.factor, 1) AS adjusted_volume,
               bar.upper_limit, bar.lower_limit, bar.adjustment_factor,
               coalesce(span.factor, 1) AS cumulative_factor, bar.fetched_at
        FROM daily_bars AS bar LEFT JOIN spans AS span
          ON span.user_id = bar.user_id AND span.data_source_id = bar.data_source_id AND span.code = bar.code
         AND bar.on_date < span.until_on AND (span.from_on IS NULL OR bar.on_date >= span.from_on)
        """  # noqa: S608 - names from above
    )


def _rows_received() -> None:
    # Until now `rows_written` held what was received.
    op.execute(
        """
        ALTER TABLE executions ADD COLUMN rows_received bigint NOT NULL DEFAULT 0;
        ALTER TABLE runs ADD COLUMN rows_received bigint NOT NULL DEFAULT 0;
        UPDATE executions SET rows_received = rows_written WHERE rows_written <> 0;
        UPDATE runs SET rows_received = rows_written WHERE rows_written <> 0;

        CREATE OR REPLACE VIEW v_runs AS
        SELECT runs.id, job_groups.user_id, job_groups.name AS job_group, runs.kind, runs.status, runs.blocked_by,
               runs.requested_at, runs.started_at, runs.planned_at, runs.completed_at, runs.total_jobs,
               runs.completed_jobs, runs.failed_jobs, runs.cancelled_jobs, runs.rows_written, runs.requests,
               runs.error_message,
               runs.for_on, runs.due_at, runs.cancel_requested_at, runs.rows_received
        FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id;

        CREATE OR REPLACE VIEW v_executions AS
        SELECT executions.id, coalesce(job_groups.user_id, jobs.user_id) AS user_id, executions.job_id,
               jobs.name AS job,
               job_groups.name AS job_group, executions.run_id, executions.attempt, executions.status,
               executions.error_class, executions.reason, executions.error_message, executions.requests,
               executions.bytes, executions.rows_written, executions.pages, executions.node_id,
               executions.lease_until, executions.started_at, executions.completed_at,
               executions.created_at, executions.updated_at,
               executions.began_at, executions.rows_received
        FROM executions
        JOIN jobs ON jobs.id = executions.job_id
        LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id;
        """
    )
