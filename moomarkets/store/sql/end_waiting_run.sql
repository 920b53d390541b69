-- Ends a run that has not started as :status, with its group's state and its occurrences; both rows are locked already.
WITH ended AS (
    UPDATE runs
    SET status = :status, blocked_by = NULL, error_message = :reason, completed_at = coalesce(:now, clock_timestamp()),
        cancel_requested_at = CASE WHEN :status = 'cancelled' THEN coalesce(:now, clock_timestamp()) END
    WHERE id = :run_id AND status = 'pending'
    RETURNING id, job_group_id, status
), booked AS (
    UPDATE occurrences
    SET status = 'skipped', reason = :reason, updated_at = coalesce(:now, clock_timestamp())
    FROM ended
    WHERE occurrences.run_id = ended.id AND occurrences.status = 'pending'
)
UPDATE job_groups
SET status = CASE WHEN job_groups.status IN ('paused', 'running') THEN job_groups.status
                  WHEN EXISTS (SELECT FROM runs AS next WHERE next.job_group_id = ended.job_group_id
                               AND next.status = 'pending' AND next.id <> ended.id) THEN 'pending'
                  WHEN ended.status = 'skipped' THEN 'idle' ELSE 'failed' END,
    updated_at = coalesce(:now, clock_timestamp())
FROM ended
WHERE job_groups.id = ended.job_group_id
RETURNING ended.id
