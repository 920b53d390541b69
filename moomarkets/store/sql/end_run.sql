-- Ends a run whose jobs have all ended, with its group's state and its occurrences; the rows of both are locked already.
WITH ended AS (
    UPDATE runs
    SET status = CASE WHEN failed_jobs > 0 THEN 'failed'
                      WHEN cancelled_jobs > 0 OR cancel_requested_at IS NOT NULL THEN 'cancelled'
                      ELSE 'completed' END,
        completed_at = coalesce(:now, clock_timestamp())
    WHERE id = :run_id AND status = 'running' AND planned_at IS NOT NULL
      AND completed_jobs + failed_jobs + cancelled_jobs >= total_jobs
    RETURNING id, job_group_id, status
), booked AS (
    UPDATE occurrences
    SET status = 'ran', updated_at = coalesce(:now, clock_timestamp())
    FROM ended
    WHERE occurrences.run_id = ended.id AND occurrences.status = 'pending'
)
UPDATE job_groups
SET status = CASE WHEN job_groups.status = 'paused' THEN 'paused'
                  WHEN EXISTS (SELECT FROM runs AS next
                               WHERE next.job_group_id = ended.job_group_id AND next.status = 'pending') THEN 'pending'
                  WHEN ended.status = 'completed' THEN 'completed' ELSE 'failed' END,
    error_count = CASE WHEN ended.status = 'completed' THEN 0 ELSE job_groups.error_count + 1 END,
    last_run_at = coalesce(:now, clock_timestamp()), updated_at = coalesce(:now, clock_timestamp())
FROM ended
WHERE job_groups.id = ended.job_group_id
RETURNING ended.id
