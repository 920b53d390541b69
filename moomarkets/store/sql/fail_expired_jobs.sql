-- Fails jobs that stand alone and were not claimed by their deadline; locks their rows, skipping locked ones.
WITH expired AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE status = 'pending' AND deadline_at <= coalesce(:now, clock_timestamp()) AND run_id IS NULL
    ORDER BY deadline_at
    LIMIT 500
    FOR UPDATE SKIP LOCKED
)
UPDATE jobs
SET status = 'failed', completed_at = coalesce(:now, clock_timestamp()), error_count = error_count + 1,
    last_error = :expired, updated_at = coalesce(:now, clock_timestamp())
FROM expired
WHERE jobs.id = expired.id
RETURNING jobs.id, jobs.name
