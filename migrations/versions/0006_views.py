"""The views that people and programs read; names and types stay within a major version."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

DATA = ("listed_issues", "trading_calendar", "daily_bars", "yahoo_daily_bars")


def upgrade() -> None:
    op.execute(
        """
        CREATE VIEW v_groups AS
        SELECT job_groups.id, job_groups.user_id, users.name AS owner, job_groups.name, job_groups.description,
               data_sources.code AS source, job_groups.endpoint_id, job_groups.level, parent.name AS parent,
               job_groups.scope, schedules.spec AS schedule, job_groups.status, job_groups.priority,
               job_groups.max_retries, job_groups.retry_delay, job_groups.error_count,
               job_groups.last_run_at, job_groups.next_run_at,
               newest.id AS run_id, newest.status AS run_status, newest.blocked_by,
               newest.started_at, newest.completed_at, newest.error_message,
               coalesce(newest.total_jobs, 0) AS total_jobs, coalesce(newest.completed_jobs, 0) AS completed_jobs,
               coalesce(newest.failed_jobs, 0) AS failed_jobs, coalesce(newest.rows_written, 0) AS rows_written,
               ARRAY(SELECT above.name FROM job_group_dependencies
                     JOIN job_groups AS above ON above.id = depends_on_id
                     WHERE job_group_dependencies.job_group_id = job_groups.id ORDER BY above.name) AS depends_on,
               job_groups.created_at, job_groups.updated_at
        FROM job_groups
        JOIN users ON users.id = job_groups.user_id
        JOIN data_sources ON data_sources.id = job_groups.data_source_id
        LEFT JOIN job_groups AS parent ON parent.id = job_groups.parent_id
        LEFT JOIN schedules ON schedules.job_group_id = job_groups.id AND schedules.is_enabled
        LEFT JOIN LATERAL (SELECT * FROM runs WHERE runs.job_group_id = job_groups.id ORDER BY id DESC LIMIT 1)
            AS newest ON true;

        CREATE VIEW v_runs AS
        SELECT runs.id, job_groups.user_id, job_groups.name AS job_group, runs.kind, runs.status, runs.blocked_by,
               runs.requested_at, runs.started_at, runs.planned_at, runs.completed_at, runs.total_jobs,
               runs.completed_jobs, runs.failed_jobs, runs.cancelled_jobs, runs.rows_written, runs.requests,
               runs.error_message
        FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id;

        CREATE VIEW v_jobs AS
        SELECT jobs.id, coalesce(job_groups.user_id, 1) AS user_id, job_groups.name AS job_group, jobs.run_id,
               jobs.key, jobs.job_type, jobs.name, jobs.description, jobs.symbol, jobs.parameters, jobs.priority,
               jobs.is_enabled, jobs.status, jobs.due_at, jobs.attempts, jobs.retry_count, jobs.error_count,
               jobs.crash_count, jobs.max_retries, jobs.retry_delay, jobs.last_error,
               CASE WHEN jobs.status IN ('failed', 'cancelled') THEN jobs.last_error END AS error_message,
               jobs.result, jobs.started_at, jobs.completed_at, jobs.last_run_at, jobs.next_run_at,
               jobs.last_retry_at, jobs.created_at, jobs.updated_at
        FROM jobs LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id;

        CREATE VIEW v_executions AS
        SELECT executions.id, coalesce(job_groups.user_id, 1) AS user_id, executions.job_id, jobs.name AS job,
               job_groups.name AS job_group, executions.run_id, executions.attempt, executions.status,
               executions.error_class, executions.reason, executions.error_message, executions.requests,
               executions.bytes, executions.rows_written, executions.pages, executions.node_id,
               executions.lease_until, executions.started_at, executions.completed_at,
               executions.created_at, executions.updated_at
        FROM executions
        JOIN jobs ON jobs.id = executions.job_id
        LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id;

        CREATE VIEW v_occurrences AS
        SELECT occurrences.id, job_groups.user_id, job_groups.name AS job_group, occurrences.schedule_id,
               occurrences.due_at, occurrences.status, occurrences.reason, occurrences.run_id,
               occurrences.created_at, occurrences.updated_at
        FROM occurrences
        JOIN schedules ON schedules.id = occurrences.schedule_id
        JOIN job_groups ON job_groups.id = schedules.job_group_id;

        CREATE VIEW v_permits AS
        SELECT permits.id, permit_buckets.user_id, data_sources.code AS source, permits.endpoint, permits.node_id,
               permits.weight, permits.reserved_at, permits.deadline_at, permits.done_at,
               permit_buckets.silent_until
        FROM permits
        JOIN permit_buckets ON permit_buckets.id = permits.bucket_id
        JOIN data_sources ON data_sources.id = permit_buckets.data_source_id;

        CREATE VIEW v_nodes AS
        SELECT id, host, pid, version, started_at, seen_at, stopped_at FROM nodes;

        CREATE VIEW v_coverage AS
        SELECT coverage.user_id, data_sources.code AS source, coverage.dataset, coverage.key, coverage.from_on,
               coverage.to_on, coverage.status, coverage.rows, coverage.pages, coverage.execution_id,
               coverage.fetched_at
        FROM coverage JOIN data_sources ON data_sources.id = coverage.data_source_id;
        """
    )
    for dataset in DATA:
        op.execute(f"CREATE VIEW v_data_{dataset} AS SELECT * FROM {dataset}")  # noqa: S608 - names from above
