-- Puts a user's failed jobs that stand alone back to work, narrowed to what their last attempts failed with, or to those that were
-- never started in time. Of those with the same unique key it takes the newest, and none where one is open. Locks the jobs
-- in order of their ids.
WITH failed AS MATERIALIZED (
    SELECT jobs.id
    FROM jobs
    LEFT JOIN LATERAL (
        SELECT 'timed_out' AS reason, 'retryable' AS error_class WHERE jobs.last_error = :expired
        UNION ALL
        (SELECT reason, error_class FROM executions
         WHERE executions.job_id = jobs.id AND jobs.last_error IS DISTINCT FROM :expired
         ORDER BY executions.id DESC LIMIT 1)
    ) AS last ON true
    WHERE jobs.job_group_id IS NULL AND jobs.user_id = :user_id AND jobs.status = 'failed' AND jobs.is_enabled
      AND (CAST(:reason AS text) IS NULL OR last.reason = :reason)
      AND (CAST(:error_class AS text) IS NULL OR last.error_class = :error_class)
      AND (jobs.unique_key IS NULL OR NOT EXISTS (
          SELECT FROM jobs AS same
          WHERE same.user_id = jobs.user_id AND same.job_type = jobs.job_type AND same.unique_key = jobs.unique_key
            AND (same.status IN ('pending', 'running', 'paused') OR same.status = 'failed' AND same.id > jobs.id)))
    ORDER BY jobs.id
    FOR UPDATE OF jobs
)
UPDATE jobs
SET status = 'pending', attempts = 0, retry_count = 0, crash_count = 0, progress = 0, completed_at = NULL,
    due_at = coalesce(:now, clock_timestamp()), next_run_at = NULL,
    deadline_at = CASE WHEN deadline_at > coalesce(:now, clock_timestamp()) THEN deadline_at END,
    updated_at = coalesce(:now, clock_timestamp())
FROM failed
WHERE jobs.id = failed.id
RETURNING jobs.id
