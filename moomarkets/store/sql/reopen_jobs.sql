-- Puts ended jobs of a run back to work with fresh retries and says what they were; the run row is locked already, locks
-- the jobs in order of their ids.
WITH ended AS MATERIALIZED (
    SELECT id, status, job_type FROM jobs
    WHERE id = ANY (:ids) AND run_id = :run_id AND is_enabled AND status IN ('completed', 'failed', 'cancelled')
    ORDER BY id
    FOR UPDATE
), reopened AS (
    UPDATE jobs
    SET status = 'pending', attempts = 0, retry_count = 0, crash_count = 0, progress = 0, completed_at = NULL,
        is_held = :is_limited AND jobs.job_type <> :plan, due_at = coalesce(:now, clock_timestamp()),
        next_run_at = NULL, updated_at = coalesce(:now, clock_timestamp())
    FROM ended
    WHERE jobs.id = ended.id
)
SELECT status, job_type FROM ended
