"""Job groups with their dependencies and runs, jobs, and one row per attempt."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE nodes (
            id uuid PRIMARY KEY,
            host text NOT NULL,
            pid integer NOT NULL,
            boot_id text NOT NULL,
            process_start text NOT NULL,
            version text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            stopped_at timestamptz
        );
        CREATE INDEX nodes_living ON nodes (id) WHERE stopped_at IS NULL;

        CREATE TABLE job_groups (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id bigint NOT NULL REFERENCES users,
            data_source_id bigint NOT NULL REFERENCES data_sources,
            parent_id bigint REFERENCES job_groups,
            endpoint_id text,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            description text NOT NULL DEFAULT '',
            level integer NOT NULL DEFAULT 1 CHECK (level >= 1),
            scope jsonb NOT NULL DEFAULT '{}',
            status text NOT NULL DEFAULT 'idle'
                CHECK (status IN ('idle', 'pending', 'running', 'paused', 'completed', 'failed')),
            priority smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
            max_retries integer NOT NULL DEFAULT 3 CHECK (max_retries BETWEEN 0 AND 1000),
            retry_delay integer NOT NULL DEFAULT 300 CHECK (retry_delay BETWEEN 0 AND 604800),
            error_count integer NOT NULL DEFAULT 0,
            last_run_at timestamptz,
            next_run_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (user_id, name)
        );
        CREATE INDEX job_groups_status ON job_groups (status);
        CREATE INDEX job_groups_source ON job_groups (data_source_id);

        CREATE TABLE job_group_dependencies (
            job_group_id bigint NOT NULL REFERENCES job_groups ON DELETE CASCADE,
            depends_on_id bigint NOT NULL REFERENCES job_groups ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (job_group_id, depends_on_id),
            CHECK (job_group_id <> depends_on_id)
        );
        CREATE INDEX job_group_dependencies_upstream ON job_group_dependencies (depends_on_id);

        CREATE TABLE runs (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            job_group_id bigint NOT NULL REFERENCES job_groups ON DELETE CASCADE,
            creation_key uuid NOT NULL UNIQUE,
            kind text NOT NULL CHECK (kind IN ('manual', 'scheduled')),
            status text NOT NULL DEFAULT 'pending'
                CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
            blocked_by text,
            requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            started_at timestamptz,
            planned_at timestamptz,
            completed_at timestamptz,
            total_jobs integer NOT NULL DEFAULT 0,
            completed_jobs integer NOT NULL DEFAULT 0,
            failed_jobs integer NOT NULL DEFAULT 0,
            cancelled_jobs integer NOT NULL DEFAULT 0,
            rows_written bigint NOT NULL DEFAULT 0,
            requests bigint NOT NULL DEFAULT 0,
            error_message text,
            CHECK (completed_jobs + failed_jobs + cancelled_jobs <= total_jobs OR planned_at IS NULL)
        );
        CREATE UNIQUE INDEX runs_one_active ON runs (job_group_id) WHERE status IN ('pending', 'running');
        CREATE INDEX runs_of_group ON runs (job_group_id, id DESC);

        CREATE TABLE jobs (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            job_group_id bigint REFERENCES job_groups ON DELETE CASCADE,
            run_id bigint REFERENCES runs ON DELETE SET NULL,
            key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
            job_type text NOT NULL,
            name text NOT NULL,
            description text NOT NULL DEFAULT '',
            symbol text,
            parameters jsonb NOT NULL DEFAULT '{}',
            priority smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
            is_enabled boolean NOT NULL DEFAULT true,
            status text NOT NULL DEFAULT 'idle'
                CHECK (status IN ('idle', 'pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
            due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
            retry_count integer NOT NULL DEFAULT 0,
            crash_count integer NOT NULL DEFAULT 0,
            error_count integer NOT NULL DEFAULT 0,
            max_retries integer NOT NULL DEFAULT 3 CHECK (max_retries BETWEEN 0 AND 1000),
            retry_delay integer NOT NULL DEFAULT 300 CHECK (retry_delay BETWEEN 0 AND 604800),
            lease_token bigint NOT NULL DEFAULT 0,
            last_error text,
            result jsonb,
            started_at timestamptz,
            completed_at timestamptz,
            last_run_at timestamptz,
            next_run_at timestamptz,
            last_retry_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (job_group_id, key)
        ) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.01);
        CREATE INDEX jobs_claimable ON jobs (priority DESC, due_at, id) WHERE status = 'pending' AND is_enabled;
        CREATE INDEX jobs_of_run ON jobs (run_id);

        CREATE TABLE executions (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            job_id bigint NOT NULL REFERENCES jobs ON DELETE CASCADE,
            run_id bigint REFERENCES runs ON DELETE SET NULL,
            node_id uuid NOT NULL REFERENCES nodes,
            claim_id uuid NOT NULL,
            completion_id uuid,
            attempt integer NOT NULL,
            lease_token bigint NOT NULL,
            lease_until timestamptz NOT NULL,
            status text NOT NULL DEFAULT 'running'
                CHECK (status IN ('running', 'completed', 'failed', 'interrupted', 'cancelled')),
            error_class text CHECK (error_class IN ('retryable', 'rate_limit', 'non_retryable')),
            reason text,
            error_message text,
            requests integer NOT NULL DEFAULT 0,
            bytes bigint NOT NULL DEFAULT 0,
            rows_written bigint NOT NULL DEFAULT 0,
            pages integer NOT NULL DEFAULT 0,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            completed_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            CHECK ((status = 'running') = (completed_at IS NULL))
        ) WITH (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.01);
        CREATE UNIQUE INDEX executions_one_running ON executions (job_id) WHERE status = 'running';
        CREATE INDEX executions_running ON executions (id) WHERE status = 'running';
        CREATE INDEX executions_of_job ON executions (job_id, id DESC);
        CREATE INDEX executions_of_claim ON executions (claim_id);
        """
    )
