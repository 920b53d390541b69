"""Accounts with roles, a turn to renew tokens, what a provider said of a credential, and the owner of lone jobs."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    _credentials()
    _users()
    _owners_of_lone_jobs()


def _credentials() -> None:
    op.execute(
        """
        ALTER TABLE data_source_credentials
            ADD COLUMN last_validated_at timestamptz,
            ADD COLUMN is_accepted boolean,
            ADD COLUMN renewal_id uuid,
            ADD COLUMN renewal_until timestamptz,
            -- The node that could not open it; nobody else says that it opens while that node lives.
            ADD COLUMN unreadable_by uuid,
            ADD CONSTRAINT renewal_is_whole CHECK ((renewal_id IS NULL) = (renewal_until IS NULL)),
            ADD CONSTRAINT validation_is_whole CHECK ((last_validated_at IS NULL) = (is_accepted IS NULL));
        """
    )


def _users() -> None:
    op.execute(
        """
        ALTER TABLE users
            ADD COLUMN email text UNIQUE CHECK (length(email) BETWEEN 3 AND 320),
            ADD COLUMN role text NOT NULL DEFAULT 'viewer' CHECK (role IN ('admin', 'operator', 'viewer')),
            ADD COLUMN password_hash text,
            ADD COLUMN is_enabled boolean NOT NULL DEFAULT true,
            ADD COLUMN last_sign_in_at timestamptz;
        UPDATE users SET role = 'admin' WHERE name = 'local';

        CREATE TABLE sign_in_failures (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            account text NOT NULL CHECK (length(account) = 64),
            address text NOT NULL CHECK (length(address) <= 200),
            failed_at timestamptz NOT NULL
        );
        CREATE INDEX sign_in_failures_lately ON sign_in_failures (account, failed_at);
        CREATE INDEX sign_in_failures_old ON sign_in_failures (failed_at);

        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
                REVOKE ALL ON sign_in_failures FROM reader;
            END IF;
        END $$;
        """
    )


def _owners_of_lone_jobs() -> None:
    op.execute(
        """
        -- Whose it is where it stands alone; a job of a group is its group's owner's, whatever stands here. Without a
        -- foreign key: every job that is queued would lock the row of its user.
        ALTER TABLE jobs ADD COLUMN user_id bigint NOT NULL DEFAULT 1;
        DROP INDEX jobs_unique_key;
        CREATE UNIQUE INDEX jobs_unique_key ON jobs (user_id, job_type, unique_key)
            WHERE unique_key IS NOT NULL AND status IN ('pending', 'running', 'paused');

        CREATE OR REPLACE VIEW v_jobs AS
        SELECT jobs.id, coalesce(job_groups.user_id, jobs.user_id) AS user_id, job_groups.name AS job_group,
               jobs.run_id,
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
        SELECT executions.id, coalesce(job_groups.user_id, jobs.user_id) AS user_id, executions.job_id,
               jobs.name AS job,
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
