"""Switches, limits, snapshots and policies: what the whole life of groups, runs and jobs needs beside their states."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    _switches_and_groups()
    _runs_and_schedules()
    _jobs_and_executions()
    _views_of_groups_and_runs()
    _views_of_jobs()


def _switches_and_groups() -> None:
    op.execute(
        """
        CREATE TABLE scheduler_settings (
            is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
            is_enabled boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        INSERT INTO scheduler_settings DEFAULT VALUES;

        ALTER TABLE data_sources ADD COLUMN is_paused boolean NOT NULL DEFAULT false;

        ALTER TABLE job_groups
            ALTER COLUMN data_source_id DROP NOT NULL,
            ADD COLUMN creation_key uuid UNIQUE,
            ADD COLUMN is_enabled boolean NOT NULL DEFAULT true,
            ADD COLUMN max_parallel integer CHECK (max_parallel BETWEEN 1 AND 10000),
            ADD COLUMN crash_limit integer CHECK (crash_limit BETWEEN 1 AND 1000),
            ADD COLUMN keep_days integer CHECK (keep_days BETWEEN 1 AND 36500);
        CREATE INDEX job_groups_parent ON job_groups (parent_id) WHERE parent_id IS NOT NULL;

        ALTER TABLE job_group_dependencies
            ADD COLUMN match text NOT NULL DEFAULT 'latest' CHECK (match IN ('latest', 'same_date')),
            ADD COLUMN on_failure text NOT NULL DEFAULT 'skip' CHECK (on_failure IN ('block', 'skip', 'run'));
        """
    )


def _runs_and_schedules() -> None:
    op.execute(
        """
        ALTER TABLE runs
            ADD COLUMN for_on date,
            ADD COLUMN due_at timestamptz,
            ADD COLUMN definition jsonb NOT NULL DEFAULT '{}',
            DROP CONSTRAINT runs_status_check,
            ADD CONSTRAINT runs_status_check
                CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'skipped'));
        DROP INDEX runs_one_active;
        CREATE UNIQUE INDEX runs_one_running ON runs (job_group_id) WHERE status = 'running';
        CREATE INDEX runs_pending ON runs (id) WHERE status = 'pending';
        CREATE INDEX runs_of_date ON runs (job_group_id, for_on, id DESC);

        ALTER TABLE schedules
            ADD COLUMN catch_up jsonb NOT NULL DEFAULT '{"policy": "latest"}',
            ADD COLUMN overlap text NOT NULL DEFAULT 'skip' CHECK (overlap IN ('skip', 'queue', 'cancel_running')),
            ADD COLUMN error text;
        """
    )


def _jobs_and_executions() -> None:
    op.execute(
        """
        ALTER TABLE jobs
            ADD COLUMN unique_key text CHECK (length(unique_key) BETWEEN 1 AND 200),
            ADD COLUMN deadline_at timestamptz,
            ADD COLUMN timeout_s double precision CHECK (timeout_s >= 1),
            ADD COLUMN crash_limit integer CHECK (crash_limit BETWEEN 1 AND 1000),
            ADD COLUMN is_held boolean NOT NULL DEFAULT false,
            ADD COLUMN progress smallint NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100);
        DROP INDEX jobs_claimable;
        -- A step of priority is worth an hour of waiting, so that nothing waits for ever.
        CREATE INDEX jobs_claimable ON jobs (((due_at AT TIME ZONE 'UTC') - priority * interval '1 hour'), id)
            WHERE status = 'pending' AND is_enabled AND NOT is_held;
        CREATE UNIQUE INDEX jobs_unique_key ON jobs (job_type, unique_key)
            WHERE unique_key IS NOT NULL AND status IN ('pending', 'running', 'paused');
        CREATE INDEX jobs_deadline ON jobs (deadline_at) WHERE status = 'pending' AND deadline_at IS NOT NULL;

        ALTER TABLE nodes ADD COLUMN job_types text[] NOT NULL DEFAULT '{}';
        ALTER TABLE executions ADD COLUMN began_at timestamptz;
        -- A run that is forgotten must not look through all the history for what refers to it.
        CREATE INDEX executions_of_run ON executions (run_id) WHERE run_id IS NOT NULL;
        CREATE INDEX occurrences_with_run ON occurrences (run_id) WHERE run_id IS NOT NULL;
        """
    )


def _views_of_groups_and_runs() -> None:
    op.execute(
        """
        CREATE OR REPLACE VIEW v_groups AS
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
               job_groups.created_at, job_groups.updated_at,
               job_groups.is_enabled, job_groups.max_parallel, job_groups.crash_limit, job_groups.keep_days,
               schedules.is_enabled AS schedule_is_enabled, schedules.catch_up, schedules.overlap,
               schedules.error AS schedule_error,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('group', above.name, 'match', edge.match,
                                                             'on_failure', edge.on_failure) ORDER BY above.name), '[]')
                FROM job_group_dependencies AS edge JOIN job_groups AS above ON above.id = edge.depends_on_id
                WHERE edge.job_group_id = job_groups.id) AS dependencies
        FROM job_groups
        JOIN users ON users.id = job_groups.user_id
        LEFT JOIN data_sources ON data_sources.id = job_groups.data_source_id
        LEFT JOIN job_groups AS parent ON parent.id = job_groups.parent_id
        LEFT JOIN schedules ON schedules.job_group_id = job_groups.id
        LEFT JOIN LATERAL (SELECT * FROM runs WHERE runs.job_group_id = job_groups.id ORDER BY id DESC LIMIT 1)
            AS newest ON true;

        CREATE OR REPLACE VIEW v_runs AS
        SELECT runs.id, job_groups.user_id, job_groups.name AS job_group, runs.kind, runs.status, runs.blocked_by,
               runs.requested_at, runs.started_at, runs.planned_at, runs.completed_at, runs.total_jobs,
               runs.completed_jobs, runs.failed_jobs, runs.cancelled_jobs, runs.rows_written, runs.requests,
               runs.error_message,
               runs.for_on, runs.due_at, runs.cancel_requested_at
        FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id;
        """
    )


def _views_of_jobs() -> None:
    op.execute(
        """
        CREATE OR REPLACE VIEW v_jobs AS
        SELECT jobs.id, coalesce(job_groups.user_id, 1) AS user_id, job_groups.name AS job_group, jobs.run_id,
               jobs.key, jobs.job_type, jobs.name, jobs.description, jobs.symbol, jobs.parameters, jobs.priority,
               jobs.is_enabled, jobs.status, jobs.due_at, jobs.attempts, jobs.retry_count, jobs.error_count,
               jobs.crash_count, jobs.max_retries, jobs.retry_delay, jobs.last_error,
               CASE WHEN jobs.status IN ('failed', 'cancelled') THEN jobs.last_error END AS error_message,
               jobs.result, jobs.started_at, jobs.completed_at, jobs.last_run_at, jobs.next_run_at,
               jobs.last_retry_at, jobs.created_at, jobs.updated_at,
               jobs.unique_key, jobs.deadline_at, jobs.timeout_s, jobs.crash_limit, jobs.is_held,
               CASE jobs.status WHEN 'completed' THEN 100 ELSE jobs.progress END AS progress
        FROM jobs LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id;

        CREATE OR REPLACE VIEW v_executions AS
        SELECT executions.id, coalesce(job_groups.user_id, 1) AS user_id, executions.job_id, jobs.name AS job,
               job_groups.name AS job_group, executions.run_id, executions.attempt, executions.status,
               executions.error_class, executions.reason, executions.error_message, executions.requests,
               executions.bytes, executions.rows_written, executions.pages, executions.node_id,
               executions.lease_until, executions.started_at, executions.completed_at,
               executions.created_at, executions.updated_at,
               executions.began_at
        FROM executions
        JOIN jobs ON jobs.id = executions.job_id
        LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id;
        """
    )
